// Parts of reads about what surrounds a host `h` (columns cluster, namespace, name).
import { sql } from "drizzle-orm";
import { z } from "zod";

export const hardwareSql = sql.raw(`(SELECT o.object FROM objects o
       WHERE o.cluster = h.cluster AND o.resource = 'hardwaredata'
         AND o.namespace = h.namespace AND o.name = h.name
       ORDER BY o.resource_version DESC LIMIT 1)`);

/** Of the namespace of the row with that name. */
const annotationsOf = (host: string): string =>
  `(SELECT o.object->'metadata'->'annotations' FROM objects o
       WHERE o.cluster = ${host}.cluster AND o.resource = 'namespaces' AND o.name = ${host}.namespace
       ORDER BY o.resource_version DESC LIMIT 1)`;
export const annotationsSql = sql.raw(annotationsOf("h"));

const holdsNothing = "('', 'unmanaged', 'registering', 'deleting')";

/** Where `h` holds nothing, hosts that show that they do, and are not adopted yet: one of them may hold its machine. */
export const eldersSql = sql.raw(`(SELECT coalesce(jsonb_agg(jsonb_build_object(
         'cluster', e.cluster, 'namespace', e.namespace, 'name', e.name, 'site', e.site,
         'labels', coalesce(e.object #> '{metadata,labels}', '{}'),
         'namespaceAnnotations', coalesce(${annotationsOf("e")}, '{}'),
         'bmcAddress', coalesce(e.object #>> '{spec,bmc,address}', ''),
         'bootMACAddress', coalesce(e.object #>> '{spec,bootMACAddress}', '')) ORDER BY e.uid COLLATE "C"), '[]')
       FROM hosts e
       WHERE coalesce(h.provisioning_state, h.object #>> '{status,provisioning,state}', '') IN ${holdsNothing}
         AND e.memory IS NULL AND NOT e.deleted AND e.uid <> h.uid
         AND coalesce(e.object #>> '{status,provisioning,state}', '') NOT IN ${holdsNothing})`);
export const eldersSchema = z.array(
  z.object({
    cluster: z.string(),
    namespace: z.string(),
    name: z.string(),
    site: z.string().nullable(),
    labels: z.record(z.string(), z.string()),
    namespaceAnnotations: z.record(z.string(), z.string()),
    bmcAddress: z.string(),
    bootMACAddress: z.string(),
  }),
);

/** All sites, with the last sign of life of the link that holds their lease. */
export const sitesSql = sql.raw(`(SELECT coalesce(jsonb_agg(jsonb_build_object(
         'name', s.name, 'lastSeenMs', l.seen_at) ORDER BY s.name), '[]')
       FROM sites s LEFT JOIN links l ON l.name = 'site:' || s.name)`);
export const sitesSchema = z.array(
  z.object({ name: z.string(), lastSeenMs: z.number().nullable() }),
);
