// S8: a machine is worked on for one host at a time.
import type { Truth } from "../world/truth.ts";
import type { JudgeKind } from "./judge.ts";

export const s8: JudgeKind = {
  id: "S8",
  says: "a machine is destroyed for one host at a time, whatever other host names its BMC",
  make(report) {
    /** Whose work destroyed on each machine last: the uid of a host. */
    const owners = new Map<string, string>();
    /** The same by owner. */
    const machinesOf = new Map<string, Set<string>>();
    const own = (machine: string, uid: string | undefined): void => {
      machinesOf.get(owners.get(machine) ?? "")?.delete(machine);
      if (uid === undefined) return void owners.delete(machine);
      owners.set(machine, uid);
      machinesOf.set(uid, (machinesOf.get(uid) ?? new Set()).add(machine));
    };
    return {
      on: {
        object({ after, verb }, truth) {
          if (after.kind !== "BareMetalHost") return;
          const { uid, deletionTimestamp } = after.metadata;
          for (const machine of machinesOf.get(uid) ?? []) {
            const isOver = verb === "gone" || deletionTimestamp !== undefined;
            if (isOver || !isHostOf(truth, machine, uid)) own(machine, undefined);
          }
        },
        "ramdisk-message"({ machine, type, operationId }, truth) {
          if (type !== "go" || operationId === undefined) return;
          const uid = operationId.replace(/\.\d+$/, "");
          const owner = owners.get(machine);
          own(machine, uid);
          if (owner === undefined || owner === uid) return;
          if (isHostOf(truth, machine, owner))
            report(`may be destroyed for ${uid}, and belongs to ${owner}`, machine);
        },
      },
    };
  },
};

function isHostOf(truth: Truth, machine: string, uid: string): boolean {
  return truth.hostsOf(machine).some(({ object }) => object.metadata.uid === uid);
}
