// Which secret facts of a cluster's hosts are stored: what their link is told at its welcome.
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { FactName } from "../../../shared/protocol/facts/facts-digest.ts";
import { secretPurpose } from "../../../shared/protocol/facts/sealed-secret.ts";
import { readRows, type Database } from "../database.ts";

const factName = z.object({
  hostUid: z.string(),
  purpose: secretPurpose,
  digest: z.string().nullable(),
});

export async function knownFacts(
  database: Database,
  cluster: string,
): Promise<readonly FactName[]> {
  const rows = await readRows(
    database,
    factName,
    sql`
    SELECT f.host_uid AS "hostUid", f.purpose, f.fact->>'digest' AS digest
    FROM secret_facts f JOIN hosts h ON h.uid = f.host_uid WHERE h.cluster = ${cluster}`,
  );
  return rows.map(({ digest, ...name }) => ({ ...name, digest: digest ?? undefined }));
}
