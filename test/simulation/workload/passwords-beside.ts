// Passwords of BMCs that are changed while an agent and its copy are both there: who of them hears of it, and when, and
// what the other tries meanwhile, is what the budget of failed logins is for.
import type { Random } from "../kernel/random.ts";
import type { Command, Fault, MachinePlan } from "./scenario.ts";

const second = 1_000;
const chance = 0.6;
/** From the copy's beginning. */
const afterMs = [5 * second, 60 * second] as const;
const lagMs = [20 * second, 120 * second] as const;

interface About {
  readonly machines: readonly MachinePlan[];
  readonly commands: readonly Command[];
  readonly faultsMs: number;
}

export function passwordsBeside(
  random: Random,
  faults: readonly Fault[],
  { machines, commands, faultsMs }: About,
): readonly Command[] {
  return faults.flatMap(({ fault, target, atMs: copiedMs }, at): readonly Command[] => {
    const own = random.split(String(at));
    if (fault !== "agent-cloned" || !own.chance(chance)) return [];
    const atMs = copiedMs + own.between(...afterMs);
    const there = commands.flatMap((command) => {
      const isThere = command.kind === "create-host" && command.atMs < atMs;
      const plan = machines.find(({ name }) => isThere && name === command.machine);
      return isThere && plan?.site === target ? [command] : [];
    });
    const latestMs = faultsMs - second - atMs;
    if (there.length === 0 || latestMs < lagMs[0]) return [];
    const { host, machine } = own.pick(there);
    const lag = Math.min(own.between(...lagMs), latestMs - 1);
    return [{ atMs, kind: "change-password", host, machine, lagMs: lag }];
  });
}
