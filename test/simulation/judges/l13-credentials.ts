// L13: a password that a BMC does not take is told, and one that is corrected in the Secret is tried at once. A
// password that failed before does not count: it has to wait, lest the BMC locks (S15). Neither does a BMC that is away,
// nor one where an agent is logged in with that password: it was the agent's copy that was refused. What only an agent
// knew that is gone, while its copy is logged in, nobody can tell.
import type { KubernetesObject } from "../world/events.ts";
import type { MachineTruth, Truth } from "../world/truth.ts";
import { anything, Calm } from "./calm.ts";
import { credentialsOf, fleetOf, isOrdinary } from "./fleet-of.ts";
import type { FleetHost } from "./fleet-of.ts";
import { isHandsOff, statusOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { LoggedIn } from "./logged-in.ts";
import { Waits } from "./waits.ts";

/** Two intervals of 120 s in which a BMC is looked at. */
const toldMs = 240_000;
const triedMs = 5_000;

export const l13: JudgeKind = {
  id: "L13",
  says: "a wrong BMC password is told in 240 s; 5 s after the Secret is right there is a login",
  make(report) {
    const calm = new Calm();
    const loggedIn = new LoggedIn();
    const sinceMs = () => calm.connectedSinceMs(anything);
    /** Machines that refused the last login, with the passwords that failed. */
    const refused = new Map<string, Set<string>>();
    const told = new Waits(toldMs, (machine, afterMs) =>
      report(`nobody was told of a wrong password for ${afterMs} ms`, machine),
    );
    const tried = new Waits(triedMs, (machine, afterMs) =>
      report(`no login ${afterMs} ms after the Secret was right`, machine),
    );
    // One that is away when it is tried comes back in its own time, which L7 judges.
    const isWithinReach = ({ name, site }: MachineTruth): boolean =>
      calm.sinceMs(({ what, target }) =>
        what.startsWith("bmc-") ? target === name : what === "network-loss" && target === site,
      ) !== undefined;
    const onSecret = (truth: Truth, cluster: string, secret: KubernetesObject, atMs: number) => {
      for (const host of fleetOf(truth)) {
        const machine = machineIn(host);
        if (machine === undefined || !names(host, cluster, secret)) continue;
        const failed = refused.get(machine.name);
        const { password = "" } = host;
        const isRight = password === machine.password && failed?.has(password) === false;
        const isDue = isRight && isWithinReach(machine) && !loggedIn.withValid(machine);
        if (isDue) tried.begin(machine.name, atMs);
        else tried.drop(machine.name);
      }
    };
    return {
      on: {
        ...calm.on,
        fault(event, truth) {
          calm.on.fault(event);
          for (const name of tried.keys) {
            const machine = truth.machines.get(name);
            if (machine !== undefined && !isWithinReach(machine)) tried.drop(name);
          }
        },
        ended(event) {
          calm.on.ended(event);
          loggedIn.onEnded(event);
          for (const name of told.keys)
            if (loggedIn.isForgotten(name, event.process)) told.drop(name);
        },
        login(event, truth) {
          const { machine, ok, agent, atMs } = event;
          if (agent === undefined) return;
          loggedIn.onLogin(event);
          tried.end(machine, atMs, sinceMs());
          const host = fleetOf(truth).find((each) => machineIn(each)?.name === machine);
          if (ok || host === undefined) {
            refused.delete(machine);
            return told.drop(machine);
          }
          const failed = refused.get(machine) ?? new Set();
          refused.set(machine, failed.add(host.password ?? ""));
          told.begin(machine, atMs);
        },
        object({ cluster, after, atMs }, truth) {
          if (after.kind === "Secret") onSecret(truth, cluster, after, atMs);
        },
      },
      look(truth) {
        const nowMs = truth.nowMs();
        const fleet = fleetOf(truth);
        for (const name of [...told.keys, ...tried.keys]) {
          const host = fleet.find((each) => machineIn(each)?.name === name);
          if (host === undefined) for (const waits of [told, tried]) waits.drop(name);
          else if ((statusOf(host.object).errorMessage ?? "") !== "")
            told.end(name, nowMs, sinceMs());
        }
        for (const waits of [told, tried]) waits.look(nowMs, sinceMs);
      },
    };
  },
};

/** Of a host that is to be worked with. */
function machineIn({ object, machine }: FleetHost) {
  if (isHandsOff(object) || object.metadata.deletionTimestamp !== undefined) return undefined;
  return machine !== undefined && isOrdinary(machine) ? machine : undefined;
}

function names(host: FleetHost, cluster: string, { metadata }: KubernetesObject): boolean {
  return (
    host.cluster === cluster &&
    host.object.metadata.namespace === metadata.namespace &&
    credentialsOf(host.object) === metadata.name
  );
}
