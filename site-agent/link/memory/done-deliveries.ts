// Deliveries of one session that are done. What comes twice is answered twice and done once, and a status that comes
// after a newer one of its object counts as done: a second time either could undo what came after the first.
import type { DeliveryItem } from "../read-frame.ts";

const maxRemembered = 1_000;

export class DoneDeliveries {
  private readonly ids = new Set<string>();
  /** Of the newest status that was written, by its object. */
  private readonly statuses = new Map<string, string>();

  has(item: DeliveryItem): boolean {
    const newest = this.statuses.get(objectOfStatus(item) ?? "");
    return this.ids.has(item.id) || (newest !== undefined && isLower(item.id, newest));
  }

  add(item: DeliveryItem): void {
    const object = objectOfStatus(item);
    if (object !== undefined && !this.has(item)) this.statuses.set(object, item.id);
    this.ids.add(item.id);
    const [oldest] = this.ids;
    if (this.ids.size > maxRemembered && oldest !== undefined) this.ids.delete(oldest);
  }
}

function objectOfStatus({ delivery }: DeliveryItem): string | undefined {
  if (delivery.kind !== "write") return undefined;
  const { kind, uid } = delivery.write;
  return kind === "status" || kind === "provider-status" ? `${kind} ${uid}` : undefined;
}

/** The control plane counts its deliveries up, in decimal. */
function isLower(id: string, than: string): boolean {
  return id.length < than.length || (id.length === than.length && id < than);
}
