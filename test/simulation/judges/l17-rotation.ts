// L17: a change of a BMC's password, made at the BMC and in the Secret by people, ends in a login, whatever came between.
// Farrier changes no passwords by itself. Counted from when both agree; within the login budget of S15. Where an agent
// is logged in with it, since only its copy was refused, there is nothing to do. What only an agent knew that is gone,
// while its copy was not refused, nobody is left to mend.
import { anything, Calm } from "./calm.ts";
import { fleetOf, isOrdinary } from "./fleet-of.ts";
import type { FleetHost } from "./fleet-of.ts";
import { isHandsOff } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { LoggedIn } from "./logged-in.ts";
import { Waits } from "./waits.ts";

const boundMs = 120_000;
/** Two failed logins with one password in this time are all that may be: the next one waits. */
const windowMs = 30 * 60_000;

export const l17: JudgeKind = {
  id: "L17",
  says: "2 min after BMC and Secret agree on a password again there is a login with it",
  make(report) {
    const calm = new Calm();
    const loggedIn = new LoggedIn();
    const sinceMs = () => calm.connectedSinceMs(anything);
    /** Machines whose last login failed; when the valid password failed last, by machine and its number. */
    const refused = new Set<string>();
    const spent = new Map<string, number>();
    const waits = new Waits(boundMs, (machine, afterMs) =>
      report(`no login with the right password for ${afterMs} ms`, machine),
    );
    const agrees = ({ object, machine, password }: FleetHost, nowMs: number): boolean => {
      if (machine === undefined || !isOrdinary(machine) || isHandsOff(object)) return false;
      if (loggedIn.withValid(machine)) return false;
      const spentMs = spent.get(`${machine.name} ${machine.password}`) ?? -Infinity;
      return nowMs - spentMs >= windowMs && password === machine.password;
    };
    return {
      on: {
        ...calm.on,
        ended(event) {
          calm.on.ended(event);
          loggedIn.onEnded(event);
          for (const machine of refused) {
            if (!loggedIn.isForgotten(machine, event.process)) continue;
            refused.delete(machine);
            waits.drop(machine);
          }
        },
        login(event, truth) {
          const { machine, ok, agent, atMs } = event;
          if (agent === undefined) return;
          loggedIn.onLogin(event);
          if (ok) {
            waits.end(machine, atMs, sinceMs());
            refused.delete(machine);
            return;
          }
          refused.add(machine);
          for (const { machine: of, password = "" } of fleetOf(truth)) {
            if (of?.name === machine) spent.set(`${machine} ${password}`, atMs);
          }
        },
      },
      look(truth) {
        const nowMs = truth.nowMs();
        if (refused.size === 0) return;
        const agreeing = fleetOf(truth).filter((host) => agrees(host, nowMs));
        const names = new Set(agreeing.map(({ machine }) => machine?.name));
        for (const name of refused) {
          if (names.has(name)) waits.begin(name, nowMs);
          else waits.drop(name);
        }
        waits.look(nowMs, sinceMs);
      },
    };
  },
};
