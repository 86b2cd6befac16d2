// Parts of reads about what surrounds a host `h` (columns cluster, namespace, name).
import { sql } from "drizzle-orm";
import { z } from "zod";

export const hardwareSql = sql.raw(`(SELECT o.object FROM objects o
       WHERE o.cluster = h.cluster AND o.resource = 'hardwaredata'
         AND o.namespace = h.namespace AND o.name = h.name
       ORDER BY o.resource_version DESC LIMIT 1)`);

export const annotationsSql = sql.raw(`(SELECT o.object->'metadata'->'annotations' FROM objects o
       WHERE o.cluster = h.cluster AND o.resource = 'namespaces' AND o.name = h.namespace
       ORDER BY o.resource_version DESC LIMIT 1)`);

/** All sites, with the last sign of life of the link that holds their lease. */
export const sitesSql = sql.raw(`(SELECT coalesce(jsonb_agg(jsonb_build_object(
         'name', s.name, 'lastSeenMs', l.seen_at) ORDER BY s.name), '[]')
       FROM sites s LEFT JOIN links l ON l.name = 'site:' || s.name)`);
export const sitesSchema = z.array(
  z.object({ name: z.string(), lastSeenMs: z.number().nullable() }),
);
