// One statement: everything that a snapshot of one object of the machine side is made of.
import { sql } from "drizzle-orm";
import { z } from "zod";
import { flavours } from "../../../shared/machine/flavour.ts";
import { machineMemory } from "../../../shared/machine/snapshot.ts";
import { neededFeeds } from "../../../shared/protocol/needed-feeds.table.ts";
import { autoscaleAnnotation } from "../../../shared/openshift/annotations.ts";
import { nodeFact } from "../../../shared/protocol/facts/node-fact.ts";
import { providerResource } from "../../../shared/protocol/write-back.ts";
import type { MachineRows } from "../../ports.ts";
import { readRows, type Database } from "../database.ts";
import { jsonText } from "../json-text.ts";
import { feedObject } from "../hosts/load-host.ts";
import { sitesSchema, sitesSql } from "../hosts/surroundings-sql.ts";
import { clusterNameSql, templateNameSql } from "./concerned-machines.ts";
import { hostBriefSql, hostViewSchema, hostViewSql } from "./host-view-sql.ts";
import { takesHosts } from "./wake-machines.ts";

const machineRow = z.object({
  uid: z.string(),
  cluster: z.string(),
  resource: providerResource,
  namespace: z.string(),
  name: z.string(),
  version: z.coerce.number(),
  object: feedObject,
  deleted: z.boolean(),
  memory: machineMemory.nullable(),
  node: nodeFact.nullable(),
  host_uid: z.string().nullable(),
  feeds_complete: z.boolean(),
  owner: z.unknown(),
  core_cluster: z.unknown(),
  metal3_cluster: z.unknown(),
  template: z.unknown(),
  machines: z.array(z.string()),
  members: z.array(z.object({ object: z.unknown(), node: nodeFact.nullable() })),
  hosts: z.array(hostViewSchema),
  sites: sitesSchema,
});

export async function loadMachine(
  database: Database,
  uid: string,
): Promise<MachineRows | undefined> {
  const [row] = await readRows(
    database,
    machineRow,
    sql`
    SELECT m.uid, m.cluster, m.resource, m.namespace, m.name, m.version, m.object, m.deleted,
      m.memory, m.node, claimed.uid AS host_uid,
      NOT EXISTS (SELECT FROM feeds f WHERE f.cluster = m.cluster AND f.cursor = '')
        AND NOT EXISTS (
          SELECT FROM jsonb_array_elements_text(${jsonText(neededFeeds)}::jsonb->m.resource) n(resource)
          WHERE NOT EXISTS (SELECT FROM machine_feeds f
            WHERE f.cluster = m.cluster AND f.resource = n.resource AND f.cursor <> '')
        ) AS feeds_complete,
      owner.object AS owner, core.object AS core_cluster, ${metal3ClusterSql} AS metal3_cluster,
      ${templateSql} AS template, ${machineNamesSql} AS machines, ${membersSql} AS members,
      ${hostsSql} AS hosts, ${sitesSql} AS sites
    FROM machines m
      LEFT JOIN hosts claimed ON claimed.machine_uid = m.uid
      LEFT JOIN objects owner ON m.resource = 'metal3machines' AND owner.cluster = m.cluster
        AND owner.resource = 'machines.cluster.x-k8s.io' AND owner.uid = m.owner_uid
      LEFT JOIN LATERAL (${coreClusterSql}) core ON true
    WHERE m.uid = ${uid}`,
  );
  return row === undefined ? undefined : toMachineRows(row);
}

/** The newest, as each time where an object is looked up by its name: a new one may come before the end of the old. */
const coreClusterSql = sql.raw(`
        (SELECT o.object FROM objects o
         WHERE o.cluster = m.cluster AND o.resource = 'clusters.cluster.x-k8s.io'
           AND o.namespace = m.namespace AND o.name = owner.object->'spec'->>'clusterName'
         ORDER BY o.resource_version DESC LIMIT 1)
        UNION ALL
        SELECT o.object FROM objects o
        WHERE m.resource = 'metal3clusters' AND o.cluster = m.cluster
          AND o.resource = 'clusters.cluster.x-k8s.io' AND o.uid = m.owner_uid`);

