// Answers admission's question about the fleet from what is committed, in bounded time.
import type { FleetFacts, FleetQuestion, FleetView } from "../admission/fleet-facts.ts";
import type { Clock, FleetStore, Log } from "../ports.ts";
import { answerWithin } from "./answer-within.ts";
import { readHardware, viewSite } from "./make-snapshot.ts";

/** Well below the webhook's 3 s. */
const withinMs = 1_000;

export interface FleetDeps {
  readonly store: FleetStore;
  readonly clock: Clock;
  readonly log: Log;
}

export function makeFleetFacts(deps: FleetDeps): FleetFacts {
  return {
    async lookUp(question) {
      const view = await answerWithin(deps.clock, withinMs, lookUp(deps, question));
      return view === "late" ? undefined : view;
    },
  };
}

async function lookUp(deps: FleetDeps, question: FleetQuestion): Promise<FleetView | undefined> {
  try {
    const around = await deps.store.surroundings(question);
    const site = viewSite(around, question.labels, deps.clock.nowMs());
    const claimants =
      site.kind === "none"
        ? []
        : await deps.store.claimants(site.name, question.claims, question.uid);
    const { secrets, memory, hardware } = around;
    return { site, claimants, secrets, memory, hardware: readHardware(hardware, question.uid) };
  } catch (thrown) {
    deps.log.error("fleet not read", { reason: String(thrown) });
    return undefined;
  }
}
