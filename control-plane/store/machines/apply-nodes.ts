// One statement: stores what the cluster link tells of Nodes, and wakes their machines. The same word again, as the
// link tells it each time that it is asked, wakes nobody.
import { sql, type SQL } from "drizzle-orm";
import type { NodeFact } from "../../../shared/protocol/facts/node-fact.ts";
import { jsonText } from "../json-text.ts";

export function applyNodes(cluster: string, facts: readonly NodeFact[], wakeAtMs: number): SQL {
  const newest = new Map(facts.map((fact) => [fact.machineUid, fact]));
  const items = [...newest].map(([uid, fact]) => ({ uid, fact }));
  return sql`
  UPDATE machines m SET node = g.fact, version = m.version + 1, wake_at = ${wakeAtMs}::bigint
  FROM jsonb_to_recordset(${jsonText(items)}::jsonb) AS g(uid text, fact jsonb)
  WHERE m.uid = g.uid AND m.cluster = ${cluster} AND m.resource = 'metal3machines'
    AND m.node IS DISTINCT FROM g.fact
  RETURNING m.uid`;
}
