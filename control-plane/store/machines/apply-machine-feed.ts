// One statement: stores a batch of objects of the machine side that are decided about, marks what is gone, wakes what
// changed and what it is about, moves the cursor.
import { sql, type SQL } from "drizzle-orm";
import type { ProviderResource } from "../../../shared/protocol/write-back.ts";
import type { FeedSender } from "../../ports.ts";
import type { FoldedBatch } from "../hosts/feed-batch.ts";
import { feedAnswer, feedGate } from "../hosts/feed-gate.ts";
import { feedRows } from "../hosts/feed-rows.ts";
import { isMachineEcho } from "../hosts/is-echo.ts";
import {
  joinMachineSets,
  joinMachinesOf,
  lookedAt,
  ofCompleteFeed,
  wakeMachines,
} from "./wake-machines.ts";

/** No row is changed twice: of its own resource, none is woken but what the batch itself changes. */
export function applyMachineFeed(
  sender: FeedSender,
  resource: ProviderResource,
  batch: FoldedBatch,
  wakeAtMs: number,
): SQL {
  const { cluster } = sender;
  const { moved, answer } = feedAnswer(sender, resource, batch, {
    hosts: sql`SELECT NULL::text AS uid WHERE false`,
    machines: sql`SELECT uid FROM decided UNION ALL SELECT uid FROM woken`,
  });
  const rows = feedRows(sender, batch, {
    table: sql`machines`,
    isOwn: sql`h.cluster = ${cluster} AND h.resource = ${resource}`,
    more: { columns: sql`, resource`, values: sql`, ${resource}` },
    changes: sql``,
    isIdle: isMachineEcho,
    wakeAtMs,
  });
  return sql`
  WITH ${feedGate(sender, resource, batch)},
    ${rows},
    ${wakeMachines(
      sql`${concernedBy(cluster, resource)} ${ofCompleteFeed(cluster, batch)} AND m.resource <> ${resource}`,
      wakeAtMs,
    )},
    ${moved}
  SELECT ${answer},
    (SELECT count(*)::int FROM given g JOIN machines h ON h.uid = g.uid
     WHERE NOT (h.cluster = ${cluster} AND h.resource = ${resource})) AS elsewhere`;
}

/** The rows whose snapshot has the objects of the batch, with UNION ALL behind the query. */
function concernedBy(cluster: string, resource: ProviderResource): SQL {
  if (resource === "metal3clusters") return sql`${machinesOfChanged(cluster)} UNION ALL`;
  if (resource !== "machines.machine.openshift.io") return sql``;
  return sql`SELECT m.uid FROM (${changed}) c ${joinMachineSets(cluster)} UNION ALL`;
}

/** Those that are others than before. */
const changed = sql`
      SELECT s.namespace, s.name FROM stored s LEFT JOIN machines b ON b.uid = s.uid
      WHERE b.uid IS NULL OR b.deleted <> s.deleted
        OR ${lookedAt("b.object")} <> ${lookedAt("s.object")}
      UNION ALL SELECT namespace, name FROM missing WHERE gone`;

/** Of Clusters whose infrastructureRef names a Metal3Cluster that is another than before. */
function machinesOfChanged(cluster: string): SQL {
  return sql`
    SELECT m.uid FROM (${changed}) k
    JOIN objects c ON c.cluster = ${cluster} AND c.resource = 'clusters.cluster.x-k8s.io'
      AND c.namespace = k.namespace AND c.object->'spec'->'infrastructureRef'->>'kind' = 'Metal3Cluster'
      AND c.object->'spec'->'infrastructureRef'->>'name' = k.name
    ${joinMachinesOf(cluster)}`;
}
