// The store over a database: each method is one statement of this folder, given the time.
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import type { FeedResource } from "../../shared/protocol/feed.ts";
import { providerResource, type ProviderResource } from "../../shared/protocol/write-back.ts";
import type { Clock, FeedOutcome, FeedSender, Notifications, Store } from "../ports.ts";
import { enrol } from "./admin/enrol.ts";
import {
  listAgents,
  listClusters,
  listHosts,
  listOperations,
  listSites,
} from "./admin/listings.ts";
import { listMachines } from "./admin/list-machines.ts";
import { prune } from "./admin/prune.ts";
import {
  addCluster,
  addSite,
  addToken,
  clusterOfAdmissionToken,
  setAgentState,
} from "./admin/registry.ts";
import { readRow, readRows, type Database } from "./database.ts";
import { acceptObservations } from "./hosts/accept-observations.ts";
import { applyHostFeed } from "./hosts/apply-host-feed.ts";
import { applyObjectFeed } from "./hosts/apply-object-feed.ts";
import { applySecrets } from "./hosts/apply-secrets.ts";
import { commitHost } from "./hosts/commit-host.ts";
import { foldBatch, type FoldedBatch } from "./hosts/feed-batch.ts";
import { claimants, surroundings } from "./hosts/fleet.ts";
import { forgetHost } from "./links/forget-hosts.ts";
import { loadHost } from "./hosts/load-host.ts";
import { decideWithinMs } from "../lease-times.table.ts";
import { loadAgent, sessionOfToken, siteKeys } from "./links/agents.ts";
import { catchUp } from "./links/catch-up.ts";
import { openSession } from "./links/open-session.ts";
import { ackOutbox, takeOutbox } from "./links/outbox.ts";
import { endSession } from "./links/end-session.ts";
import { knownFacts } from "./links/known-facts.ts";
import { renewLease } from "./links/renew-lease.ts";
import { applyMachineFeed } from "./machines/apply-machine-feed.ts";
import { applyNodes } from "./machines/apply-nodes.ts";
import { claimHost } from "./machines/claim-host.ts";
import { commitMachine } from "./machines/commit-machine.ts";
import { loadMachine } from "./machines/load-machine.ts";
import { restMachine } from "./machines/rest-machine.ts";
import { takeDue } from "./take-due.ts";

const uidRow = z.object({ uid: z.string() });
const dueRow = z.object({ hosts: z.array(z.string()), machines: z.array(z.string()) });
const feedRow = z.object({
  holds: z.boolean(),
  passed: z.boolean(),
  cursor: z.string(),
  touched: z.array(z.string()),
  machines: z.array(z.string()),
  elsewhere: z.coerce.number(),
});
const caughtUpRow = z.object({ hosts: z.array(z.string()), sites: z.array(z.string()) });
const acceptedRow = z.object({
  committed: z.coerce.number().nullable(),
  touched: z.array(z.string()),
  refused: z.coerce.number(),
});

export function makeStore(database: Database, clock: Clock): Store {
  return {
    ...hostStore(database, clock),
    ...machineStore(database, clock),
    ...linkStore(database, clock),
    ...adminStore(database, clock),
  };
}

/** What the control plane takes of a database. */
export function overDatabase(
  database: Database,
  clock: Clock,
): {
  readonly store: Store;
  readonly notifications: Notifications;
  readonly ping: () => Promise<boolean>;
} {
  const ping = async () => {
    try {
      await database.rows(sql`SELECT 1`);
      return true;
    } catch {
      return false;
    }
  };
  return { store: makeStore(database, clock), notifications: database.notifications, ping };
}

