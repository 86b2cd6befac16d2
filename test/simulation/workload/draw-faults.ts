// What goes wrong in a scenario: which classes, how often, when, how long and how badly, within the bounds of
// faults.table.ts. Each fault is drawn from a stream of its own. Some strike while work is likely to be under way, and
// some while another lasts: what goes wrong beside work, and alone, proves less.
import type { Random } from "../kernel/random.ts";
import type { Fleet } from "./fleet.ts";
import { faultTable } from "./faults.table.ts";
import type { FaultKind } from "./faults.table.ts";
import { companions } from "./companions.table.ts";
import type { Companion } from "./companions.table.ts";
import { moments } from "./scenario.ts";
import type { Fault, FaultClass } from "./scenario.ts";

export interface FaultBounds {
  readonly fleet: Fleet;
  readonly instances: number;
  readonly faultsMs: number;
  /** When people ask for something that takes a while. */
  readonly worksMs: readonly number[];
}

/** Around when work is asked for: most has begun at the end, and has not ended. */
const atWorkMs = [-15_000, 45_000] as const;
/** While it is handed on. */
const atOnceMs = [0, 8_000] as const;
/** Of another fault, in which one begins. */
const longestMs = 60_000;
/** Before the end of the faults none begins. */
const lastMs = 5_000;

export function drawFaults(
  random: Random,
  classes: readonly FaultClass[],
  bounds: FaultBounds,
): readonly Fault[] {
  const all = classes.flatMap((fault) => drawClass(random.split(fault), fault, bounds));
  return all
    .map((fault, at) => together(random.split(`together ${fault.fault} ${at}`), fault, all, bounds))
    .map((fault, at) => struckAt(random.split(`struck ${fault.fault} ${at}`), fault))
    .toSorted((a, b) => a.atMs - b.atMs);
}

/** Trouble seldom comes alone: at the same place, where it can. */
function together(random: Random, fault: Fault, all: readonly Fault[], bounds: FaultBounds): Fault {
  const others = all.filter(({ fault: what, atMs, untilMs }) => {
    return what !== fault.fault && untilMs > atMs + 1_000;
  });
  if (others.length === 0 || isEarly(fault) || !random.chance(0.3)) return fault;
  const { atMs: fromMs, untilMs, target } = random.pick(others);
  const toMs = Math.min(untilMs, fromMs + longestMs, bounds.faultsMs - lastMs);
  const atMs = random.between(fromMs, Math.max(fromMs, toMs));
  const isPossible = targetsOf(faultTable[fault.fault], bounds).includes(target);
  return {
    ...fault,
    atMs,
    untilMs: atMs + fault.untilMs - fault.atMs,
    target: isPossible && random.chance(0.7) ? target : fault.target,
  };
}

/** Some strike between two steps: at once after the first, or a little later. */
function struckAt(random: Random, fault: Fault): Fault {
  const { strikes } = faultTable[fault.fault];
  if (isEarly(fault) || !random.chance(strikes === undefined ? 0.3 : 0.8)) return fault;
  const delayMs = soonMs(random);
  const moment = random.pick(strikes ?? moments);
  return { ...fault, struck: { moment, place: fault.target, delayMs } };
}

function soonMs(random: Random): number {
  return random.below(random.pick([500, 2_000, 8_000]));
}

/** What seldom comes alone brings with it, of classes that may be drawn. */
export function drawCompanions(
  random: Random,
  faults: readonly Fault[],
  possible: readonly FaultClass[],
  bounds: FaultBounds,
): readonly Fault[] {
  return faults.flatMap((fault, at) =>
    (companions[fault.fault] ?? []).flatMap((companion, place) => {
      const own = random.split(`${fault.fault} ${at} ${companion.fault} ${place}`);
      if (!possible.includes(companion.fault) || !own.chance(companion.chance)) return [];
      return companionOf(own, fault, companion, bounds);
    }),
  );
}

