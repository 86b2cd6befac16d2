// L11: what people do to the power of a machine is seen in its host's status. Judged in the states in which a host is
// used; while work is done on it its status tells the work. That one hung BMC delays no other one is real time's.
import { anything, Calm } from "./calm.ts";
import { fleetOf, isOrdinary } from "./fleet-of.ts";
import type { FleetHost } from "./fleet-of.ts";
import { isHandsOff, stateOf, statusOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { Waits } from "./waits.ts";

/** Two intervals of 120 s in which the power is looked at. */
const boundMs = 240_000;
const used: readonly string[] = ["available", "provisioned", "externally provisioned"];

export const l11: JudgeKind = {
  id: "L11",
  says: "a host's status says within 240 s whether its machine is on",
  make(report) {
    const calm = new Calm();
    const sinceMs = () => calm.connectedSinceMs(anything);
    const waits = new Waits(boundMs, (uid, afterMs) =>
      report(`the power of ${uid} is not what its status says for ${afterMs} ms`, uid),
    );
    return {
      on: calm.on,
      look(truth) {
        const nowMs = truth.nowMs();
        const wrong = new Set(
          fleetOf(truth)
            .filter((host) => isWrong(host))
            .map(({ object }) => object.metadata.uid),
        );
        for (const uid of waits.keys) if (!wrong.has(uid)) waits.drop(uid);
        for (const uid of wrong) waits.begin(uid, nowMs);
        waits.look(nowMs, sinceMs);
      },
    };
  },
};

function isWrong({ object, machine, password }: FleetHost): boolean {
  if (!used.includes(stateOf(object)) || isHandsOff(object)) return false;
  if (machine === undefined || !isOrdinary(machine)) return false;
  // Whose password is wrong cannot look.
  if (machine.lockedOut || password !== machine.password) return false;
  return statusOf(object).poweredOn !== machine.on;
}