function hostStore(database: Database, clock: Clock) {
  const wakeAtMs = () => clock.nowMs() + decideWithinMs;
  return {
    async applyFeed(sender, resource, batch): Promise<FeedOutcome> {
      const folded = foldBatch(batch);
      const statement = feedStatement(sender, { resource, batch: folded }, wakeAtMs());
      const { holds, passed, cursor, touched, machines, elsewhere } = await readRow(
        database,
        feedRow,
        statement,
      );
      const kind = !holds ? "fenced" : passed ? "stored" : "conflict";
      return { kind, cursor, touched, machines, foreign: elsewhere };
    },
    async applySecrets(cluster, facts) {
      const rows = await readRows(database, uidRow, applySecrets(cluster, facts, wakeAtMs()));
      return rows.map(({ uid }) => uid);
    },
    surroundings: (host) => surroundings(database, host),
    claimants: (site, claims, exceptUid) => claimants(database, site, claims, exceptUid),
    loadHost: (uid) => loadHost(database, uid),
    commitHost: (commit) => commitHost(database, commit, wakeAtMs()),
    async acceptObservations(sender, items) {
      const times = { nowMs: clock.nowMs(), wakeAtMs: wakeAtMs() };
      const row = await readRow(database, acceptedRow, acceptObservations(sender, items, times));
      return row.committed === null
        ? undefined
        : { committedSeq: row.committed, touched: row.touched, refused: row.refused };
    },
    async forgetHost(uid, version) {
      const rows = await readRows(database, uidRow, forgetHost({ uid, version }, wakeAtMs()));
      return rows.map((row) => row.uid);
    },
    async restHost(uid, version) {
      await database.rows(
        sql`UPDATE hosts SET wake_at = NULL WHERE uid = ${uid} AND version = ${version}::bigint`,
      );
    },
    takeDue: (leaseMs, limit) =>
      readRow(database, dueRow, takeDue(clock.nowMs(), { leaseMs, limit })),
  } satisfies Partial<Store>;
}

function feedStatement(
  sender: FeedSender,
  { resource, batch }: { readonly resource: FeedResource; readonly batch: FoldedBatch },
  wakeAtMs: number,
): SQL {
  if (resource === "baremetalhosts") return applyHostFeed(sender, batch, wakeAtMs);
  return isDecided(resource)
    ? applyMachineFeed(sender, resource, batch, wakeAtMs)
    : applyObjectFeed(sender, resource, batch, wakeAtMs);
}

function isDecided(resource: FeedResource): resource is ProviderResource {
  return providerResource.safeParse(resource).success;
}

function machineStore(database: Database, clock: Clock) {
  const wakeAtMs = () => clock.nowMs() + decideWithinMs;
  return {
    loadMachine: (uid) => loadMachine(database, uid),
    claimHost: (uid, version, candidates) =>
      claimHost(database, { uid, version, candidates }, wakeAtMs()),
    commitMachine: (commit) => commitMachine(database, commit, wakeAtMs()),
    async applyNodes(cluster, facts) {
      const rows = await readRows(database, uidRow, applyNodes(cluster, facts, wakeAtMs()));
      return rows.map(({ uid }) => uid);
    },
    async restMachine(uid, version) {
      await database.rows(restMachine(uid, version));
    },
  } satisfies Partial<Store>;
}

function linkStore(database: Database, clock: Clock) {
  return {
    loadAgent: (agentId) => loadAgent(database, agentId),
    openSession: (session) =>
      openSession(database, session, {
        nowMs: clock.nowMs(),
        wakeAtMs: clock.nowMs() + decideWithinMs,
      }),
    renewLease: (renewal) => renewLease(database, renewal, clock.nowMs()),
    async endSession(session) {
      await database.rows(endSession(session, clock.nowMs()));
    },
    async catchUp(sender) {
      return await readRow(database, caughtUpRow, catchUp(sender, clock.nowMs() + decideWithinMs));
    },
    sessionOfToken: (tokenHash) => sessionOfToken(database, tokenHash),
    takeOutbox: (session, limit, only) =>
      takeOutbox(database, session, { nowMs: clock.nowMs(), limit, only }),
    ackOutbox: (session, acks) => ackOutbox(database, session, acks, clock.nowMs()),
    siteKeys: () => siteKeys(database),
    knownFacts: (cluster) => knownFacts(database, cluster),
  } satisfies Partial<Store>;
}

function adminStore(database: Database, clock: Clock) {
  return {
    addCluster: (name, admissionHash) =>
      addCluster(database, { name, admissionHash }, clock.nowMs()),
    addSite: (name) => addSite(database, name, clock.nowMs()),
    addToken: (token) => addToken(database, token, clock.nowMs()),
    enrol: (agent) => enrol(database, agent, clock.nowMs()),
    setAgentState: (agentId, state) => setAgentState(database, agentId, state),
    clusterOfAdmissionToken: (hash) => clusterOfAdmissionToken(database, hash),
    listClusters: () => listClusters(database),
    listSites: () => listSites(database),
    listAgents: () => listAgents(database),
    listHosts: (filter) => listHosts(database, filter),
    listMachines: (filter) => listMachines(database, filter),
    listOperations: (filter) => listOperations(database, filter),
    async prune() {
      await database.rows(prune(clock.nowMs()));
    },
  } satisfies Partial<Store>;
}
