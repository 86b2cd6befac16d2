// Others who want a host just when a MachineSet takes one: another controller out of a stale cache, a person who deploys
// it by hand or lays hands on it, somebody who replaces it.
import type { Random } from "../kernel/random.ts";
import { partsOf } from "./addresses.ts";
import type { Creation } from "./machine-sets.ts";
import type { Command } from "./scenario.ts";

const second = 1_000;
const minute = 60 * second;
const pausedAnnotation = "baremetalhost.metal3.io/paused";
const cacheMs = [0, 10 * second, 60 * second];
/** A Machine chooses its host in these, and has it soon after. */
const choosesMs = [200, 2_500] as const;
const soonMs = [3 * second, 20 * second] as const;

interface About {
  /** As "cluster/namespace/name". */
  readonly set: string;
  readonly spares: readonly Creation[];
  readonly images: readonly string[];
}

type Rival = (
  random: Random,
  atMs: number,
  about: About & { readonly spare: Creation },
) => readonly Command[];

const claimer: Rival = (random, atMs, { set, images }) => {
  const { cluster, namespace, name } = partsOf(set);
  const [image, staleMs] = [random.pick(images), random.pick(cacheMs)];
  const rival = `${name}-rival`;
  return [{ atMs, kind: "claim", cluster, namespace, claimer: rival, image, staleMs }];
};

const rivals: readonly Rival[] = [
  claimer,
  claimer,
  (random, atMs, { spare: { host }, images }) => {
    return [{ atMs, kind: "patch-spec", host, patch: { image: { name: random.pick(images) } } }];
  },
  (random, atMs, { spare: { host } }) => {
    const note = { kind: "annotate", host, annotation: pausedAnnotation } as const;
    const freeMs = atMs + random.between(second, 2 * minute);
    return [
      { ...note, atMs, value: "" },
      { ...note, atMs: freeMs, value: null },
    ];
  },
];

export function drawRivals(
  random: Random,
  acts: readonly Command[],
  about: About,
): readonly Command[] {
  const { namespace } = partsOf(about.set);
  const near = about.spares.filter(({ host }) => partsOf(host).namespace === namespace);
  if (near.length === 0) return [];
  return acts.flatMap((act, at) => {
    const own = random.split(String(at));
    if (act.kind !== "scale" || act.replicas === 0 || !own.chance(0.35)) return [];
    const spare = own.pick(near);
    const atMs = act.atMs + own.between(...(own.chance(0.6) ? choosesMs : soonMs));
    return own.pick(rivals)(own, atMs, { ...about, spare });
  });
}
