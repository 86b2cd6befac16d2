// One statement: stores what is known of Secrets and wakes their hosts.
import { sql, type SQL } from "drizzle-orm";
import type { SecretFact } from "../../../shared/protocol/facts/secret-fact.ts";
import { jsonText } from "../json-text.ts";

/**
 * A fact with an empty name says that the host names no such Secret (any more): it is removed. MATERIALIZED: where a
 * UNION ALL is joined to what is locked, Postgres looks at a row that was changed meanwhile anew, and drops it.
 */
export function applySecrets(cluster: string, facts: readonly SecretFact[], wakeAtMs: number): SQL {
  const newest = new Map(facts.map((fact) => [`${fact.hostUid} ${fact.purpose}`, fact]));
  const items = [...newest.values()].map((fact) => ({
    host_uid: fact.hostUid,
    purpose: fact.purpose,
    fact,
  }));
  return sql`
  WITH given AS (
      SELECT g.* FROM jsonb_to_recordset(${jsonText(items)}::jsonb)
        AS g(host_uid text, purpose text, fact jsonb)
      JOIN hosts h ON h.uid = g.host_uid AND h.cluster = ${cluster}
    ),
    stored AS (
      INSERT INTO secret_facts AS f (host_uid, purpose, fact)
      SELECT host_uid, purpose, fact FROM given WHERE fact->>'name' <> ''
      ON CONFLICT (host_uid, purpose) DO UPDATE SET fact = excluded.fact
      RETURNING host_uid
    ),
    dropped AS (
      DELETE FROM secret_facts f USING given g
      WHERE g.fact->>'name' = '' AND f.host_uid = g.host_uid AND f.purpose = g.purpose
      RETURNING f.host_uid
    ),
    told AS MATERIALIZED (
      SELECT host_uid FROM stored UNION ALL SELECT host_uid FROM dropped
    )
  UPDATE hosts h SET version = h.version + 1, wake_at = ${wakeAtMs}::bigint
  WHERE h.uid IN (SELECT host_uid FROM told)
  RETURNING h.uid`;
}
