// S13: a password that was replaced, and whose successor the BMC has taken, is not tried again.
import { passwordNumberOf } from "../kubernetes/canaries.ts";
import type { KubernetesObject } from "../world/events.ts";
import type { JudgeKind } from "./judge.ts";

export const s13: JudgeKind = {
  id: "S13",
  says: "once a BMC has taken a Secret's password, no older one of that Secret is tried",
  make(report) {
    /** By machine and path of the Secret: which passwords of the machine it held, newest last. */
    const held = new Map<string, Map<string, number[]>>();
    /** By agent and machine: of two copies of an agent each knows what it has tried itself. */
    const taken = new Map<string, number>();
    return {
      on: {
        object({ cluster, path, after }) {
          const found = passwordIn(after);
          if (found === undefined) return;
          const secrets = held.get(found.machine) ?? new Map<string, number[]>();
          held.set(found.machine, secrets);
          const numbers = secrets.get(`${cluster}${path}`) ?? [];
          secrets.set(`${cluster}${path}`, numbers);
          if (numbers.at(-1) !== found.number) numbers.push(found.number);
        },
        login({ machine, ok, agent, passwordNumber }) {
          if (agent === undefined || passwordNumber === undefined) return;
          const key = `${agent} ${machine}`;
          const newest = taken.get(key) ?? 0;
          if (passwordNumber >= newest) {
            if (ok) taken.set(key, passwordNumber);
            return;
          }
          const secrets = [...(held.get(machine)?.values() ?? [])];
          const isCurrent = secrets.some(
            (numbers) => numbers.lastIndexOf(passwordNumber) > numbers.lastIndexOf(newest),
          );
          if (!isCurrent) {
            report(`password ${passwordNumber} was tried after ${newest} had been taken`, machine);
          }
        },
      },
    };
  },
};

function passwordIn({ kind, ...object }: KubernetesObject): ReturnType<typeof passwordNumberOf> {
  const { password } = (object["data"] ?? {}) as { readonly password?: string };
  if (kind !== "Secret" || password === undefined) return undefined;
  return passwordNumberOf(Buffer.from(password, "base64").toString("utf8"));
}
