// One statement: stores a batch of a followed resource that nothing is decided about, removes what is gone, wakes the
// hosts and machines that it is about, moves the cursor.
import { sql, type SQL } from "drizzle-orm";
import type { FeedResource } from "../../../shared/protocol/feed.ts";
import type { ProviderResource } from "../../../shared/protocol/write-back.ts";
import type { FeedSender } from "../../ports.ts";
import { concernedMachines } from "../machines/concerned-machines.ts";
import { ofCompleteFeed, wakeMachines } from "../machines/wake-machines.ts";
import type { FoldedBatch } from "./feed-batch.ts";
import { feedAnswer, feedGate } from "./feed-gate.ts";

export type ObjectResource = Exclude<FeedResource, "baremetalhosts" | ProviderResource>;

/** Which hosts a changed object `c` is about. */
const concernedHosts: Readonly<Record<ObjectResource, SQL | undefined>> = {
  hardwaredata: sql`c.namespace = h.namespace AND c.name = h.name`,
  namespaces: sql`c.name = h.namespace`,
  "clusters.cluster.x-k8s.io": undefined,
  "machines.cluster.x-k8s.io": undefined,
  metal3machinetemplates: undefined,
};

/** changed: `before` is null for a new object, `object` for one that is gone. */
export function applyObjectFeed(
  sender: FeedSender,
  resource: ObjectResource,
  batch: FoldedBatch,
  wakeAtMs: number,
): SQL {
  const { moved, answer } = feedAnswer(sender, resource, batch, {
    hosts: sql`SELECT uid FROM touched`,
    machines: sql`SELECT uid FROM woken`,
  });
  return sql`
  WITH ${feedGate(sender, resource, batch)},
    ${objectParts(sender, resource, batch)},
    changed AS MATERIALIZED (
      SELECT s.uid, s.namespace, s.name, s.object, b.object AS before
      FROM stored s LEFT JOIN objects b
        ON b.cluster = ${sender.cluster} AND b.resource = ${resource} AND b.uid = s.uid
      UNION ALL
      SELECT uid, namespace, name, NULL, object FROM removed
    ),
    ${touchedHosts(sender, concernedHosts[resource], wakeAtMs)},
    ${wakeMachines(
      sql`${concernedMachines(sender.cluster, resource)} ${ofCompleteFeed(sender.cluster, batch)}`,
      wakeAtMs,
    )},
    ${moved}
  SELECT ${answer}, 0 AS elsewhere`;
}

function touchedHosts(sender: FeedSender, concerned: SQL | undefined, wakeAtMs: number): SQL {
  if (concerned === undefined) return sql`touched AS (SELECT NULL::text AS uid WHERE false)`;
  return sql`
    touched AS (
      UPDATE hosts h SET version = h.version + 1, wake_at = ${wakeAtMs}::bigint
      FROM gate
      WHERE h.cluster = ${sender.cluster}
        AND (gate.completes OR EXISTS (SELECT FROM changed c WHERE ${concerned}))
      RETURNING h.uid
    )`;
}

function objectParts(sender: FeedSender, resource: ObjectResource, batch: FoldedBatch): SQL {
  return sql`
    fresh AS (
      SELECT g.* FROM given g CROSS JOIN gate
        LEFT JOIN objects o
          ON o.cluster = ${sender.cluster} AND o.resource = ${resource} AND o.uid = g.uid
      WHERE CASE WHEN o.uid IS NULL THEN NOT g.deleted
                 ELSE g.rv > o.resource_version OR gate.regressed END
    ),
    stored AS (
      INSERT INTO objects AS o
        (cluster, resource, uid, namespace, name, object, resource_version, list_id)
      SELECT ${sender.cluster}, ${resource}, uid, namespace, name, object, rv, ${batch.listId}
      FROM fresh WHERE NOT deleted
      ON CONFLICT (cluster, resource, uid) DO UPDATE SET
        namespace = excluded.namespace, name = excluded.name, object = excluded.object,
        resource_version = excluded.resource_version,
        list_id = coalesce(excluded.list_id, o.list_id)
      RETURNING uid, namespace, name, object
    ),
    seen AS (
      UPDATE objects o SET list_id = ${batch.listId} FROM given g
      WHERE ${batch.listId}::text IS NOT NULL AND o.uid = g.uid
        AND o.cluster = ${sender.cluster} AND o.resource = ${resource}
        AND NOT EXISTS (SELECT FROM fresh WHERE fresh.uid = o.uid)
    ),
    removed AS (
      DELETE FROM objects o USING gate
      WHERE o.cluster = ${sender.cluster} AND o.resource = ${resource}
        AND (EXISTS (SELECT FROM fresh f WHERE f.uid = o.uid AND f.deleted)
          OR (${batch.last}::boolean AND o.list_id IS DISTINCT FROM ${batch.listId}
            AND (o.resource_version <= ${batch.listVersion}::numeric OR gate.regressed)
            AND NOT EXISTS (SELECT FROM given g WHERE g.uid = o.uid)))
      RETURNING o.uid, o.namespace, o.name, o.object
    )`;
}