const metal3ClusterSql = sql.raw(`(SELECT k.object FROM machines k
       WHERE m.resource = 'metal3machines' AND NOT k.deleted
         AND k.cluster = m.cluster AND k.resource = 'metal3clusters' AND k.namespace = m.namespace
         AND core.object->'spec'->'infrastructureRef'->>'kind' = 'Metal3Cluster'
         AND k.name = core.object->'spec'->'infrastructureRef'->>'name'
       ORDER BY k.resource_version DESC LIMIT 1)`);

const templateSql = sql`(SELECT o.object FROM objects o
       WHERE m.resource = 'metal3machines' AND o.cluster = m.cluster
         AND o.resource = 'metal3machinetemplates' AND o.namespace = m.namespace
         AND o.name = ${templateNameSql}
       ORDER BY o.resource_version DESC LIMIT 1)`;

const machineNamesSql = sql`(SELECT coalesce(jsonb_agg(o.name ORDER BY o.name), '[]') FROM objects o
       WHERE m.resource = 'metal3clusters' AND o.cluster = m.cluster
         AND o.resource = 'machines.cluster.x-k8s.io' AND o.namespace = m.namespace
         AND o.object->'spec'->>'clusterName' = ${clusterNameSql})`;

/** Less what only the API server reads. */
const membersSql = sql.raw(`(SELECT coalesce(json_agg(json_build_object(
         'object', json_build_object('metadata', k.object->'metadata' #- '{managedFields}', 'status', k.object->'status'),
         'node', k.node) ORDER BY k.name, k.uid), '[]')
       FROM machines k
       WHERE m.resource = 'machinesets.machine.openshift.io' AND NOT k.deleted AND k.cluster = m.cluster
         AND k.resource = 'machines.machine.openshift.io' AND k.namespace = m.namespace)`);

const followsHosts = sql.raw(`(m.resource = 'machinesets.machine.openshift.io'
           AND m.object->'metadata'->'annotations'->'${autoscaleAnnotation}' IS NOT NULL)`);
/** All hosts of the namespace are read only where one of them may be taken: that is most of the work. */
const mayTakeSql = sql`(m.resource <> 'metal3machines'
           OR m.object->'metadata'->'finalizers' @> ${jsonText([flavours.metal3machines.finalizer])}::jsonb
           AND (owner.uid IS NOT NULL OR m.object->'metadata'->'deletionTimestamp' IS NOT NULL))`;

const hostsSql = sql`(SELECT coalesce(json_agg(host ORDER BY name, uid), '[]') FROM (
         ${hostViewSql("hosts")} WHERE v.uid = claimed.uid
         UNION ALL
         ${hostBriefSql} WHERE claimed.uid IS NULL AND (${takesHosts} OR ${followsHosts})
           AND ${mayTakeSql} AND v.cluster = m.cluster AND v.namespace = m.namespace) hosts)`;

function toMachineRows(row: z.infer<typeof machineRow>): MachineRows {
  return {
    machine: {
      uid: row.uid,
      cluster: row.cluster,
      resource: row.resource,
      namespace: row.namespace,
      name: row.name,
      version: row.version,
      object: row.object,
      deleted: row.deleted,
      memory: row.memory ?? undefined,
      hostUid: row.host_uid ?? undefined,
      node: row.node ?? undefined,
    },
    feedsComplete: row.feeds_complete,
    owner: row.owner ?? undefined,
    coreCluster: row.core_cluster ?? undefined,
    metal3Cluster: row.metal3_cluster ?? undefined,
    template: row.template ?? undefined,
    machines: row.machines,
    members: row.members.map(({ object, node }) => ({ object, node: node ?? undefined })),
    hosts: row.hosts,
    sites: row.sites.map(({ name, lastSeenMs }) => ({ name, lastSeenMs: lastSeenMs ?? undefined })),
  };
}
