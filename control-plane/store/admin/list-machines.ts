// A read for operators: machines, their hosts, and what stands in their way.
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { AdminStore, ListedMachine } from "../../ports.ts";
import { readRows, type Database } from "../database.ts";
import { takesHosts } from "../machines/wake-machines.ts";

const listedMachine = z.object({
  uid: z.string(),
  cluster: z.string(),
  resource: z.string(),
  namespace: z.string(),
  name: z.string(),
  isDeleting: z.boolean(),
  wakeAtMs: z.coerce.number().nullable(),
  host: z
    .object({ name: z.string(), state: z.string().nullable(), operation: z.string().nullable() })
    .nullable(),
  unmet: z.array(
    z.object({
      type: z.string(),
      reason: z.string(),
      message: z.string(),
      lastTransitionTime: z.string(),
    }),
  ),
});

export async function listMachines(
  database: Database,
  filter: Parameters<AdminStore["listMachines"]>[0],
): Promise<readonly ListedMachine[]> {
  const [cluster, afterUid] = [filter.cluster ?? null, filter.afterUid ?? null];
  return await readRows(
    database,
    listedMachine,
    sql`
    SELECT m.uid, m.cluster, m.resource, m.namespace, m.name, m.wake_at AS "wakeAtMs",
      m.deleted OR m.object->'metadata'->'deletionTimestamp' IS NOT NULL AS "isDeleting",
      CASE WHEN h.uid IS NOT NULL THEN json_build_object(
        'name', h.name, 'state', h.memory->'status'->'provisioning'->>'state',
        'operation', jsonb_path_query_first(h.memory->'status'->'conditions',
          '$[*] ? (@.type == "farrier.dev/Operation").message') #>> '{}') END AS host,
      (SELECT coalesce(json_agg(json_build_object('type', c->>'type', 'reason', coalesce(c->>'reason', ''),
          'message', coalesce(c->>'message', ''),
          'lastTransitionTime', coalesce(c->>'lastTransitionTime', ''))), '[]')
        FROM jsonb_path_query(m.memory->'status'->'conditions',
          '$[*] ? (@.status == "False" && @.type != "Paused" && @.type != "Ready")') c) AS unmet
    FROM machines m LEFT JOIN hosts h ON h.machine_uid = m.uid
    WHERE ${takesHosts} AND (${cluster}::text IS NULL OR m.cluster = ${cluster})
      AND (${afterUid}::text IS NULL OR (m.cluster, m.namespace, m.name, m.uid) > (
        SELECT a.cluster, a.namespace, a.name, a.uid FROM machines a WHERE a.uid = ${afterUid}))
    ORDER BY m.cluster, m.namespace, m.name, m.uid
    LIMIT 1000`,
  );
}
