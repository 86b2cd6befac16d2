// One statement: everything that a snapshot of one host is made of.
import { sql } from "drizzle-orm";
import { z } from "zod";
import { hostMemory, operationView } from "../../../shared/host/snapshot.ts";
import { secretFact } from "../../../shared/protocol/facts/secret-fact.ts";
import type { HostRows } from "../../ports.ts";
import { readRows, type Database } from "../database.ts";
import {
  annotationsSql,
  eldersSchema,
  eldersSql,
  hardwareSql,
  sitesSchema,
  sitesSql,
} from "./surroundings-sql.ts";

export const feedObject = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    uid: z.string(),
    resourceVersion: z.string(),
  }),
});

const hostRow = z.object({
  uid: z.string(),
  cluster: z.string(),
  namespace: z.string(),
  name: z.string(),
  version: z.coerce.number(),
  object: feedObject,
  deleted: z.boolean(),
  site: z.string().nullable(),
  memory: hostMemory.nullable(),
  power_on: z.boolean().nullable(),
  power_at: z.coerce.number().nullable(),
  bmc_problem: z.string().nullable(),
  feeds_complete: z.boolean(),
  hardware: z.unknown(),
  namespace_known: z.boolean(),
  annotations: z.record(z.string(), z.string()).nullable(),
  secrets: z.array(secretFact),
  operation: operationView.nullable(),
  sites: sitesSchema,
  elders: eldersSchema,
  link: z.object({ lastSeenMs: z.number(), behind: z.boolean() }).nullable(),
});

/** SQL for an OperationView of the row `o`; absent fields are left out, as the schema has them. */
export const operationViewSql = sql.raw(`jsonb_strip_nulls(jsonb_build_object(
  'id', o.id, 'kind', o.kind, 'revision', o.operation->'revision',
  'allocation', o.operation->'allocation', 'attempt', o.operation->'attempt', 'state', o.state,
  'createdAtMs', o.created_at, 'startedAtMs', o.started_at, 'endedAtMs', o.ended_at,
  'cancelled', o.cancelled)
  ) || CASE WHEN o.progress IS NULL THEN '{}' ELSE jsonb_build_object('progress', o.progress) END
    || CASE WHEN o.result IS NULL THEN '{}' ELSE jsonb_build_object('result', o.result) END
    || CASE WHEN o.failure IS NULL THEN '{}' ELSE jsonb_build_object('failure', o.failure) END`);

export async function loadHost(database: Database, uid: string): Promise<HostRows | undefined> {
  const [row] = await readRows(
    database,
    hostRow,
    sql`
    SELECT h.uid, h.cluster, h.namespace, h.name, h.version, h.object, h.deleted, h.site, h.memory,
      h.power_on, h.power_at, h.bmc_problem,
      NOT EXISTS (SELECT FROM feeds f WHERE f.cluster = h.cluster AND f.cursor = '') AS feeds_complete,
      EXISTS (SELECT FROM objects o
        WHERE o.cluster = h.cluster AND o.resource = 'namespaces' AND o.name = h.namespace)
        AS namespace_known,
      (SELECT jsonb_build_object('lastSeenMs', l.seen_at, 'behind', l.behind) FROM links l
       WHERE l.name = 'cluster:' || h.cluster) AS link,
      ${hardwareSql} AS hardware, ${annotationsSql} AS annotations, ${sitesSql} AS sites,
      ${eldersSql} AS elders,
      (SELECT coalesce(jsonb_agg(f.fact), '[]') FROM secret_facts f WHERE f.host_uid = h.uid) AS secrets,
      (SELECT ${operationViewSql} FROM operations o
       WHERE o.host_uid = h.uid AND NOT o.consumed) AS operation
    FROM hosts h WHERE h.uid = ${uid}`,
  );
  return row === undefined ? undefined : toHostRows(row);
}

function toHostRows(row: z.infer<typeof hostRow>): HostRows {
  const power =
    row.power_on === null || row.power_at === null
      ? undefined
      : { on: row.power_on, atMs: row.power_at };
  return {
    host: {
      uid: row.uid,
      cluster: row.cluster,
      namespace: row.namespace,
      name: row.name,
      version: row.version,
      object: row.object,
      deleted: row.deleted,
      site: row.site ?? undefined,
      memory: row.memory ?? undefined,
      power,
      bmcProblem: row.bmc_problem ?? undefined,
    },
    feedsComplete: row.feeds_complete,
    hardware: row.hardware ?? undefined,
    namespaceKnown: row.namespace_known,
    namespaceAnnotations: row.annotations ?? {},
    secrets: row.secrets,
    operation: row.operation ?? undefined,
    clusterLink: row.link ?? undefined,
    elders: row.elders.map((elder) => ({ ...elder, site: elder.site ?? undefined })),
    sites: row.sites.map(({ name, lastSeenMs }) => ({ name, lastSeenMs: lastSeenMs ?? undefined })),
  };
}
