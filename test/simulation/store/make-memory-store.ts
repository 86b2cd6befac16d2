// The whole Store port on tables in memory, with the semantics of the SQL statements in control-plane/store: the same
// contract is held against both (test/contract/store). One of these a control-plane instance; they share the tables.
import { decideWithinMs } from "../../../control-plane/lease-times.table.ts";
import type { Clock, FeedOutcome, FeedSender, Store } from "../../../control-plane/ports.ts";
import type { FeedBatch, FeedResource } from "../../../shared/protocol/feed.ts";
import { providerResource, type ProviderResource } from "../../../shared/protocol/write-back.ts";
import { listAgents, listHosts, listNames, listOperations } from "./admin/listings.ts";
import { listMachines } from "./admin/list-machines.ts";
import { addCluster, addSite, addToken, enrol, prune, setAgentState } from "./admin/registry.ts";
import { acceptObservations } from "./hosts/accept-observations.ts";
import { applyHostFeed } from "./hosts/apply-host-feed.ts";
import { applyObjectFeed } from "./hosts/apply-object-feed.ts";
import { applySecrets } from "./hosts/apply-secrets.ts";
import { commitHost } from "./hosts/commit-host.ts";
import { forgetHost } from "./links/forget-hosts.ts";
import { restRow, takeDueRows } from "./hosts/due-rows.ts";
import { claimants, loadHost, surroundings } from "./hosts/reads.ts";
import { endSession, loadAgent, renewLease, sessionOfToken, siteKeys } from "./links/agents.ts";
import { catchUp } from "./links/catch-up.ts";
import { knownFacts } from "./links/known-facts.ts";
import { openSession } from "./links/open-session.ts";
import { ackOutbox, takeOutbox } from "./links/outbox.ts";
import { applyMachineFeed } from "./machines/apply-machine-feed.ts";
import { applyNodes } from "./machines/apply-nodes.ts";
import { claimHost } from "./machines/claim-host.ts";
import { commitMachine } from "./machines/commit-machine.ts";
import { loadMachine } from "./machines/load-machine.ts";
import type { MemoryDatabase } from "./memory-database.ts";

export function makeMemoryStore(database: MemoryDatabase, clock: Pick<Clock, "nowMs">): Store {
  return {
    ...hostStore(database, clock),
    ...machineStore(database, clock),
    ...linkStore(database, clock),
    ...adminStore(database, clock),
  };
}

type Time = Pick<Clock, "nowMs">;

function hostStore(database: MemoryDatabase, clock: Time) {
  const times = () => ({ nowMs: clock.nowMs(), wakeAtMs: clock.nowMs() + decideWithinMs });
  return {
    applyFeed: async (sender, resource, batch) =>
      database.run("applyFeed", () =>
        applyFeed(database, sender, { resource, batch }, times().wakeAtMs),
      ),
    applySecrets: async (cluster, facts) =>
      database.run("applySecrets", () => applySecrets(database, cluster, facts, times().wakeAtMs)),
    loadHost: async (uid) => loadHost(database, uid),
    commitHost: async (commit) => commitHost(database, commit, times().wakeAtMs),
    acceptObservations: async (sender, items) =>
      database.run("acceptObservations", () =>
        acceptObservations(database, sender, items, times()),
      ),
    forgetHost: async (uid, version) =>
      database.run("forgetHost", () => forgetHost(database, { uid, version }, times().wakeAtMs)),
    restHost: async (uid, version) =>
      database.run("restHost", () => restRow(database, "hosts", { uid, version })),
    takeDue: async (leaseMs, limit) =>
      database.run("takeDue", () => {
        const due = { nowMs: clock.nowMs(), leaseMs, limit };
        const hosts = takeDueRows(database, "hosts", due);
        return { hosts, machines: takeDueRows(database, "machines", due) };
      }),
    surroundings: async (host) => surroundings(database, host),
    claimants: async (site, claims, exceptUid) => claimants(database, { site, claims }, exceptUid),
  } satisfies Partial<Store>;
}

