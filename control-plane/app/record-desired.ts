// Hop 3 of 8, next: hop 4 (shared/host/decide). Stores what a cluster link posts, and has the hosts and machines that
// it touches decided about. Knows neither HTTP nor SQL.
import type { FeedBatch, FeedResource } from "../../shared/protocol/feed.ts";
import type { NodeFact } from "../../shared/protocol/facts/node-fact.ts";
import type { SecretFact } from "../../shared/protocol/facts/secret-fact.ts";
import type {
  Bus,
  FeedOutcome,
  FeedSender,
  HostStore,
  LinkStore,
  Log,
  MachineStore,
} from "../ports.ts";
import type { DecisionQueue } from "./decision-queue.ts";
import { maxSealedLength } from "./secret-sizes.table.ts";
import type { Metrics } from "./metrics.ts";

export interface RecordDeps {
  readonly store: Pick<HostStore, "applyFeed" | "applySecrets"> &
    Pick<LinkStore, "catchUp"> &
    Pick<MachineStore, "applyNodes">;
  readonly bus: Pick<Bus, "notify">;
  readonly decisions: DecisionQueue;
  readonly machineDecisions: DecisionQueue;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Answers when the batch is stored; the decisions follow by themselves. */
export async function recordFeed(
  deps: RecordDeps,
  sender: FeedSender,
  resource: FeedResource,
  batch: FeedBatch,
): Promise<FeedOutcome> {
  const outcome = await deps.store.applyFeed(sender, resource, batch);
  const objects = batch.kind === "list" ? batch.items.length : batch.events.length;
  const { cluster } = sender;
  deps.metrics.count("farrier_feed_objects_total", { cluster, resource }, objects);
  if (outcome.kind === "conflict") {
    deps.metrics.count("farrier_feed_conflicts_total", { cluster, resource });
  }
  if (outcome.foreign > 0) {
    // A copied or restored cluster has its origin's uids: both would command the same machines.
    deps.log.error("objects of another cluster refused", {
      cluster,
      resource,
      count: outcome.foreign,
    });
  }
  void deps.decisions.decide(outcome.touched);
  void deps.machineDecisions.decide(outcome.machines);
  if (outcome.kind === "stored" && resource === "baremetalhosts" && hasCaughtUp(batch)) {
    const { hosts, sites } = await deps.store.catchUp(sender);
    const topics = [`cluster:${cluster}`, ...sites.map((site) => `site:${site}`)];
    // What is decided now goes first: it may end what waits there.
    void deps.decisions.decide(hosts).then(() => deps.bus.notify(topics));
  }
  return outcome;
}

/** A whole list tells all that there is. */
function hasCaughtUp(batch: FeedBatch): boolean {
  return batch.kind === "list" ? batch.last : batch.caughtUp === true;
}

/** Answers with the hosts whose facts were stored. */
export async function recordSecrets(
  deps: RecordDeps,
  cluster: string,
  facts: readonly SecretFact[],
): Promise<readonly string[]> {
  const hosts = await deps.store.applySecrets(cluster, facts.map(bounded));
  void deps.decisions.decide(hosts);
  return hosts;
}

export async function recordNodes(
  deps: RecordDeps,
  cluster: string,
  facts: readonly NodeFact[],
): Promise<void> {
  void deps.machineDecisions.decide(await deps.store.applyNodes(cluster, facts));
}

/** A content that no frame can carry would hold up its whole site: it is left out, and the host says why. */
function bounded(fact: SecretFact): SecretFact {
  const limit = maxSealedLength[fact.purpose];
  if (fact.sealed === undefined || fact.sealed.ciphertext.length <= limit) return fact;
  const { sealed: _sealed, ...rest } = fact;
  const kibibytes = Math.floor((limit * 3) / 4 / 1024);
  const problem = `Make Secret "${fact.name}" smaller than ${kibibytes} KiB: a link does not carry more.`;
  return { ...rest, problem };
}
