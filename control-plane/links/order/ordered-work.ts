// Work that is done one after the other, as it came, or first. What it throws ends nothing here: it is handed over.
export class OrderedWork {
  private readonly waiting: (() => Promise<void>)[] = [];
  private readonly onThrow: (thrown: unknown) => void;
  private isAtWork = false;

  constructor(onThrow: (thrown: unknown) => void) {
    this.onThrow = onThrow;
  }

  last(run: () => Promise<void>): void {
    this.waiting.push(run);
    void this.work();
  }

  first(run: () => Promise<void>): void {
    this.waiting.unshift(run);
    void this.work();
  }

  private async work(): Promise<void> {
    if (this.isAtWork) return;
    this.isAtWork = true;
    await Promise.resolve();
    for (let run = this.waiting.shift(); run !== undefined; run = this.waiting.shift()) {
      try {
        await run();
      } catch (thrown) {
        this.onThrow(thrown);
      }
    }
    this.isAtWork = false;
  }
}