function companionOf(
  random: Random,
  { atMs: besideMs, target: place, struck }: Fault,
  { fault, afterMs, lastsMs, moment }: Companion,
  bounds: FaultBounds,
): readonly Fault[] {
  const kind = faultTable[fault];
  const afterwardsMs = random.between(...afterMs);
  const atMs = Math.max(1_000, besideMs + (struck === undefined ? afterwardsMs : 0));
  const targets = targetsOf(kind, bounds);
  if (targets.length === 0 || atMs > bounds.faultsMs - lastMs) return [];
  const { clusters } = bounds.fleet;
  const own = clusters.find(({ name, site = name }) => site === place)?.name;
  const near = [place, own].find((each) => each !== undefined && targets.includes(each));
  const target = near ?? random.pick(targets);
  const lasts = lastsMs ?? kind.lastsMs;
  const untilMs = atMs + (lasts === undefined ? 0 : random.between(...lasts));
  const companion = { fault, atMs, untilMs, target, amount: amountOf(random, kind) };
  if (moment !== undefined) {
    return [{ ...companion, struck: { moment, place, delayMs: soonMs(random) } }];
  }
  if (struck === undefined) return [companion];
  const delayMs = Math.max(0, struck.delayMs + afterwardsMs);
  return [{ ...companion, struck: { ...struck, delayMs } }];
}

function isEarly({ fault }: Fault): boolean {
  return faultTable[fault].early !== undefined;
}

function drawClass(random: Random, fault: FaultClass, bounds: FaultBounds): readonly Fault[] {
  const kind = faultTable[fault];
  const targets = targetsOf(kind, bounds);
  if (targets.length === 0) return [];
  return Array.from({ length: random.between(1, kind.most) }, (_, at) => {
    const own = random.split(String(at));
    const latestMs = Math.floor(bounds.faultsMs * (kind.early ?? 1)) - lastMs;
    const anyMs = own.between(5_000, Math.max(5_000, latestMs));
    const when = own.split("at work");
    const isAtWork = kind.early === undefined && bounds.worksMs.length > 0 && when.chance(0.4);
    const workMs = isAtWork
      ? Math.max(1_000, when.pick(bounds.worksMs) + aroundWorkMs(when))
      : anyMs;
    const atMs = workMs > latestMs ? anyMs : workMs;
    const lastsMs = kind.lastsMs === undefined ? 0 : own.between(...kind.lastsMs);
    return {
      fault,
      atMs,
      untilMs: atMs + lastsMs,
      target: own.pick(targets),
      amount: amountOf(own, kind),
    };
  });
}

function aroundWorkMs(random: Random): number {
  const [fromMs, toMs] = random.chance(0.4) ? atOnceMs : atWorkMs;
  return random.between(fromMs, toMs);
}

function amountOf(random: Random, { amount }: FaultKind): number {
  if (amount === undefined) return 0;
  const { unit, from, to, isLogarithmic } = amount;
  if (isLogarithmic === true)
    return Math.round(from * (to / from) ** (random.below(1_001) / 1_000));
  return unit === "probability"
    ? from + ((to - from) * random.below(1_000)) / 1_000
    : random.between(from, to);
}

function targetsOf({ target }: FaultKind, { fleet, instances }: FaultBounds): readonly string[] {
  const sites = fleet.sites.map(({ name }) => name);
  const alone = fleet.clusters.filter(({ site }) => site === undefined).map(({ name }) => name);
  switch (target) {
    case "agent":
      return [...sites, ...alone];
    case "cluster-link":
      return fleet.clusters.map(({ name, site }) => site ?? name);
    case "instance":
      return Array.from({ length: instances }, (_, at) => `control-plane:${at}`);
    case "database":
      return ["database"];
    case "cluster":
      return fleet.clusters.map(({ name }) => name);
    case "site":
      return sites;
    case "machine":
      return fleet.machines.map(({ name }) => name);
    case "pair":
      return fleet.machines.flatMap((one, at) => {
        const other = fleet.machines.find((each, place) => place > at && each.site === one.site);
        return other === undefined ? [] : [`${one.name}+${other.name}`];
      });
    case "image":
      return fleet.images.map(({ name }) => name);
  }
}
