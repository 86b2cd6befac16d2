// S8: a machine is worked on for one host at a time.
import type { Truth } from "../world/truth.ts";
import type { JudgeKind } from "./judge.ts";

export const s8: JudgeKind = {
  id: "S8",
  says: "a machine is destroyed for one host at a time, whatever other host names its BMC",
  make(report) {
    /** Whose work destroyed on each machine last: the uid of a host. */
    const owners = new Map<string, string>();
    return {
      on: {
        object({ after, verb }, truth) {
          if (after.kind !== "BareMetalHost") return;
          const { uid, deletionTimestamp } = after.metadata;
          for (const [machine, owner] of owners) {
            if (owner !== uid) continue;
            const isOver = verb === "gone" || deletionTimestamp !== undefined;
            if (isOver || !isHostOf(truth, machine, uid)) owners.delete(machine);
          }
        },
        "ramdisk-message"({ machine, type, operationId }, truth) {
          if (type !== "go" || operationId === undefined) return;
          const uid = operationId.replace(/\.\d+$/, "");
          const owner = owners.get(machine);
          owners.set(machine, uid);
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
