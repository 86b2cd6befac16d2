// A host that people take into their own hands while work on it is under way: it is given back, and while its machine
// boots the ramdisk to be erased it is paused, detached or said to be externally provisioned, for a while. And one that
// people lend out: when it was given back it is externally provisioned, gets a system, and is free again.
import type { Random } from "../kernel/random.ts";
import type { ActOn } from "./acts.table.ts";
import type { Command } from "./scenario.ts";

const second = 1_000;
/** By then most hosts are deployed. */
const deployedMs = 70 * second;
/** The whole takes no longer. */
const takesMs = 110 * second;
const lentTakesMs = 130 * second;

type Hold = (host: string, atMs: number, isHeld: boolean) => Command;

function annotated(annotation: string, value: string): Hold {
  return (host, atMs, isHeld) => {
    return { atMs, kind: "annotate", host, annotation, value: isHeld ? value : null };
  };
}

const external: Hold = (host, atMs, isHeld) => {
  const patch = { externallyProvisioned: isHeld ? true : null };
  return { atMs, kind: "patch-spec", host, patch };
};

const holds: readonly Hold[] = [
  annotated("baremetalhost.metal3.io/paused", ""),
  annotated("baremetalhost.metal3.io/detached", '{"force":true}'),
  external,
];

export function heldAtWork(
  random: Random,
  { host, atMs }: Pick<ActOn, "host" | "atMs">,
  faultsMs: number,
): readonly Command[] {
  const givenMs = drawGivenMs(random, atMs, faultsMs - takesMs);
  if (givenMs === undefined) return [];
  const heldMs = givenMs + random.between(second, 20 * second);
  const freeMs = heldMs + random.between(40 * second, 80 * second);
  const hold = random.pick(holds);
  return [
    { atMs: givenMs, kind: "patch-spec", host, patch: { image: null } },
    hold(host, heldMs, true),
    hold(host, freeMs, false),
  ];
}

export function lentOut(
  random: Random,
  { host, machine, atMs }: Pick<ActOn, "host" | "machine" | "atMs">,
  faultsMs: number,
): readonly Command[] {
  const givenMs = drawGivenMs(random, atMs, faultsMs - lentTakesMs);
  if (givenMs === undefined) return [];
  const lentMs = givenMs + random.between(50 * second, 70 * second);
  const freeMs = lentMs + random.between(15 * second, 50 * second);
  return [
    { atMs: givenMs, kind: "patch-spec", host, patch: { image: null } },
    external(host, lentMs, true),
    { atMs: lentMs + 10 * second, kind: "install-system", machine: machine.name },
    external(host, freeMs, false),
  ];
}

/** When a host that was made at `atMs`, and is deployed by then, is given back; undefined: there is no time for it. */
function drawGivenMs(random: Random, atMs: number, lastMs: number): number | undefined {
  const firstMs = atMs + deployedMs;
  return firstMs > lastMs ? undefined : random.between(firstMs, lastMs);
}
