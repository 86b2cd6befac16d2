// L7: what failed is tried again as long as trying can help. Causes that only a person can end are left out: a host
// whose machine is another one's too, a boot MAC or BMC address of nobody, a password that the BMC does not take, an
// image that was given up, a host to clean whose disks its spec has come to keep from us, and one that shall be off and
// never be switched off. What is tried again must succeed where nothing is wrong. That a changed Secret wakes at once is
// judged by L13, a changed spec by L1.
import { anything, Calm } from "./calm.ts";
import { fleetOf, mayLogIn } from "./fleet-of.ts";
import type { FleetHost } from "./fleet-of.ts";
import { bootMacOf, isHandsOff, specOf, statusOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import type { Truth } from "../world/truth.ts";
import { VainTries } from "./vain-tries.ts";
import { Waits } from "./waits.ts";

const boundMs = 15 * 60_000;
const repeated: readonly string[] = [
  "registration error",
  "provisioned registration error",
  "inspection error",
  "preparation error",
  "power management error",
];

export const l7: JudgeKind = {
  id: "L7",
  says: "15 min after it failed work is tried again, unless a person has to do something first, and succeeds in peace",
  make(report) {
    const calm = new Calm();
    const sinceMs = () => calm.connectedSinceMs(anything);
    /** Hosts whose work has no end yet. */
    const running = new Set<string>();
    const vain = new VainTries();
    const waits = new Waits(boundMs, (uid, afterMs) =>
      report(`nothing was tried for ${uid} in ${afterMs} ms`, uid),
    );
    return {
      on: {
        ...calm.on,
        delivered(event) {
          const { what, hostUid, atMs } = event;
          vain.onDelivered(event, sinceMs());
          if (what !== "operation") return;
          waits.end(hostUid, atMs, sinceMs());
          running.add(hostUid);
        },
        power: (event, truth) => vain.onPower(event, truth),
        reported(event, truth) {
          const { what, hostUid = "", failure } = event;
          if (what === "operation-succeeded" || what === "operation-failed")
            running.delete(hostUid);
          if (vain.onReported(event, sinceMs()) < 2 || !isHealthy(truth, hostUid)) return;
          report(`work for ${hostUid} fails again (${failure}), and nothing is wrong`, hostUid);
        },
      },
      look(truth) {
        const failing = new Set(
          fleetOf(truth)
            .filter((host) => canSucceed(host))
            .map(({ object }) => object.metadata.uid)
            .filter((uid) => !running.has(uid)),
        );
        for (const uid of waits.keys) if (!failing.has(uid)) waits.drop(uid);
        for (const uid of failing) waits.begin(uid, truth.nowMs());
        waits.look(truth.nowMs(), sinceMs);
      },
    };
  },
};

/** With a boot MAC that its machine boots from: firmware tries the first NIC. */
function isHealthy(truth: Truth, hostUid: string): boolean {
  const host = fleetOf(truth).find(({ object }) => object.metadata.uid === hostUid);
  return (
    host !== undefined &&
    !isHandsOff(host.object) &&
    mayLogIn(host) &&
    bootMacOf(host.object) === host.machine?.macs[0]
  );
}

/** A password that failed too often waits half an hour, lest the BMC locks. */
function canSucceed(host: FleetHost): boolean {
  const { errorType = "" } = statusOf(host.object);
  const { externallyProvisioned = false, disablePowerOff, online } = specOf(host.object);
  if (externallyProvisioned && errorType === "preparation error") return false;
  if (disablePowerOff === true && online === false) return false;
  return repeated.includes(errorType) && !isHandsOff(host.object) && mayLogIn(host);
}
