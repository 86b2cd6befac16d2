// Machines whose BMC cables were exchanged at some time: what is done to one may be meant for the other.
import type { WorldEvent } from "../world/events.ts";

export class Swapped {
  readonly #names = new Set<string>();

  onFault({ fault, target }: Extract<WorldEvent, { readonly kind: "fault" }>): void {
    if (fault === "swapped-machine") for (const name of target.split("+")) this.#names.add(name);
  }

  has(machine: string): boolean {
    return this.#names.has(machine);
  }
}
