// Removes history that nobody will ask for: old operations that decisions have taken in, and dead tokens.
import { sql, type SQL } from "drizzle-orm";

const dayMs = 24 * 3600 * 1000;
const keepOperationsMs = 30 * dayMs;
/** A used token tells the same agent's repetition from somebody else's; later than that nobody repeats. */
const keepTokensMs = 7 * dayMs;

export function prune(nowMs: number): SQL {
  return sql`
  WITH operations_gone AS (
    DELETE FROM operations WHERE consumed AND created_at < ${nowMs - keepOperationsMs}::bigint
  )
  DELETE FROM tokens WHERE expires_at < ${nowMs - keepTokensMs}::bigint`;
}
