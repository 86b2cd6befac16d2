// A host that people take into their own hands while work on it is under way: it is given back, and while its machine
// boots the ramdisk to be erased it is paused, detached or said to be externally provisioned, for a while.
import type { Random } from "../kernel/random.ts";
import type { ActOn } from "./acts.table.ts";
import type { Command } from "./scenario.ts";

const second = 1_000;
/** By then most hosts are deployed. */
const deployedMs = 70 * second;
/** The whole takes no longer. */
const takesMs = 110 * second;

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
  const firstMs = atMs + deployedMs;
  const lastMs = faultsMs - takesMs;
  if (firstMs > lastMs) return [];
  const givenMs = random.between(firstMs, lastMs);
  const heldMs = givenMs + random.between(second, 20 * second);
  const freeMs = heldMs + random.between(40 * second, 80 * second);
  const hold = random.pick(holds);
  return [
    { atMs: givenMs, kind: "patch-spec", host, patch: { image: null } },
    hold(host, heldMs, true),
    hold(host, freeMs, false),
  ];
}
