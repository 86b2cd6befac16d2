// S2: the power of a host that is in people's hands is not cut, and an agent that knows that it is switches nothing.
// Where nobody can tell whose hands it is in nothing is ordered.
import { onItsWayMs, Since } from "./history.ts";
import type { KubernetesObject } from "../world/events.ts";
import { BlindOrders } from "./blind-orders.ts";
import { ClusterLines } from "./cluster-lines.ts";
import type { MachineTruth } from "../world/truth.ts";
import { bootsFrom, isHandsOff, wasNeverHeld } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { KnownPower } from "./known-power.ts";

const cuts: readonly string[] = ["off", "cycle", "reset", "soft"];

export const s2: JudgeKind = {
  id: "S2",
  says: "no host that is, or may be, detached, paused or gone is switched off or restarted",
  make(report) {
    const held = new Since(isHandsOff);
    const known = new KnownPower();
    const lines = new ClusterLines();
    const blind = new BlindOrders(report, lines);
    const heed = (event: Parameters<ClusterLines["onFault"]>[0]): void => {
      lines.onFault(event);
      known.onFault(event);
    };
    return {
      on: {
        ...known.on,
        object(event) {
          held.onObject(event);
          lines.onObject(event);
          blind.onObject(event);
        },
        commit(event) {
          lines.onCommit(event);
          blind.onCommit(event);
        },
        delivered(event) {
          known.on.delivered(event);
          blind.onDelivered(event);
        },
        fault: (event) => heed(event),
        "fault-ended": (event) => heed(event),
        "power-command"({ machine, action, agent, atMs }, truth) {
          if (agent === undefined) return;
          const bmcAddress = truth.machines.get(machine)?.bmcAddress ?? "";
          const problem = known.problem(agent, bmcAddress, atMs);
          if (problem !== undefined) report(`${action} by ${agent}, which ${problem}`, machine);
          if (!cuts.includes(action)) return;
          const hosts = truth.hostsOf(machine);
          for (const { object } of hosts) {
            if (hosts.length > 1 && !isItsOwn(object, truth.machines.get(machine))) continue;
            const { uid } = object.metadata;
            const heldMs = held.heldMs(uid, atMs);
            if (heldMs > onItsWayMs && !lines.isStalledSince(uid, atMs - heldMs, atMs))
              report(`${action} after ${heldMs} ms of being held`, machine);
          }
        },
      },
    };
  },
};

/** Of several that name its BMC: one with another machine's boot MAC has a mistyped address. */
function isItsOwn(host: KubernetesObject, machine: MachineTruth | undefined): boolean {
  return bootsFrom(host, machine) && !wasNeverHeld(host);
}
