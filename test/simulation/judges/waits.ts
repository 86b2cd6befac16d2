// Things that must happen within a bound, which counts from when each was due and nothing stood in its way.

export class Waits {
  readonly #boundMs: number;
  readonly #late: (key: string, afterMs: number) => void;
  readonly #begun = new Map<string, number>();

  /** `late` is told each that took, or has taken, longer. */
  constructor(boundMs: number, late: (key: string, afterMs: number) => void) {
    this.#boundMs = boundMs;
    this.#late = late;
  }

  /** It is due. One that waits already goes on waiting. */
  begin(key: string, atMs: number): void {
    if (!this.#begun.has(key)) this.#begun.set(key, atMs);
  }

  /** It is not due any more. */
  drop(key: string): void {
    this.#begun.delete(key);
  }

  /** It has happened. `calmSinceMs` undefined: something stands in its way. */
  end(key: string, nowMs: number, calmSinceMs: number | undefined): void {
    this.#check(key, nowMs, calmSinceMs);
    this.#begun.delete(key);
  }

  look(nowMs: number, calmSinceMs: (key: string) => number | undefined): void {
    for (const key of this.#begun.keys()) this.#check(key, nowMs, calmSinceMs(key));
  }

  get keys(): readonly string[] {
    return [...this.#begun.keys()];
  }

  #check(key: string, nowMs: number, calmSinceMs: number | undefined): void {
    const begunMs = this.#begun.get(key);
    if (begunMs === undefined || calmSinceMs === undefined) return;
    const afterMs = nowMs - Math.max(begunMs, calmSinceMs);
    if (afterMs <= this.#boundMs) return;
    this.#begun.delete(key);
    this.#late(key, afterMs);
  }
}
