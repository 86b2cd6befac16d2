// The histories of a scenario's hosts, as commands: created, deployed at once or later, then whatever acts.table.ts
// draws. Each host has a stream of its own, and in it each act. Most hosts are deployed early: a run in which nothing
// is destroyed proves nothing.
import type { Random } from "../kernel/random.ts";
import { acts, hintsFor } from "./acts.table.ts";
import type { Act, ActOn } from "./acts.table.ts";
import { macOf } from "./addresses.ts";
import { hasMachines } from "./fleet.ts";
import type { Fleet } from "./fleet.ts";
import { heldAtWork, lentOut } from "./held-at-work.ts";
import { drawDeletions } from "./namespaces.ts";
import { drawMachineSets } from "./machine-sets.ts";
import { drawPool } from "./pools.ts";
import type { Command, MachinePlan } from "./scenario.ts";

const second = 1_000;
const minute = 60 * second;
/** Before the end of the faults nothing new begins. */
const lastMs = 15 * second;
const namespaces = ["metal", "metal", "horses"];

export function drawHistories(random: Random, fleet: Fleet, faultsMs: number): readonly Command[] {
  const histories = fleet.machines.flatMap((machine, at) =>
    historyOf(random.split(`host of ${machine.name}`), { fleet, machine, at, faultsMs }),
  );
  const sets = drawMachineSets(random.split("machine sets"), fleet, { histories, faultsMs });
  const deletions = drawDeletions(random.split("deletions"), histories, faultsMs);
  const all = [...histories, ...inTime(sets, faultsMs), ...inTime(deletions, faultsMs)];
  return all.toSorted((a, b) => a.atMs - b.atMs);
}

interface About {
  readonly fleet: Fleet;
  readonly machine: MachinePlan;
  /** Place in the fleet. */
  readonly at: number;
  readonly faultsMs: number;
}

function historyOf(random: Random, about: About): readonly Command[] {
  const { fleet, machine, at, faultsMs } = about;
  const begin = random.split("begin");
  const plan = fleet.clusters[at % fleet.clusters.length]!;
  const { name: cluster } = plan;
  const host = `${cluster}/${begin.pick(namespaces)}/${machine.name}`;
  // Two of three are ordinary: created soon, deployed, nothing odd about them.
  const isOrdinary = at % 3 !== 2;
  const atMs = begin.between(second, isOrdinary || begin.chance(0.5) ? minute : faultsMs / 2);
  const on: ActOn = {
    host,
    machine,
    machines: fleet.machines,
    images: fleet.images.map(({ name }) => name),
    atMs,
  };
  // A Machine of OpenShift without a host has no Node to drain: they have nobody to share these with.
  const isPooled = !isOrdinary && plan.hasOpenShift !== true && random.split("pooled").chance(0.4);
  const isSpare = !isOrdinary && hasMachines(plan) && random.split("spare").chance(0.7);
  const created = isPooled
    ? drawPool(random.split("pool"), on)
    : createdHost(begin, on, { isOrdinary, isSpare });
  const twin = random.split("twin");
  const held = random.split("held at work");
  const lent = random.split("lent out");
  return [
    ...inTime(created, faultsMs),
    ...(twin.chance(0.08) ? [twinOf(twin, on, faultsMs)] : []),
    ...laterActs(random, on, faultsMs),
    ...(held.chance(0.2) ? heldAtWork(held, on, faultsMs) : []),
    ...(lent.chance(0.15) ? lentOut(lent, on, faultsMs) : []),
  ];
}

