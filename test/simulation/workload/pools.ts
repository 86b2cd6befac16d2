// Hosts that nobody deploys by hand: they are kept ready, and other controllers claim one when they want one and give
// it back later, out of caches that are behind. More claimers than hosts, at times.
import type { Random } from "../kernel/random.ts";
import type { ActOn } from "./acts.table.ts";
import { partsOf } from "./addresses.ts";
import type { Command } from "./scenario.ts";

const second = 1_000;
const minute = 60 * second;
const cacheMs = [0, second, 10 * second, minute];

export function drawPool(random: Random, { host, machine, images, atMs }: ActOn): Command[] {
  const { cluster, namespace } = partsOf(host);
  const claims = Array.from({ length: random.between(1, 3) }, (_, at): readonly Command[] => {
    const own = random.split(`claimer ${at + 1}`);
    const claimer = `${machine.name}-claimer-${at + 1}`;
    const claimMs = atMs + own.between(10 * second, 4 * minute);
    const about = { cluster, namespace, claimer };
    const releaseMs = claimMs + own.between(2 * minute, 6 * minute);
    const claim: Command = {
      ...about,
      atMs: claimMs,
      kind: "claim",
      image: own.pick(images),
      staleMs: own.pick(cacheMs),
    };
    const release: Command = {
      ...about,
      atMs: releaseMs,
      kind: "release",
      staleMs: own.pick(cacheMs),
    };
    return own.chance(0.6) ? [claim, release] : [claim];
  });
  return [{ atMs, kind: "create-host", host, machine: machine.name, spec: {} }, ...claims.flat()];
}
