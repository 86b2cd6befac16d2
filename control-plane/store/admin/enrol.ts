// One statement: a single-use token becomes an agent. The token is used up even if the answer gets lost; the same
// agent (by its signing key) that asks again gets the same answer.
import { sql } from "drizzle-orm";
import { z } from "zod";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { AdminStore, AgentRow, EnrolError } from "../../ports.ts";
import { readRow, type Database } from "../database.ts";

const answer = z.object({
  agent: z
    .object({
      id: z.string(),
      state: z.enum(["pending", "approved", "revoked", "suspended"]),
      site: z.string().nullable(),
      cluster: z.string().nullable(),
      signing_key: z.string(),
    })
    .nullable(),
  used: z.boolean().nullable(),
});

/** locked: the token as it is after waiting for whoever uses it at the same moment, not as the snapshot has it. */
export async function enrol(
  database: Database,
  agent: Parameters<AdminStore["enrol"]>[0],
  nowMs: number,
): Promise<Result<AgentRow, EnrolError>> {
  const row = await readRow(
    database,
    answer,
    sql`
    WITH locked AS (
        SELECT hash, used_by FROM tokens WHERE hash = ${agent.tokenHash} FOR UPDATE
      ),
      token AS (
        UPDATE tokens t SET used_by = ${agent.id} FROM locked
        WHERE t.hash = locked.hash AND locked.used_by IS NULL AND t.expires_at > ${nowMs}::bigint
        RETURNING t.site, t.cluster, t.auto_approve
      ),
      added AS (
        INSERT INTO agents (id, state, site, cluster, signing_key, sealing_key, sealing_fingerprint,
          hostname, program_version, enrolled_at)
        SELECT ${agent.id}, CASE WHEN auto_approve THEN 'approved' ELSE 'pending' END, site, cluster,
          ${agent.signingKey}, ${agent.sealingKey}, ${agent.sealingFingerprint}, ${agent.hostname},
          ${agent.programVersion}, ${nowMs}::bigint
        FROM token
        RETURNING *
      ),
      earlier AS (
        SELECT a.* FROM locked JOIN agents a ON a.id = locked.used_by
        WHERE a.signing_key = ${agent.signingKey}
      )
    SELECT
      (SELECT to_jsonb(found) FROM (
        SELECT id, state, site, cluster, signing_key FROM added
        UNION ALL SELECT id, state, site, cluster, signing_key FROM earlier) found LIMIT 1) AS agent,
      (SELECT used_by IS NOT NULL FROM locked) AS used`,
  );
  if (row.agent !== null) {
    const { id, state, site, cluster, signing_key: signingKey } = row.agent;
    return ok({ id, state, site: site ?? undefined, cluster: cluster ?? undefined, signingKey });
  }
  if (row.used === null) return err("unknown", "this token is not known here");
  return row.used
    ? err("used", "this token was used already; create another one")
    : err("expired", "this token has expired; create another one");
}
