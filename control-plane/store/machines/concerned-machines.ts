// Which rows of the machine side a changed object of cluster-api core is about: those whose snapshot has it.
import { sql, type SQL } from "drizzle-orm";
import {
  clonedFromKind,
  clonedFromName,
  templateKind,
} from "../../../shared/capm3/v1beta2/metal3-machine-template.ts";
import type { ObjectResource } from "../hosts/apply-object-feed.ts";
import { joinMachinesOf, lookedAt } from "./wake-machines.ts";

/** The name of the Cluster that owns the row `m`, a Metal3Cluster. */
export const clusterNameSql = sql.raw(`(jsonb_path_query_first(m.object,
      '$.metadata.ownerReferences[*] ? (@.kind == "Cluster").name') #>> '{}')`);

const isAnother = sql`${lookedAt("c.object")} <> ${lookedAt("c.before")}`;

/** Queries of uids over the CTE `changed` of apply-object-feed, each with UNION ALL behind it. */
export function concernedMachines(cluster: string, resource: ObjectResource): SQL {
  if (resource === "machines.cluster.x-k8s.io") return ofChangedMachines(cluster);
  if (resource === "metal3machinetemplates") return ofChangedTemplates(cluster);
  return resource === "clusters.cluster.x-k8s.io" ? ofChangedClusters(cluster) : sql``;
}

/** A Metal3Cluster counts the Machines of its Cluster: it is woken when one comes or goes. */
function ofChangedMachines(cluster: string): SQL {
  return sql`
    SELECT m.uid FROM changed c JOIN machines m ON m.cluster = ${cluster} AND m.owner_uid = c.uid
    WHERE ${isAnother}
    UNION ALL
    SELECT m.uid FROM changed c JOIN machines m
      ON m.cluster = ${cluster} AND m.resource = 'metal3clusters' AND m.namespace = c.namespace
        AND ${clusterNameSql} = coalesce(c.object, c.before)->'spec'->>'clusterName'
    WHERE c.object IS NULL OR c.before IS NULL
    UNION ALL`;
}

/** The name of the template that the Metal3Machine `m` was made from. */
export const templateNameSql = sql.raw(`(CASE
      WHEN m.object->'metadata'->'annotations'->>'${clonedFromKind}' = '${templateKind}'
      THEN m.object->'metadata'->'annotations'->>'${clonedFromName}' END)`);

function ofChangedTemplates(cluster: string): SQL {
  return sql`
    SELECT m.uid FROM changed c JOIN machines m
      ON m.cluster = ${cluster} AND m.resource = 'metal3machines' AND m.namespace = c.namespace
        AND ${templateNameSql} = c.name
    WHERE ${isAnother}
    UNION ALL`;
}

function ofChangedClusters(cluster: string): SQL {
  return sql`
    SELECT m.uid FROM changed c JOIN machines m ON m.cluster = ${cluster} AND m.owner_uid = c.uid
    WHERE ${isAnother}
    UNION ALL
    SELECT m.uid FROM changed c ${joinMachinesOf(cluster)} WHERE ${isAnother}
    UNION ALL`;
}
