// One statement: a row of the machine side that has nothing to wait for.
import { sql, type SQL } from "drizzle-orm";

export function restMachine(uid: string, version: number): SQL {
  return sql`UPDATE machines SET wake_at = NULL WHERE uid = ${uid} AND version = ${version}::bigint`;
}
