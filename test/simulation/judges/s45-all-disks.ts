// S45: a disk that is reported erased holds nothing at either end, and a host is offered only when all its disks were
// erased in one cleaning. USB media come and go, and are nobody's.
import type { KubernetesObject, WorldEvent } from "../world/events.ts";
import { fleetOf } from "./fleet-of.ts";
import { specOf, stateOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

/** Where tables, boot code and their copies are. */
const endBytes = 64 * 1024;
/** A change of the mode may cross the work. */
const modeMs = 90_000;

export const s45: JudgeKind = {
  id: "S45",
  says: "what is reported erased is erased, on every disk, before a host is offered",
  make(report) {
    const swapped = new Set<string>();
    /** Serial numbers that the newest erasing of each machine erased. */
    const erased = new Map<string, ReadonlySet<string>>();
    const modes = new Map<string, { readonly mode: string; readonly atMs: number }>();
    const modeSince = (host: KubernetesObject, atMs: number): number => {
      const { uid } = host.metadata;
      const mode = modeOf(host);
      const known = modes.get(uid);
      if (known?.mode === mode) return known.atMs;
      const sinceMs = known === undefined ? 0 : atMs;
      modes.set(uid, { mode, atMs: sinceMs });
      return sinceMs;
    };
    return {
      on: {
        fault({ fault, target }) {
          if (fault === "swapped-machine") for (const name of target.split("+")) swapped.add(name);
        },
        "ramdisk-message"({ machine: name, direction, type, step, disks = [] }, truth) {
          if (direction !== "to agent" || type !== "done" || step !== "erase") return;
          const done = new Set(
            disks.filter(({ ok }) => ok).map(({ serialNumber }) => serialNumber),
          );
          erased.set(name, done);
          for (const disk of truth.machines.get(name)?.disks ?? []) {
            if (!done.has(disk.serialNumber)) continue;
            const ends = [0, disk.sizeBytes - endBytes];
            if (!ends.every((offset) => disk.isZero(offset, endBytes)))
              report(`${disk.serialNumber} is reported erased, and is not`, name);
            else if (disk.unflushedBytes > 0)
              report(
                `${disk.serialNumber} is reported erased, and may not be after a loss of power`,
                name,
              );
          }
        },
        object(event, truth) {
          const { after, verb, atMs } = event;
          if (after.kind !== "BareMetalHost" || verb === "gone") return;
          const changedMs = modeSince(after, atMs);
          if (!isOffered(event) || atMs - changedMs <= modeMs) return;
          const { machine } = fleetOf(truth).find(({ object }) => object === after) ?? {};
          if (machine === undefined || swapped.has(machine.name)) return;
          const left = machine.disks
            .map(({ serialNumber }) => serialNumber)
            .filter((serial) => erased.get(machine.name)?.has(serial) !== true);
          if (left.length > 0)
            report(`offered, and ${left.join(", ")} was not erased`, machine.name);
        },
      },
    };
  },
};

function modeOf(host: KubernetesObject): string {
  return specOf(host).automatedCleaningMode ?? "metadata";
}

/** After a cleaning that is wanted. */
function isOffered({
  before,
  after,
  by,
}: Extract<WorldEvent, { readonly kind: "object" }>): boolean {
  const from = stateOf(before);
  return (
    by === "farrier" &&
    stateOf(after) === "available" &&
    (from === "preparing" || from === "deprovisioning") &&
    modeOf(after) !== "disabled"
  );
}
