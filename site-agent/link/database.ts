// The agent's own tables: host documents, the operation journal, the ring of observations, settings.
// A returned write is on disk (SQLite, WAL, synchronous=FULL), so "stored before acknowledged" is one call.
import type { AgentDatabase } from "../ports.ts";

const schemaVersion = 1;

/** Creates the tables; refuses a file that a newer agent wrote. Throws with the way out. */
export function prepareDatabase(database: AgentDatabase): void {
  const [row] = database.all("PRAGMA user_version");
  const version = Number(row?.["user_version"] ?? 0);
  if (version > schemaVersion) {
    throw new Error(
      `The state database has version ${version}, this agent knows ${schemaVersion}. Install the newer agent again, or start with an empty state directory (the site must then be enrolled anew).`,
    );
  }
  database.execute(`
    CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS documents (
      host_uid TEXT PRIMARY KEY, revision INTEGER NOT NULL, hash TEXT NOT NULL, spec TEXT
    ) STRICT;
    CREATE TABLE IF NOT EXISTS operations (
      id TEXT PRIMARY KEY, host_uid TEXT NOT NULL, body TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('accepted', 'started', 'destroying', 'finished')),
      outcome TEXT
    ) STRICT;
    CREATE INDEX IF NOT EXISTS operations_of_host ON operations (host_uid);
    CREATE TABLE IF NOT EXISTS observations (
      boot_id TEXT NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL, body TEXT NOT NULL,
      PRIMARY KEY (boot_id, seq)
    ) STRICT;
    PRAGMA user_version = ${schemaVersion};
  `);
}

export function readSetting(database: AgentDatabase, key: string): string | undefined {
  const [row] = database.all("SELECT value FROM settings WHERE key = ?", key);
  return row === undefined ? undefined : String(row["value"]);
}

const setSetting =
  "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";

export function writeSetting(database: AgentDatabase, key: string, value: string): void {
  database.run(setSetting, key, value);
}

/** On disk with the next write that is. */
export function noteSetting(database: AgentDatabase, key: string, value: string): void {
  database.note(setSetting, key, value);
}
