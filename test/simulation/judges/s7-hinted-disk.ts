// S7: an image goes where the hints say.
import { onItsWayMs } from "./history.ts";
import { bootsFrom, hostOf, specOf, stateOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

export const s7: JudgeKind = {
  id: "S7",
  says: "an image goes to the disk that the hints name, and to no other",
  make(report) {
    /** Serial numbers that hints have named, newest last, with the time until which each was the newest. */
    const named = new Map<string, { serialNumber: string | undefined; untilMs: number }[]>();
    const begunMs = new Map<string, number>();
    return {
      on: {
        object({ after, atMs }) {
          if (after.kind !== "BareMetalHost") return;
          const serialNumber = specOf(after).rootDeviceHints?.serialNumber?.toLowerCase();
          const list = named.get(after.metadata.uid) ?? [];
          named.set(after.metadata.uid, list);
          const newest = list.at(-1);
          if (newest !== undefined && newest.serialNumber === serialNumber) return;
          if (newest !== undefined) newest.untilMs = atMs;
          list.push({ serialNumber, untilMs: Infinity });
        },
        disk(event, truth) {
          const boot = `${event.machine} ${event.boot}`;
          const sinceMs = begunMs.get(boot) ?? event.atMs;
          begunMs.set(boot, sinceMs);
          const host = hostOf(truth, event.machine);
          // Signatures are removed by zeros; what is written is the image.
          if (host === undefined || event.change !== "write") return;
          if (!bootsFrom(host, truth.machines.get(event.machine))) return;
          if (stateOf(host) !== "provisioning") return;
          const valid = (named.get(host.metadata.uid) ?? [])
            .filter(({ untilMs }) => untilMs > sinceMs - onItsWayMs)
            .map(({ serialNumber }) => serialNumber);
          if (valid.includes(undefined) || valid.includes(event.disk.toLowerCase())) return;
          report(`wrote to ${event.disk}, and the hints name ${valid.join(", ")}`, event.machine);
        },
      },
    };
  },
};
