// S3: a host that is in people's hands is not touched.
import { firstOfBoot } from "./first-of-boot.ts";
import { onItsWayMs, Since } from "./history.ts";
import { hostOf, isHandsOff, statusOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { KnownHolds } from "./known-holds.ts";
import { partsOfOperation } from "./operations.ts";

export const s3: JudgeKind = {
  id: "S3",
  says: "no disk of a host is touched long after it was detached or paused",
  make(report) {
    const isFirst = firstOfBoot();
    const known = new KnownHolds(({ paused, detached }) => paused || detached);
    const held = new Since(isHandsOff);
    return {
      on: {
        delivered: (event) => known.onDelivered(event),
        "ramdisk-message"({ machine, type, operationId, agent, atMs }, truth) {
          if (type !== "go" || operationId === undefined) return;
          const { hostUid } = partsOfOperation(operationId);
          const site = agent ?? truth.machines.get(machine)?.site ?? "";
          const heldMs = known.heldMs(site, hostUid, atMs);
          if (heldMs === undefined) return;
          report(`its agent had known for ${heldMs} ms that it is held back, and said go`, machine);
        },
        object: (event) => held.onObject(event),
        disk(event, truth) {
          if (!isFirst(event)) return;
          const host = hostOf(truth, event.machine);
          if (host === undefined) return;
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
