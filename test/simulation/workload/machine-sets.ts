// MachineSets in the clusters that have cluster-api, or OpenShift's Machines: made, scaled up and down at random, Machines deleted
// one by one, and all of it at once. They take hosts that nobody deploys by hand, if there are any, and sometimes others
// want the same host at that moment.
import type { Random } from "../kernel/random.ts";
import { partsOf } from "./addresses.ts";
import { hasMachines } from "./fleet.ts";
import type { Fleet } from "./fleet.ts";
import { drawRivals } from "./rivals.ts";
import type { Command } from "./scenario.ts";

const second = 1_000;
const minute = 60 * second;
const namespaces = ["metal", "metal", "horses"];
const mostReplicas = 3;

export type Creation = Extract<Command, { readonly kind: "create-host" }>;

interface Histories {
  /** Of the hosts. */
  readonly histories: readonly Command[];
  readonly faultsMs: number;
}

export function drawMachineSets(
  random: Random,
  { clusters, images, sites }: Fleet,
  { histories, faultsMs }: Histories,
): readonly Command[] {
  return clusters.flatMap((plan) => {
    const { name: cluster } = plan;
    if (!hasMachines(plan)) return [];
    const own = random.split(cluster);
    const spares = sparesIn(cluster, histories);
    return Array.from({ length: own.pick([1, 1, 2]) }, (_, at): readonly Command[] => {
      const draws = own.split(`set ${at + 1}`);
      const set = `${cluster}/${namespaceOf(draws.split("namespace"), spares)}/workers-${at + 1}`;
      const labels = { "farrier.dev/site": draws.pick(sites).name };
      const create: Command = {
        atMs: draws.between(second, 2 * minute),
        kind: "create-machine-set",
        set,
        image: draws.pick(images).name,
        ...(draws.chance(0.2) ? { hostSelector: { matchLabels: labels } } : {}),
      };
      const later = laterActs(draws, create, { set, faultsMs });
      const about = { set, spares, images: images.map(({ name }) => name) };
      const isKept = plan.hasOpenShift === true;
      const more = isKept ? handsOn(draws.split("hands"), later, set) : [];
      const again = isKept ? scaledAgain(draws.split("again"), later) : [];
      return [
        create,
        ...later,
        ...more,
        ...again,
        ...drawRivals(draws.split("rivals"), later, about),
      ];
    }).flat();
  });
}

/** Hosts of a cluster that are created without an image. */
function sparesIn(cluster: string, histories: readonly Command[]): readonly Creation[] {
  return histories.filter(
    (each): each is Creation =>
      each.kind === "create-host" &&
      partsOf(each.host).cluster === cluster &&
      each.spec["image"] === undefined,
  );
}

/** Mostly one where a host is to be had. */
function namespaceOf(random: Random, spares: readonly Creation[]): string {
  return spares.length > 0 && random.chance(0.8)
    ? partsOf(random.pick(spares).host).namespace
    : random.pick(namespaces);
}

/** Somebody says just before a Machine goes which one shall, or has it wait. */
function handsOn(random: Random, acts: readonly Command[], set: string): readonly Command[] {
  return acts.flatMap((act, place): readonly Command[] => {
    const own = random.split(String(place));
    if (place === 0 || act.kind === "delete-machine-set" || !own.chance(0.4)) return [];
    const atMs = Math.max(second, act.atMs - own.between(second / 2, 20 * second));
    if (own.chance(0.4)) return [{ atMs, kind: "mark-machine", set }];
    const hook = own.pick(["preDrain", "preTerminate"] as const);
    return [{ atMs, kind: "hook-machine", set, hook, lagMs: own.between(second, 2 * minute) }];
  });
}

/** Somebody has another mind at once, when what was ordered is still on its way. */
function scaledAgain(random: Random, acts: readonly Command[]): readonly Command[] {
  return acts.flatMap((act, place): readonly Command[] => {
    const own = random.split(String(place));
    if (act.kind !== "scale" || !own.chance(0.35)) return [];
    const replicas = own.between(0, mostReplicas);
    return [{ ...act, atMs: act.atMs + own.between(20, 4 * second), replicas }];
  });
}

function laterActs(
  random: Random,
  { atMs: createdMs }: Command,
  { set, faultsMs }: { readonly set: string; readonly faultsMs: number },
): readonly Command[] {
  const commands: Command[] = [];
  let atMs = createdMs;
  const count = random.between(1, 6);
  for (let number = 1; number <= count; number += 1) {
    atMs += number === 1 ? random.between(second, minute) : random.between(second, 4 * minute);
    if (atMs >= faultsMs) break;
    if (number > 2 && random.chance(0.1)) {
      return [...commands, { atMs, kind: "delete-machine-set", set }];
    }
    commands.push(
      number > 1 && random.chance(0.3)
        ? { atMs, kind: "delete-machine", set }
        : { atMs, kind: "scale", set, replicas: random.between(0, mostReplicas) },
    );
  }
  return commands;
}
