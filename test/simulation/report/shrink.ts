// Makes a failing scenario small: drops faults, commands, machines as long as the same invariant breaks. ddmin over
// each list, the most talkative first.
import type { Scenario } from "../workload/scenario.ts";

export interface ShrinkOptions {
  /** Whether it breaks the same invariant still. */
  readonly fails: (scenario: Scenario) => Promise<boolean>;
  /** At most so many runs. */
  readonly runs: number;
}

export async function shrinkScenario(
  scenario: Scenario,
  options: ShrinkOptions,
): Promise<Scenario> {
  let left = options.runs;
  const fails = async (candidate: Scenario): Promise<boolean> => {
    if (left <= 0) return false;
    left -= 1;
    return await options.fails(candidate);
  };
  let smallest = scenario;
  for (const key of ["faults", "machines", "commands", "images"] as const) {
    const items = await fewest<unknown>(smallest[key], (kept) =>
      fails(withKept(smallest, key, kept)),
    );
    smallest = withKept(smallest, key, items);
  }
  return smallest;
}

type ListKey = "faults" | "machines" | "commands" | "images";

/** A machine takes its commands and faults along; an image that is still named stays. */
function withKept(scenario: Scenario, key: ListKey, kept: readonly unknown[]): Scenario {
  const next = { ...scenario, [key]: kept } as Scenario;
  if (key === "images") {
    const named = JSON.stringify(next.commands);
    return {
      ...next,
      images: scenario.images.filter(
        (image) => next.images.includes(image) || named.includes(`"${image.name}"`),
      ),
    };
  }
  if (key !== "machines") return next;
  const names = new Set(next.machines.map(({ name }) => name));
  const gone = new Set(
    scenario.machines.map(({ name }) => name).filter((name) => !names.has(name)),
  );
  return {
    ...next,
    commands: next.commands.filter(
      (command) =>
        !("machine" in command && gone.has(command.machine)) &&
        !("host" in command && gone.has(command.host.split("/")[2] ?? "")),
    ),
    faults: next.faults.filter(({ target }) => !gone.has(target)),
  };
}

async function fewest<T>(
  items: readonly T[],
  fails: (kept: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let kept = items;
  for (let size = Math.ceil(kept.length / 2); size >= 1;) {
    let isSmaller = false;
    for (let at = 0; at < kept.length;) {
      const without = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (await fails(without)) {
        kept = without;
        isSmaller = true;
      } else at += size;
    }
    if (size === 1 && !isSmaller) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return kept;
}
