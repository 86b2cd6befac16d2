// One statement: stores what the cluster link tells of Nodes, and wakes their machines, and the MachineSets that count
// them. The same word again, as the link tells it each time that it is asked, wakes nobody.
import { sql, type SQL } from "drizzle-orm";
import type { NodeFact } from "../../../shared/protocol/facts/node-fact.ts";
import { jsonText } from "../json-text.ts";
import { joinMachineSets, takesHosts, wakeMachines } from "./wake-machines.ts";

export function applyNodes(cluster: string, facts: readonly NodeFact[], wakeAtMs: number): SQL {
  const newest = new Map(facts.map((fact) => [fact.machineUid, fact]));
  const items = [...newest].map(([uid, fact]) => ({ uid, fact }));
  return sql`
  WITH told AS (
      UPDATE machines m SET node = g.fact, version = m.version + 1, wake_at = ${wakeAtMs}::bigint
      FROM jsonb_to_recordset(${jsonText(items)}::jsonb) AS g(uid text, fact jsonb)
      WHERE m.uid = g.uid AND m.cluster = ${cluster} AND ${takesHosts}
        AND m.node IS DISTINCT FROM g.fact
      RETURNING m.uid, m.resource, m.namespace
    ),
    ${wakeMachines(
      sql`
      SELECT m.uid FROM told c ${joinMachineSets(cluster)}
      WHERE c.resource = 'machines.machine.openshift.io'`,
      wakeAtMs,
    )}
  SELECT uid FROM told UNION ALL SELECT uid FROM woken`;
}
