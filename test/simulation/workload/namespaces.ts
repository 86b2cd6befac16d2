// Now and then somebody deletes a whole namespace with every host in it, and sometimes the same is applied again.
// Rare, and late: most hosts have been deployed by then.
import type { Random } from "../kernel/random.ts";
import { partsOf } from "./addresses.ts";
import type { Command } from "./scenario.ts";

const second = 1_000;
const minute = 60 * second;
const share = 0.06;

type Creation = Extract<Command, { readonly kind: "create-host" }>;

/** `histories` of the hosts: what is in a namespace is what they create there. */
export function drawDeletions(
  random: Random,
  histories: readonly Command[],
  faultsMs: number,
): readonly Command[] {
  const creations = histories.filter((each): each is Creation => each.kind === "create-host");
  const homes = new Set(creations.map(({ host }) => homeOf(host)));
  return [...homes].toSorted().flatMap((home) => {
    const inside = creations.filter(({ host }) => homeOf(host) === home);
    return deletionOf(random.split(home), inside, faultsMs);
  });
}

function deletionOf(
  random: Random,
  inside: readonly Creation[],
  faultsMs: number,
): readonly Command[] {
  const [first] = inside;
  if (first === undefined || !random.chance(share)) return [];
  const { cluster, namespace } = partsOf(first.host);
  const atMs = random.between(Math.floor(faultsMs / 2), faultsMs - minute);
  const againMs = atMs + random.between(5 * second, 3 * minute);
  return [
    { atMs, kind: "delete-namespace", cluster, namespace },
    ...(random.chance(0.5) ? inside.map((creation) => ({ ...creation, atMs: againMs })) : []),
  ];
}

function homeOf(host: string): string {
  const { cluster, namespace } = partsOf(host);
  return `${cluster}/${namespace}`;
}
