// As control-plane/store/hosts/commit-host.ts: everything that one decision writes, if the host still has the version
// that the decision was made from.
import type { CommitError, HostCommit } from "../../../../control-plane/ports.ts";
import { sqlState, uniqueViolation } from "../../../../control-plane/store/database.ts";
import type { Claim } from "../../../../shared/host/decision.ts";
import type { HostMemory } from "../../../../shared/host/snapshot.ts";
import { claimConflictText } from "../../../../shared/host/document/claim-conflict.ts";
import { err, ok, type Result } from "../../../../shared/result.ts";
import { choosingMachines, wakeMachines } from "../machines/wake-machines.ts";
import { unique, type MemoryDatabase } from "../memory-database.ts";
import { keyOf, type OperationRow, type StoredHostRow } from "../rows.ts";
import { bigintOf } from "../sql-error.ts";
import { sameJson, storableText, storedJson } from "../stored-json.ts";
import { dropMoot, dropOrders, queueRows } from "./outbox-rows.ts";
import { inOrder, openOperation } from "./reads.ts";
import { wakeHost } from "./wake-row.ts";

export function commitHost(
  database: MemoryDatabase,
  commit: HostCommit,
  wakeAtMs: number,
): Result<readonly string[], CommitError> {
  const stale = err("stale", `host ${commit.uid} was changed meanwhile; decide again`);
  try {
    return database.run("commitHost", () => {
      const host = database.tables.hosts.get(commit.uid);
      if (host?.version !== commit.version) return stale;
      const wanted = wantedClaims(commit);
      const conflict = conflictOf(database, host, { site: commit.site ?? "", wanted });
      if (conflict !== undefined) return conflict;
      writeCommit(database, { commit, host, wanted }, wakeAtMs);
      return ok(wakeMachines(database, concernedMachines(database, host, commit), wakeAtMs));
    });
  } catch (thrown) {
    if (sqlState(thrown) === uniqueViolation) return stale;
    throw thrown;
  }
}

/** Who has claimed the host, when it is another for it, or gone; else who waits for one, when it became free. */
function concernedMachines(
  database: MemoryDatabase,
  host: StoredHostRow,
  { memory, gone }: HostCommit,
): readonly string[] {
  if (host.machine_uid !== null) {
    return gone || !sameJson(seenOf(host.memory), seenOf(storedJson(memory)))
      ? [host.machine_uid]
      : [];
  }
  return !gone && isFree(memory) && !isFree(host.memory) ? choosingMachines(database, host) : [];
}

/** What the machine side sees of a host's memory. */
function seenOf(memory: HostMemory | null): unknown {
  if (memory === null) return undefined;
  const { provisioning, errorMessage, operationalStatus, poweredOn } = memory.status;
  const identity = memory.identity ?? null;
  return [provisioning.state, errorMessage, operationalStatus, poweredOn, identity];
}

function isFree(memory: HostMemory | null): boolean {
  const { provisioning, errorMessage } = memory?.status ?? {};
  const state = provisioning?.state;
  return (state === "ready" || state === "available") && errorMessage === "";
}

interface Writing {
  readonly commit: HostCommit;
  readonly host: StoredHostRow;
  readonly wanted: readonly Claim[];
}

function writeCommit(database: MemoryDatabase, writing: Writing, wakeAtMs: number): void {
  const { commit, wanted } = writing;
  const released = releaseClaims(database, commit, wanted);
  writeOperations(database, commit);
  queueRows(database, commit, () => {
    if (commit.consumed !== undefined) dropMoot(database, commit.uid, commit.consumed);
    if (commit.gone) dropOrders(database, commit.uid);
  });
  if (released.size > 0) wakeBlocked(database, { released, except: commit.uid }, wakeAtMs);
  if (commit.gone) database.deleteHost(commit.uid);
  else keepHost(database, writing);
}

