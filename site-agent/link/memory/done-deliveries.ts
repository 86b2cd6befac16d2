// Deliveries of one session that are done. What comes twice is answered twice and done once: a second time it could
// undo what came after the first.
const maxRemembered = 1_000;

export class DoneDeliveries {
  private readonly ids = new Set<string>();

  has(id: string): boolean {
    return this.ids.has(id);
  }

  add(id: string): void {
    this.ids.add(id);
    const [oldest] = this.ids;
    if (this.ids.size > maxRemembered && oldest !== undefined) this.ids.delete(oldest);
  }
}
