// The stored host documents: level-triggered, newest revision wins, stored before acknowledged. A removed
// document leaves its revision behind, so that an older one cannot come back.
import { hostDocument, type HostDocument } from "../../shared/protocol/host-document.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import type { AgentDatabase, Crypto } from "../ports.ts";
import { toHex } from "../../shared/bytes.ts";

export interface Documents {
  /** "old": a newer one is stored, drop this. "conflict": same revision, other content: protocol error. */
  store(document: HostDocument): Result<void, "old" | "conflict">;
  remove(hostUid: string, revision: number): Result<void, "old">;
  get(hostUid: string): HostDocument | undefined;
  all(): readonly HostDocument[];
  /** SHA-256 over the sorted "hostUid revision hash" lines, hex. */
  digest(): string;
}

export function makeDocuments(database: AgentDatabase, crypto: Crypto): Documents {
  const newest = (hostUid: string) => {
    const [row] = database.all(
      "SELECT revision, hash, spec FROM documents WHERE host_uid = ?",
      hostUid,
    );
    return row === undefined
      ? undefined
      : { revision: Number(row["revision"]), hash: String(row["hash"]), spec: row["spec"] };
  };
  const put = (hostUid: string, revision: number, hash: string, spec: string | null) =>
    database.run(
      `INSERT INTO documents (host_uid, revision, hash, spec) VALUES (?, ?, ?, ?)
       ON CONFLICT (host_uid) DO UPDATE SET
         revision = excluded.revision, hash = excluded.hash, spec = excluded.spec`,
      hostUid,
      revision,
      hash,
      spec,
    );
  const all = () =>
    database
      .all(
        "SELECT host_uid, revision, hash, spec FROM documents WHERE spec IS NOT NULL ORDER BY host_uid",
      )
      .flatMap((row) => parse(row["host_uid"], row["revision"], row["hash"], row["spec"]) ?? []);

  return {
    store(document) {
      const stored = newest(document.hostUid);
      if (stored !== undefined && stored.revision > document.revision) {
        return err(
          "old",
          `revision ${document.revision} is older than the stored ${stored.revision}`,
        );
      }
      if (stored?.revision === document.revision && stored.hash !== document.hash) {
        return err("conflict", `revision ${document.revision} was stored with another content`);
      }
      put(document.hostUid, document.revision, document.hash, JSON.stringify(document.spec));
      return ok(undefined);
    },
    remove(hostUid, revision) {
      const stored = newest(hostUid);
      if (stored !== undefined && stored.revision > revision) {
        return err("old", `revision ${revision} is older than the stored ${stored.revision}`);
      }
      put(hostUid, revision, "", null);
      return ok(undefined);
    },
    get(hostUid) {
      const stored = newest(hostUid);
      return stored === undefined
        ? undefined
        : parse(hostUid, stored.revision, stored.hash, stored.spec);
    },
    all,
    digest: () => digestOf(all(), crypto),
  };
}

function digestOf(documents: readonly HostDocument[], crypto: Crypto): string {
  const hash = crypto.hash("sha256");
  const encoder = new TextEncoder();
  for (const { hostUid, revision, hash: content } of documents) {
    hash.update(encoder.encode(`${hostUid} ${revision} ${content}\n`));
  }
  return toHex(hash.digest());
}

/** A row that no longer fits the schema is as good as none: the control plane sends it again. */
function parse(
  hostUid: unknown,
  revision: unknown,
  hash: unknown,
  spec: unknown,
): HostDocument | undefined {
  if (typeof spec !== "string") return undefined;
  const parsed = hostDocument.safeParse({
    hostUid,
    revision: Number(revision),
    hash,
    spec: JSON.parse(spec),
  });
  return parsed.success ? parsed.data : undefined;
}
