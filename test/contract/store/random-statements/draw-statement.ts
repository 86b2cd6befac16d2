// The next statement of a random sequence, and the time that passes before it.
import type { Random } from "../../../simulation/kernel/random.ts";
import type { Draw, Statement } from "./draw.ts";
import { applyFeed, applySecrets } from "./feeds.ts";
import * as hosts from "./hosts.ts";
import * as links from "./links.ts";
import * as machines from "./machines.ts";

const statements: readonly (readonly [weight: number, draw: (draw: Draw) => Statement])[] = [
  [1, links.addCluster],
  [1, links.addSite],
  [2, links.addToken],
  [2, links.enrol],
  [2, links.setAgentState],
  [6, links.openSession],
  [4, links.renewLease],
  [1, links.endSession],
  [3, links.catchUp],
  [12, links.takeOutbox],
  [10, links.ackOutbox],
  [3, links.readLinks],
  [1, links.prune],
  [32, applyFeed],
  [5, applySecrets],
  [24, hosts.commitHost],
  [16, hosts.acceptObservations],
  [2, hosts.restHost],
  [1, hosts.forgetHost],
  [5, hosts.takeDue],
  [6, hosts.readHosts],
  [12, machines.claimHost],
  [14, machines.commitMachine],
  [4, machines.applyNodes],
  [1, machines.restMachine],
  [6, machines.loadMachine],
];
const total = statements.reduce((sum, [weight]) => sum + weight, 0);

export function drawStatement(draw: Draw): Statement {
  let place = draw.random.below(total);
  for (const [weight, statement] of statements) {
    if (place < weight) return statement(draw);
    place -= weight;
  }
  throw new Error("the weights do not add up");
}

/** Mostly little time passes, sometimes a lease's, a site's, or the time that history is kept. */
export function pauseMs(random: Random): number {
  const long = [5_000, 20_001, 61_000, 400_000];
  if (random.chance(0.004)) return random.pick([8, 31]) * 24 * 3_600_000;
  return random.chance(0.15) ? random.pick(long) : random.between(1, 50);
}
