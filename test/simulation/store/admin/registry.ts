// As control-plane/store/admin/registry.ts, enrol.ts and prune.ts.
import type { AdminStore, AgentRow, EnrolError } from "../../../../control-plane/ports.ts";
import { foreignKeyViolation, sqlState } from "../../../../control-plane/store/database.ts";
import { hostResource } from "../../../../shared/protocol/feed.ts";
import { err, ok, type Result } from "../../../../shared/result.ts";
import { wakeHost } from "../hosts/wake-row.ts";
import { agentOf } from "../links/agents.ts";
import { unique, type MemoryDatabase } from "../memory-database.ts";
import { keyOf, type StoredAgentRow, type TokenRow } from "../rows.ts";
import { bigintOf, SqlError } from "../sql-error.ts";

export function addCluster(
  database: MemoryDatabase,
  cluster: { readonly name: string; readonly admissionHash: string },
  nowMs: number,
): boolean {
  const { name, admissionHash } = cluster;
  if (database.tables.clusters.has(name)) return false;
  if (database.clustersByHash.has(admissionHash)) throw unique("clusters_admission_hash_key");
  database.insert("clusters", name, { name, admission_hash: admissionHash, added_at: nowMs });
  for (const resource of hostResource.options) {
    database.insert("feeds", keyOf(name, resource), { cluster: name, resource, cursor: "" });
  }
  return true;
}

export function addSite(database: MemoryDatabase, name: string, nowMs: number): boolean {
  if (database.tables.sites.has(name)) return false;
  database.insert("sites", name, { name, added_at: nowMs });
  for (const { uid, site } of database.tables.hosts.values()) {
    if (site === null) wakeHost(database, uid, nowMs);
  }
  return true;
}

const checkViolation = "23514";

export function addToken(
  database: MemoryDatabase,
  token: Parameters<AdminStore["addToken"]>[0],
  nowMs: number,
): boolean {
  const { hash, site = null, cluster = null } = token;
  if (site === null && cluster === null) {
    throw new SqlError(checkViolation, "a token is for a site, a cluster or both");
  }
  const row: TokenRow = {
    hash,
    site,
    cluster,
    auto_approve: token.autoApprove,
    expires_at: bigintOf(nowMs + token.ttlMs),
    used_by: null,
  };
  try {
    database.insert("tokens", hash, row);
    database.mustReference("sites", site);
    database.mustReference("clusters", cluster);
    return true;
  } catch (thrown) {
    if (sqlState(thrown) !== foreignKeyViolation) throw thrown;
    database.write("tokens", hash, undefined);
    return false;
  }
}

export function enrol(
  database: MemoryDatabase,
  agent: Parameters<AdminStore["enrol"]>[0],
  nowMs: number,
): Result<AgentRow, EnrolError> {
  const token = database.tables.tokens.get(agent.tokenHash);
  if (token === undefined) return err("unknown", "this token is not known here");
  if (token.used_by !== null) {
    const earlier = database.tables.agents.get(token.used_by);
    if (earlier?.signing_key === agent.signingKey) return ok(agentOf(earlier));
    return err("used", "this token was used already; create another one");
  }
  if (token.expires_at <= nowMs) {
    return err("expired", "this token has expired; create another one");
  }
  const added: StoredAgentRow = {
    id: agent.id,
    state: token.auto_approve ? "approved" : "pending",
    site: token.site,
    cluster: token.cluster,
    signing_key: agent.signingKey,
    sealing_key: agent.sealingKey,
    sealing_fingerprint: agent.sealingFingerprint,
    hostname: agent.hostname,
    program_version: agent.programVersion,
    counter: 0,
    boot_id: "",
    enrolled_at: nowMs,
  };
  database.write("tokens", token.hash, { ...token, used_by: agent.id });
  database.insert("agents", agent.id, added);
  return ok(agentOf(added));
}

export function setAgentState(
  database: MemoryDatabase,
  id: string,
  state: "approved" | "revoked",
): boolean {
  const agent = database.tables.agents.get(id);
  if (agent === undefined) return false;
  const counter = state === "approved" ? 0 : agent.counter;
  database.write("agents", id, { ...agent, state, counter });
  return true;
}

const dayMs = 24 * 3600 * 1000;
const keepOperationsMs = 30 * dayMs;
const keepTokensMs = 7 * dayMs;

export function prune(database: MemoryDatabase, nowMs: number): void {
  const { operations, tokens } = database.tables;
  for (const row of operations.values()) {
    const isOld = row.created_at < nowMs - keepOperationsMs;
    if (row.consumed && isOld) database.write("operations", row.id, undefined);
  }
  for (const { hash, expires_at } of tokens.values()) {
    if (expires_at < nowMs - keepTokensMs) database.write("tokens", hash, undefined);
  }
}
