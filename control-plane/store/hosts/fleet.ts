// Two reads for admission: what surrounds a host that may not be stored yet, and who holds what it would claim.
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Claim } from "../../../shared/host/decision.ts";
import { hostMemory } from "../../../shared/host/snapshot.ts";
import { secretFact } from "../../../shared/protocol/facts/secret-fact.ts";
import type { Claimant, FleetStore, Surroundings } from "../../ports.ts";
import { readRow, readRows, type Database } from "../database.ts";
import { jsonText } from "../json-text.ts";
import { annotationsSql, hardwareSql, sitesSchema, sitesSql } from "./surroundings-sql.ts";

const surroundingsRow = z.object({
  annotations: z.record(z.string(), z.string()).nullable(),
  site: z.string().nullable(),
  sites: sitesSchema,
  hardware: z.unknown(),
  memory: hostMemory.nullable(),
  secrets: z.array(secretFact),
});

export async function surroundings(
  database: Database,
  host: Parameters<FleetStore["surroundings"]>[0],
): Promise<Surroundings> {
  const row = await readRow(
    database,
    surroundingsRow,
    sql`
    SELECT ${annotationsSql} AS annotations, ${sitesSql} AS sites, ${hardwareSql} AS hardware,
      (SELECT s.site FROM hosts s WHERE s.uid = ${host.uid ?? null} AND s.cluster = h.cluster) AS site,
      (SELECT s.memory FROM hosts s WHERE s.uid = ${host.uid ?? null} AND s.cluster = h.cluster) AS memory,
      (SELECT coalesce(jsonb_agg(f.fact), '[]') FROM secret_facts f JOIN hosts s ON s.uid = f.host_uid
       WHERE s.uid = ${host.uid ?? null} AND s.cluster = h.cluster) AS secrets
    FROM (SELECT ${host.cluster}::text AS cluster, ${host.namespace}::text AS namespace,
      ${host.name}::text AS name) h`,
  );
  return {
    namespaceAnnotations: row.annotations ?? {},
    site: row.site ?? undefined,
    sites: row.sites.map(({ name, lastSeenMs }) => ({ name, lastSeenMs: lastSeenMs ?? undefined })),
    secrets: row.secrets,
    memory: row.memory ?? undefined,
    hardware: row.hardware ?? undefined,
  };
}

const claimantRow = z.object({
  kind: z.enum(["bmc", "mac"]),
  value: z.string(),
  cluster: z.string(),
  namespace: z.string(),
  name: z.string(),
});

export async function claimants(
  database: Database,
  site: string,
  claims: readonly Claim[],
  exceptUid: string | undefined,
): Promise<readonly Claimant[]> {
  const rows = await readRows(
    database,
    claimantRow,
    sql`
    SELECT c.kind, c.value, h.cluster, h.namespace, h.name
    FROM jsonb_to_recordset(${jsonText(claims)}::jsonb) AS w(kind text, value text)
      JOIN claims c ON c.site = ${site} AND c.kind = w.kind AND c.value = w.value
      JOIN hosts h ON h.uid = c.host_uid
    WHERE h.uid IS DISTINCT FROM ${exceptUid ?? null}
    ORDER BY c.kind, c.value`,
  );
  return rows.map(({ kind, value, ...host }) => ({ claim: { kind, value }, ...host }));
}
