// Hop 8 of 8, next: hop 4 again. Takes in what an agent saw, and has the hosts decided about.
import type { Observation } from "../../shared/protocol/observation.ts";
import type { HostStore, Log } from "../ports.ts";
import type { DecisionQueue } from "./decision-queue.ts";
import type { Metrics } from "./metrics.ts";

export interface AcceptDeps {
  readonly store: Pick<HostStore, "acceptObservations">;
  readonly decisions: DecisionQueue;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface ObservingAgent {
  readonly agentId: string;
  readonly epoch: number;
  /** Turns of the session so far. */
  readonly turn: number;
  readonly site: string | undefined;
}

/** The watermark up to which everything is committed; undefined: the session's epoch is not current. */
export async function acceptObservation(
  deps: AcceptDeps,
  agent: ObservingAgent,
  items: readonly Observation[],
): Promise<number | undefined> {
  const outcome = await deps.store.acceptObservations(agent, items);
  if (outcome === undefined) return undefined;
  const site = agent.site ?? "";
  deps.metrics.count("farrier_observations_total", { site }, items.length);
  const strangers = items.filter(({ body }) => body.kind === "stranger").length;
  if (strangers > 0) deps.metrics.count("farrier_strangers_total", { site }, strangers);
  if (outcome.refused > 0) {
    deps.metrics.count("farrier_observations_refused_total", { site }, outcome.refused);
    deps.log.warn("observations about foreign or unknown hosts refused", {
      agent: agent.agentId,
      site,
      count: outcome.refused,
    });
  }
  void deps.decisions.decide(outcome.touched);
  return outcome.committedSeq;
}
