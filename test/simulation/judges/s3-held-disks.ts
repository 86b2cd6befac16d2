// S3: a host that is in people's hands is not touched.
import { firstOfBoot } from "./first-of-boot.ts";
import { onItsWayMs, Since } from "./history.ts";
import { bootsFrom, hostOf, isHandsOff, statusOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { judgeWords } from "./known-holds.ts";

export const s3: JudgeKind = {
  id: "S3",
  says: "no disk of a host is touched long after it was detached or paused",
  make(report) {
    const isFirst = firstOfBoot();
    const held = new Since(isHandsOff);
    return {
      on: {
        ...judgeWords(report, "held back", ({ paused, detached }) => paused || detached),
        object: (event) => held.onObject(event),
        disk(event, truth) {
          if (!isFirst(event)) return;
          const host = hostOf(truth, event.machine);
          const isItsDisk = bootsFrom(host, truth.machines.get(event.machine));
          if (host === undefined || !isItsDisk) return;
          const heldMs = held.heldMs(host.metadata.uid, event.atMs);
          const isDetached = statusOf(host).operationalStatus === "detached";
          if (heldMs > onItsWayMs || (heldMs >= 0 && isDetached)) {
            report(`${event.change} on ${event.disk}: held for ${heldMs} ms`, event.machine);
          }
        },
      },
    };
  },
};
