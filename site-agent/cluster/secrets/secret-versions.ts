// Versions of Secrets that this program has made by a label, and that hold what the one before held: told as that one, so
// that no BMC is logged in to for a label. Holds no content.
import type { AgentDatabase } from "../../ports.ts";

/** A Secret's version, and the one that another label made of it. */
export interface Relabelled {
  readonly uid: string;
  readonly from: string;
  readonly to: string;
}

export interface SecretVersions {
  relabelled(change: Relabelled): void;
  /** The version by which the content of this one is known. */
  contentOf(uid: string, version: string): string;
  forget(uid: string): void;
}

export function makeSecretVersions(database: AgentDatabase): SecretVersions {
  database.execute(
    "CREATE TABLE IF NOT EXISTS relabelled_secrets (uid TEXT PRIMARY KEY, version TEXT NOT NULL, content TEXT NOT NULL) STRICT",
  );
  const contentOf = (uid: string, version: string): string => {
    const [row] = database.all(
      "SELECT content FROM relabelled_secrets WHERE uid = ? AND version = ?",
      uid,
      version,
    );
    return row === undefined ? version : String(row["content"]);
  };
  return {
    contentOf,
    // Lost with the power, it costs one login.
    relabelled: ({ uid, from, to }) =>
      database.note(
        "INSERT INTO relabelled_secrets (uid, version, content) VALUES (?, ?, ?) ON CONFLICT (uid) DO UPDATE SET version = excluded.version, content = excluded.content",
        uid,
        to,
        contentOf(uid, from),
      ),
    forget: (uid) => database.note("DELETE FROM relabelled_secrets WHERE uid = ?", uid),
  };
}
