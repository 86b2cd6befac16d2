// A scenario with fewer entries in one of its lists, and without what means nothing any more by that.
import { partsOf } from "../workload/addresses.ts";
import type { Command, Scenario } from "../workload/scenario.ts";

export type ListKey = "faults" | "machines" | "commands" | "images";

/** A machine takes its hosts, their commands and its faults along; an image that is still named stays. */
export function withKept(scenario: Scenario, key: ListKey, kept: readonly unknown[]): Scenario {
  const next = { ...scenario, [key]: kept } as Scenario;
  if (key === "images") return { ...next, images: namedImages(scenario, next) };
  if (key !== "machines") return next;
  const names = new Set(next.machines.map(({ name }) => name));
  const isGone = (name: string): boolean =>
    !names.has(name) && scenario.machines.some((machine) => machine.name === name);
  return {
    ...next,
    commands: next.commands.filter((command) => !machinesOf(command).some(isGone)),
    faults: next.faults.filter(({ target }) => !target.split("+").some(isGone)),
  };
}

function namedImages(scenario: Scenario, next: Scenario): Scenario["images"] {
  const named = JSON.stringify(next.commands);
  const targets = new Set(next.faults.map(({ target }) => target));
  return scenario.images.filter(
    (image) =>
      next.images.includes(image) || named.includes(`"${image.name}"`) || targets.has(image.name),
  );
}

/** A host is named for its machine, a twin with "twin-" before it. */
function machinesOf(command: Command): readonly string[] {
  return [
    ...("machine" in command ? [command.machine] : []),
    ...("host" in command ? [partsOf(command.host).name.replace(/^twin-/, "")] : []),
  ];
}
