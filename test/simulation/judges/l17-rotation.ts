// L17: a change of a BMC's password, made at the BMC and in the Secret by people, ends in a login, whatever came between.
// Farrier changes no passwords by itself. Counted from when both agree; within the login budget of S15.
import type { Truth } from "../world/truth.ts";
import { anything, Calm } from "./calm.ts";
import { allHosts, isOrdinary, machineOf, passwordOf } from "./fleet-of.ts";
import { isHandsOff } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { Waits } from "./waits.ts";

const boundMs = 120_000;
/** Two failed logins with one password in this time are all that may be: the next one waits. */
const windowMs = 30 * 60_000;

export const l17: JudgeKind = {
  id: "L17",
  says: "2 min after BMC and Secret agree on a password again there is a login with it",
  make(report) {
    const calm = new Calm();
    const sinceMs = () => calm.sinceMs(anything);
    /** Machines whose last login failed; when the valid password failed last, by machine and its number. */
    const refused = new Set<string>();
    const spent = new Map<string, number>();
    const waits = new Waits(boundMs, (machine, afterMs) =>
      report(`no login with the right password for ${afterMs} ms`, machine),
    );
    const agrees = (truth: Truth, name: string): boolean =>
      allHosts(truth).some((host) => {
        const machine = machineOf(truth, host.object);
        if (machine?.name !== name || !isOrdinary(machine) || isHandsOff(host.object)) return false;
        const spentMs = spent.get(`${name} ${machine.password}`) ?? -Infinity;
        const isFree = truth.nowMs() - spentMs >= windowMs;
        return isFree && passwordOf(truth, host) === machine.password;
      });
    return {
      on: {
        ...calm.on,
        login({ machine, ok, agent, atMs }, truth) {
          if (agent === undefined) return;
          if (ok) {
            waits.end(machine, atMs, sinceMs());
            refused.delete(machine);
            return;
          }
          refused.add(machine);
          for (const host of allHosts(truth)) {
            const password = passwordOf(truth, host);
            if (machineOf(truth, host.object)?.name !== machine || password === undefined) continue;
            spent.set(`${machine} ${password}`, atMs);
          }
        },
      },
      look(truth) {
        for (const name of refused) {
          if (agrees(truth, name)) waits.begin(name, truth.nowMs());
          else waits.drop(name);
        }
        waits.look(truth.nowMs(), sinceMs);
      },
    };
  },
};