function applyFeed(
  database: MemoryDatabase,
  sender: FeedSender,
  { resource, batch }: { readonly resource: FeedResource; readonly batch: FeedBatch },
  wakeAtMs: number,
): FeedOutcome {
  if (resource === "baremetalhosts") return applyHostFeed(database, sender, batch, wakeAtMs);
  return isDecided(resource)
    ? applyMachineFeed(database, sender, { resource, batch }, wakeAtMs)
    : applyObjectFeed(database, sender, { resource, batch }, wakeAtMs);
}

function isDecided(resource: FeedResource): resource is ProviderResource {
  return providerResource.safeParse(resource).success;
}

function machineStore(database: MemoryDatabase, clock: Time) {
  const wakeAtMs = () => clock.nowMs() + decideWithinMs;
  return {
    loadMachine: async (uid) => loadMachine(database, uid),
    claimHost: async (uid, version, candidates) =>
      database.run("claimHost", () =>
        claimHost(database, { uid, version, candidates }, wakeAtMs()),
      ),
    commitMachine: async (commit) =>
      database.run("commitMachine", () => commitMachine(database, commit, wakeAtMs())),
    applyNodes: async (cluster, facts) =>
      database.run("applyNodes", () => applyNodes(database, { cluster, facts }, wakeAtMs())),
    restMachine: async (uid, version) =>
      database.run("restMachine", () => restRow(database, "machines", { uid, version })),
  } satisfies Partial<Store>;
}

function linkStore(database: MemoryDatabase, clock: Time) {
  return {
    loadAgent: async (agentId) => loadAgent(database, agentId),
    openSession: async (session) =>
      database.run("openSession", () => {
        const nowMs = clock.nowMs();
        return openSession(database, session, { nowMs, wakeAtMs: nowMs + decideWithinMs });
      }),
    renewLease: async (renewal) =>
      database.run("renewLease", () => renewLease(database, renewal, clock.nowMs())),
    endSession: async (session) =>
      database.run("endSession", () => endSession(database, session, clock.nowMs())),
    catchUp: async (sender) =>
      database.run("catchUp", () => catchUp(database, sender, clock.nowMs() + decideWithinMs)),
    sessionOfToken: async (tokenHash) => sessionOfToken(database, tokenHash),
    takeOutbox: async (session, limit, only) =>
      database.run("takeOutbox", () =>
        takeOutbox(database, session, {
          nowMs: clock.nowMs(),
          limit,
          ...(only === undefined ? {} : { only }),
        }),
      ),
    ackOutbox: async (session, acks) =>
      database.run("ackOutbox", () => ackOutbox(database, session, acks, clock.nowMs())),
    siteKeys: async () => siteKeys(database),
    knownFacts: async (cluster) => knownFacts(database, cluster),
  } satisfies Partial<Store>;
}

function adminStore(database: MemoryDatabase, clock: Time) {
  return {
    addCluster: async (name, admissionHash) =>
      database.run("addCluster", () =>
        addCluster(database, { name, admissionHash }, clock.nowMs()),
      ),
    addSite: async (name) => database.run("addSite", () => addSite(database, name, clock.nowMs())),
    addToken: async (token) =>
      database.run("addToken", () => addToken(database, token, clock.nowMs())),
    enrol: async (agent) => database.run("enrol", () => enrol(database, agent, clock.nowMs())),
    setAgentState: async (agentId, state) =>
      database.run("setAgentState", () => setAgentState(database, agentId, state)),
    clusterOfAdmissionToken: async (hash) => [...database.clustersByHash.keys(hash)][0],
    listClusters: async () => listNames(database, "cluster"),
    listSites: async () => listNames(database, "site"),
    listAgents: async () => listAgents(database),
    listHosts: async (filter) => listHosts(database, filter),
    listMachines: async (filter) => listMachines(database, filter),
    listOperations: async (filter) => listOperations(database, filter),
    prune: async () => database.run("prune", () => prune(database, clock.nowMs())),
  } satisfies Partial<Store>;
}
