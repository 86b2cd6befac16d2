// Whether the disks of a machine hold anything that firmware or a kernel would recognise as a system, and when they last
// were seen to hold nothing.
import type { WorldEvent } from "../world/events.ts";
import type { MachineTruth, Truth } from "../world/truth.ts";

const sectorBytes = 512;
const table = "EFI PART";

export function isClean({ disks }: MachineTruth): boolean {
  return disks.every((disk) => {
    const text = (offset: number): string =>
      Buffer.from(disk.peek(offset, table.length)).toString("latin1");
    const [low, high] = disk.peek(510, 2);
    const hasBootRecord = low === 0x55 && high === 0xaa;
    const tables = [sectorBytes, disk.sizeBytes - sectorBytes].map(text);
    return !hasBootRecord && !tables.includes(table);
  });
}

/** Looked at whenever a ramdisk has ended a step. */
export class CleanDisks {
  readonly #seenMs = new Map<string, number>();

  onMessage(
    { machine, type, atMs }: Extract<WorldEvent, { readonly kind: "ramdisk-message" }>,
    truth: Truth,
  ): void {
    if (type !== "done" && type !== "failed") return;
    const found = truth.machines.get(machine);
    if (found !== undefined && isClean(found)) this.#seenMs.set(machine, atMs);
  }

  /** When they were seen to be clean last; -Infinity: never. */
  lastMs(machine: string): number {
    return this.#seenMs.get(machine) ?? -Infinity;
  }

  /** Clean at some time since then, or now. */
  wereSince(machine: MachineTruth, sinceMs: number): boolean {
    return this.lastMs(machine.name) >= sinceMs || isClean(machine);
  }
}
