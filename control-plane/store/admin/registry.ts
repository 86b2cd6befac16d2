// Statements of the operators' commands: clusters, sites, tokens, and the word about an agent.
import { eq, sql } from "drizzle-orm";
import { z } from "zod";
import type { AdminStore } from "../../ports.ts";
import { foreignKeyViolation, readRow, readRows, sqlState, type Database } from "../database.ts";
import { hostResource } from "../../../shared/protocol/feed.ts";
import { agents, tokens } from "../schema.ts";

/** The cursors come with the cluster: a feed statement locks one, so it has to be there. */
export async function addCluster(
  database: Database,
  cluster: { readonly name: string; readonly admissionHash: string },
  nowMs: number,
): Promise<boolean> {
  const rows = await readRows(
    database,
    z.object({ cluster: z.string() }),
    sql`
    WITH added AS (
      INSERT INTO clusters (name, admission_hash, added_at)
      VALUES (${cluster.name}, ${cluster.admissionHash}, ${nowMs}::bigint)
      ON CONFLICT (name) DO NOTHING RETURNING name
    )
    INSERT INTO feeds (cluster, resource)
    SELECT added.name, r.value
    FROM added, jsonb_array_elements_text(${JSON.stringify(hostResource.options)}::jsonb) AS r(value)
    RETURNING cluster`,
  );
  return rows.length > 0;
}

/** Hosts that wait for a site may have one now. */
export async function addSite(database: Database, name: string, nowMs: number): Promise<boolean> {
  const { added } = await readRow(
    database,
    z.object({ added: z.boolean() }),
    sql`
    WITH added AS (
        INSERT INTO sites (name, added_at) VALUES (${name}, ${nowMs}::bigint)
        ON CONFLICT (name) DO NOTHING RETURNING name
      ),
      woken AS (
        UPDATE hosts h SET version = h.version + 1, wake_at = ${nowMs}::bigint
        FROM added WHERE h.site IS NULL
      )
    SELECT EXISTS (SELECT FROM added) AS added`,
  );
  return added;
}

export async function addToken(
  database: Database,
  token: Parameters<AdminStore["addToken"]>[0],
  nowMs: number,
): Promise<boolean> {
  try {
    await database.drizzle.insert(tokens).values({
      hash: token.hash,
      site: token.site ?? null,
      cluster: token.cluster ?? null,
      autoApprove: token.autoApprove,
      expiresAtMs: nowMs + token.ttlMs,
    });
    return true;
  } catch (thrown) {
    if (sqlState(thrown) === foreignKeyViolation) return false;
    throw thrown;
  }
}

/** Approving starts the clone alarm afresh: whatever counter comes next is the right one. */
export async function setAgentState(
  database: Database,
  id: string,
  state: "approved" | "revoked",
): Promise<boolean> {
  const changed = await database.drizzle
    .update(agents)
    .set(state === "approved" ? { state, counter: 0 } : { state })
    .where(eq(agents.id, id))
    .returning({ id: agents.id });
  return changed.length > 0;
}

export async function clusterOfAdmissionToken(
  database: Database,
  hash: string,
): Promise<string | undefined> {
  const [row] = await readRows(
    database,
    z.object({ name: z.string() }),
    sql`SELECT name FROM clusters WHERE admission_hash = ${hash}`,
  );
  return row?.name;
}