/** Most with their image; some get it later, as a pipeline does; some never: a spare one is for a Machine to take. */
function createdHost(
  random: Random,
  on: ActOn,
  { isOrdinary, isSpare }: { readonly isOrdinary: boolean; readonly isSpare: boolean },
): readonly Command[] {
  const { host, machine, images, atMs } = on;
  const image = { name: random.pick(images) };
  const when = isOrdinary
    ? random.pick(["now", "now", "soon"])
    : random.pick(["now", "soon", "never"]);
  if (isSpare) return [{ atMs, kind: "create-host", host, machine: machine.name, spec: {} }];
  const spec = {
    ...(when === "now" ? { image } : {}),
    ...(isOrdinary ? ordinarySpec(random, machine) : oddSpec(random, machine)),
  };
  const userData = random.chance(0.5) ? { userData: `hostname: ${machine.name}` } : {};
  const later: Command = {
    atMs: atMs + random.between(10 * second, 3 * minute),
    kind: "patch-spec",
    host,
    patch: { image },
  };
  return [
    { atMs, kind: "create-host", host, machine: machine.name, spec, ...userData },
    ...(when === "soon" ? [later] : []),
  ];
}

function ordinarySpec(random: Random, { disks }: MachinePlan): Readonly<Record<string, unknown>> {
  if (random.chance(0.6)) return {};
  return { rootDeviceHints: { serialNumber: random.pick(disks).serialNumber } };
}

function oddSpec(random: Random, machine: MachinePlan): Readonly<Record<string, unknown>> {
  return {
    ...(random.chance(0.25) ? { externallyProvisioned: true } : {}),
    ...(random.chance(0.25) ? { automatedCleaningMode: "disabled" } : {}),
    ...(random.chance(0.2) ? { disablePowerOff: true } : {}),
    ...(random.chance(0.15) ? { inspectionMode: "disabled" } : {}),
    ...(random.chance(0.4) ? { rootDeviceHints: hintsFor(random, machine) } : {}),
  };
}

/** A second host for the same BMC, in another namespace, where nobody sees the first; with its MAC, or another. */
function twinOf(random: Random, { host, machine, images }: ActOn, faultsMs: number): Command {
  const [cluster, namespace, name] = host.split("/");
  const other = namespace === "metal" ? "horses" : "metal";
  return {
    atMs: random.between(second, faultsMs / 2),
    kind: "create-host",
    host: `${cluster}/${other}/twin-${name}`,
    machine: machine.name,
    spec: {
      image: { name: random.pick(images) },
      ...(random.chance(0.7) ? {} : { bootMACAddress: macOf(machine, 1) }),
    },
  };
}

/** The first is mostly in the middle of the first deployment, many of the others of what the last one started. */
function gapMs(random: Random, number: number): number {
  if (number === 1 && random.chance(0.7)) return random.between(20 * second, 2 * minute);
  return random.chance(0.4) ? random.between(second, minute) : random.between(minute, 5 * minute);
}

function laterActs(random: Random, on: ActOn, faultsMs: number): readonly Command[] {
  const times = random.split("times");
  const commands: Command[] = [];
  let { atMs } = on;
  const count = times.between(0, 6);
  for (let number = 1; number <= count; number += 1) {
    atMs += gapMs(times, number);
    if (atMs >= faultsMs - lastMs) break;
    const own = random.split(`act ${number}`);
    commands.push(...inTime(pickAct(own).play(own, { ...on, atMs }), faultsMs));
  }
  return commands;
}

const totalWeight = acts.reduce((sum, { weight }) => sum + weight, 0);

function pickAct(random: Random): Act {
  let left = random.below(totalWeight);
  for (const act of acts) {
    if (left < act.weight) return act;
    left -= act.weight;
  }
  throw new Error("the weights of the acts do not add up");
}

/** What takes something back, or mends itself, does so before the faults end: the fleet must converge after them. */
function inTime(commands: readonly Command[], faultsMs: number): readonly Command[] {
  return commands.map((command, place) => {
    const latestMs = Math.min(faultsMs - second, faultsMs - lastMs + (place + 1) * second);
    const atMs = Math.min(command.atMs, latestMs);
    if (!("lagMs" in command)) return { ...command, atMs };
    return { ...command, atMs, lagMs: Math.min(command.lagMs, faultsMs - atMs - second) };
  });
}
