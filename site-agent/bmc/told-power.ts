// What a BMC was told last and has not shown yet. Some tell a power state that is up to a minute old: until then a reading
// that says otherwise may be from before.
import type { Clock } from "../ports.ts";
import type { PowerAction } from "./port.ts";

/** A command that still shows nothing was not done. */
const showsWithinMs = 120_000;

export class ToldPower {
  readonly #clock: Pick<Clock, "monotonicMs">;
  #told: { readonly on: boolean; readonly atMs: number } | undefined;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  tell(action: PowerAction): void {
    if (action === "on" || action === "off") {
      this.#told = { on: action === "on", atMs: this.#clock.monotonicMs() };
    } else if (action === "soft") this.#told = undefined;
  }

  /** Of what was read just now. */
  isDoubtful(on: boolean): boolean {
    if (this.#told === undefined) return false;
    const isLate = this.#clock.monotonicMs() - this.#told.atMs > showsWithinMs;
    if (on === this.#told.on || isLate) this.#told = undefined;
    return this.#told !== undefined;
  }
}
