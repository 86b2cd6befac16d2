// Reads for operators: what there is, and how far it is.
import { sql } from "drizzle-orm";
import { z } from "zod";
import { operationView } from "../../../shared/host/snapshot.ts";
import type { AdminStore, ListedAgent, ListedHost, ListedOperation } from "../../ports.ts";
import { readRows, type Database } from "../database.ts";
import { operationViewSql } from "../hosts/load-host.ts";

const seen = z.object({ name: z.string(), lastSeenMs: z.coerce.number().nullable() });
type Seen = z.infer<typeof seen>;

export async function listClusters(database: Database): Promise<readonly Seen[]> {
  return await readRows(
    database,
    seen,
    sql`SELECT c.name, l.seen_at AS "lastSeenMs"
        FROM clusters c LEFT JOIN links l ON l.name = 'cluster:' || c.name ORDER BY c.name`,
  );
}

export async function listSites(database: Database): Promise<readonly Seen[]> {
  return await readRows(
    database,
    seen,
    sql`SELECT s.name, l.seen_at AS "lastSeenMs"
        FROM sites s LEFT JOIN links l ON l.name = 'site:' || s.name ORDER BY s.name`,
  );
}

const listedAgent = z.object({
  id: z.string(),
  state: z.enum(["pending", "approved", "revoked", "suspended"]),
  site: z.string().nullable(),
  cluster: z.string().nullable(),
  hostname: z.string(),
  programVersion: z.string(),
  sealingFingerprint: z.string(),
  lastSeenMs: z.coerce.number().nullable(),
  holds: z.array(z.string()),
});

export async function listAgents(database: Database): Promise<readonly ListedAgent[]> {
  return await readRows(
    database,
    listedAgent,
    sql`
    SELECT a.id, a.state, a.site, a.cluster, a.hostname,
      coalesce(s.program_version, a.program_version) AS "programVersion",
      a.sealing_fingerprint AS "sealingFingerprint", s.seen_at AS "lastSeenMs",
      (SELECT coalesce(json_agg(l.name ORDER BY l.name), '[]')
       FROM links l WHERE l.agent_id = a.id) AS holds
    FROM agents a LEFT JOIN sessions s ON s.agent_id = a.id
    ORDER BY a.enrolled_at, a.id`,
  );
}

const listedHost = z.object({
  uid: z.string(),
  cluster: z.string(),
  namespace: z.string(),
  name: z.string(),
  site: z.string().nullable(),
  state: z.string().nullable(),
  operationalStatus: z.string().nullable(),
  errorMessage: z.string().nullable(),
  poweredOn: z.boolean().nullable(),
  wakeAtMs: z.coerce.number().nullable(),
  operation: operationView.nullable(),
});

export async function listHosts(
  database: Database,
  filter: Parameters<AdminStore["listHosts"]>[0],
): Promise<readonly ListedHost[]> {
  return await readRows(
    database,
    listedHost,
    sql`
    SELECT h.uid, h.cluster, h.namespace, h.name, h.site,
      h.memory->'status'->'provisioning'->>'state' AS state,
      h.memory->'status'->>'operationalStatus' AS "operationalStatus",
      h.memory->'status'->>'errorMessage' AS "errorMessage",
      coalesce(h.power_on, (h.memory->'status'->>'poweredOn')::boolean) AS "poweredOn",
      h.wake_at AS "wakeAtMs",
      (SELECT ${operationViewSql} FROM operations o
       WHERE o.host_uid = h.uid ORDER BY o.created_at DESC LIMIT 1) AS operation
    FROM hosts h
    WHERE (${filter.cluster ?? null}::text IS NULL OR h.cluster = ${filter.cluster ?? null})
      AND (${filter.site ?? null}::text IS NULL OR h.site = ${filter.site ?? null})
      AND (${filter.afterUid ?? null}::text IS NULL OR (h.cluster, h.namespace, h.name, h.uid) > (
        SELECT a.cluster, a.namespace, a.name, a.uid FROM hosts a WHERE a.uid = ${filter.afterUid ?? null}))
    ORDER BY h.cluster, h.namespace, h.name, h.uid
    LIMIT 1000`,
  );
}

const listedOperation = z.object({
  cluster: z.string(),
  namespace: z.string(),
  name: z.string(),
  site: z.string(),
  consumed: z.boolean(),
  operation: operationView,
});

export async function listOperations(
  database: Database,
  filter: Parameters<AdminStore["listOperations"]>[0],
): Promise<readonly ListedOperation[]> {
  return await readRows(
    database,
    listedOperation,
    sql`
    SELECT h.cluster, h.namespace, h.name, o.site, o.consumed, ${operationViewSql} AS operation
    FROM operations o JOIN hosts h ON h.uid = o.host_uid
    WHERE (${filter.hostUid ?? null}::text IS NULL OR o.host_uid = ${filter.hostUid ?? null})
      AND (NOT ${filter.openOnly}::boolean OR NOT o.consumed)
    ORDER BY o.created_at DESC, o.id DESC
    LIMIT 1000`,
  );
}