function wakeBlocked(
  database: MemoryDatabase,
  { released, except }: { readonly released: ReadonlySet<string>; readonly except: string },
  wakeAtMs: number,
): void {
  for (const { uid, blocked, site } of database.tables.hosts.values()) {
    const isFreed = blocked && site !== null && released.has(site);
    if (isFreed && uid !== except) wakeHost(database, uid, wakeAtMs);
  }
}

function keepHost(database: MemoryDatabase, { commit, host, wanted }: Writing): void {
  const site = commit.site ?? null;
  const missing = wanted.filter((wish) => heldClaim(database, site, wish) === undefined);
  for (const { kind, value } of missing) {
    const row = { site: site ?? "", kind, value, host_uid: host.uid };
    database.insert("claims", keyOf(row.site, kind, value), row);
  }
  const moved = host.site === site ? {} : { power_on: null, power_at: null, bmc_problem: null };
  database.mustReference("sites", site);
  database.write("hosts", host.uid, {
    ...host,
    ...moved,
    version: host.version + 1,
    memory: storedJson(commit.memory),
    document: storedJson(commit.document) ?? null,
    site,
    blocked: commit.blocked,
    wake_at: commit.wakeAtMs === undefined ? null : bigintOf(commit.wakeAtMs),
  });
}

function wantedClaims(commit: HostCommit): readonly Claim[] {
  if (commit.site === undefined || commit.gone) return [];
  const claims = commit.claims ?? [];
  return claims.map(({ kind, value }) => ({ kind, value: storableText(value) }));
}

function conflictOf(
  database: MemoryDatabase,
  host: StoredHostRow,
  { site, wanted }: { readonly site: string; readonly wanted: readonly Claim[] },
) {
  for (const wish of wanted.toSorted(inOrder)) {
    const held = heldClaim(database, site, wish);
    if (held === undefined || held.host_uid === host.uid) continue;
    const other = database.tables.hosts.get(held.host_uid);
    const isNear = other?.cluster === host.cluster && other.namespace === host.namespace;
    return err("claimed", claimConflictText(wish, isNear ? other.name : undefined));
  }
  return undefined;
}

/** Returns the sites where claims were let go. */
function releaseClaims(
  database: MemoryDatabase,
  { uid, site, claims }: HostCommit,
  wanted: readonly Claim[],
): ReadonlySet<string> {
  const released = new Set<string>();
  if (claims === undefined) return released;
  const kept = new Set(wanted.map(({ kind, value }) => keyOf(site ?? "", kind, value)));
  for (const key of database.claimsByHost.keys(uid)) {
    const held = database.tables.claims.get(key);
    if (held === undefined || kept.has(key)) continue;
    released.add(held.site);
    database.write("claims", key, undefined);
  }
  return released;
}

function heldClaim(database: MemoryDatabase, site: string | null, { kind, value }: Claim) {
  return database.tables.claims.get(keyOf(site ?? "", kind, value));
}

function writeOperations(database: MemoryDatabase, commit: HostCommit): void {
  const { uid, consumed, cancel, operation } = commit;
  const own = (id: string | undefined): OperationRow | undefined => {
    const row = id === undefined ? undefined : database.tables.operations.get(id);
    return row?.host_uid === uid ? row : undefined;
  };
  const ended = own(consumed);
  if (ended !== undefined) database.write("operations", ended.id, { ...ended, consumed: true });
  const given = cancel === consumed ? undefined : own(cancel);
  if (given !== undefined) database.write("operations", given.id, { ...given, cancelled: true });
  if (operation === undefined || commit.gone) return;
  if (openOperation(database, uid) !== undefined) throw unique("operations_one_open");
  const stored = storedJson(operation.operation);
  database.insert("operations", stored.id, {
    id: stored.id,
    host_uid: uid,
    site: operation.site,
    kind: stored.payload.kind,
    class: stored.class,
    operation: stored,
    state: "pending",
    cancelled: false,
    consumed: false,
    agent_id: null,
    created_at: bigintOf(operation.createdAtMs),
    started_at: null,
    ended_at: null,
    progress: null,
    result: null,
    failure: null,
  });
}
