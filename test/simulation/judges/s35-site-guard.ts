// S35: what the file of a site's operator forbids is not done, and its budget of hosts is kept.
import type { Truth } from "../world/truth.ts";
import type { JudgeKind } from "./judge.ts";
import { Swapped } from "./swapped.ts";

/** A host is counted when it is asked for, and acts a little later. */
const windowMs = 600_000 - 60_000;

export const s35: JudgeKind = {
  id: "S35",
  says: "no machine that a site's guard protects is touched, and no more are erased or cut off than its budget allows",
  make(report) {
    const lastMs = new Map<string, number>();
    const boots = new Set<string>();
    const down = new Set<string>();
    const swapped = new Swapped();
    const isProtected = (machine: string, truth: Truth): boolean =>
      guardOf(machine, truth)?.protects.includes(machine) === true;
    const count = (machine: string, atMs: number, truth: Truth): void => {
      const site = truth.machines.get(machine)?.site;
      const budget = guardOf(machine, truth)?.hostsPer10Minutes;
      lastMs.set(machine, atMs);
      if (budget === undefined) return;
      const recent = [...lastMs].filter(
        ([name, at]) => atMs - at < windowMs && truth.machines.get(name)?.site === site,
      );
      if (recent.length <= budget) return;
      const names = recent.map(([name]) => name).join(", ");
      report(`${names} within 10 minutes, and ${site} allows ${budget}`, machine);
    };
    return {
      on: {
        fault(event, truth) {
          swapped.onFault(event);
          // An agent whose machine was off believes what became of its wall clock meanwhile.
          if (event.fault !== "agent-clock-jump" || !down.has(event.target)) return;
          for (const name of lastMs.keys())
            if (truth.machines.get(name)?.site === event.target) lastMs.delete(name);
        },
        ended({ process, isPowerCut = false }) {
          if (isPowerCut) down.add(process);
        },
        started: ({ process }) => void down.delete(process),
        disk({ machine, boot, disk, atMs }, truth) {
          if (isProtected(machine, truth)) report(`${disk} was changed; it is protected`, machine);
          const key = `${machine} ${boot}`;
          if (!boots.has(key)) count(machine, atMs, truth);
          boots.add(key);
        },
        "power-command"({ machine, action, agent, atMs }, truth) {
          // What switches it may be the BMC that the guard knows as another's.
          if (agent === undefined || swapped.has(machine)) return;
          if (isProtected(machine, truth)) report(`${action}; it is protected`, machine);
          if (action !== "on") count(machine, atMs, truth);
        },
      },
    };
  },
};

function guardOf(machine: string, truth: Truth) {
  const site = truth.machines.get(machine)?.site;
  return site === undefined ? undefined : truth.guards.get(site);
}
