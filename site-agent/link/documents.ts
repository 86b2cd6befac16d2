// The stored host documents: level-triggered, newest revision wins, stored before acknowledged. A removed
// document leaves its revision behind, so that an older one cannot come back.
import { hostDocument, type HostDocument } from "../../shared/protocol/host-document.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import type { AgentDatabase, Crypto, SqlValue } from "../ports.ts";
import { toHex } from "../../shared/bytes.ts";

export interface Documents {
  /** "old": a newer one is stored, drop this. "conflict": same revision, other content: protocol error. */
  store(document: HostDocument): Result<void, "old" | "conflict">;
  remove(hostUid: string, revision: number): Result<void, "old">;
  /** As if there had never been one: the control plane may begin anew. */
  forget(hostUid: string): void;
  get(hostUid: string): HostDocument | undefined;
  /** Tells each that is stored from now on, until the answer is called. */
  follow(told: (document: HostDocument) => void): () => void;
  all(): readonly HostDocument[];
  /** SHA-256 over the sorted "hostUid revision hash" lines, hex. */
  digest(): string;
}

export function makeDocuments(database: AgentDatabase, crypto: Crypto): Documents {
  const newest = (hostUid: string) => newestOf(database, hostUid);
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
  const read = makeReader();
  const followers = new Set<(document: HostDocument) => void>();
  const all = () =>
    database
      .all(
        "SELECT host_uid, revision, hash, spec FROM documents WHERE spec IS NOT NULL ORDER BY host_uid",
      )
      .flatMap((row) => read(rowOf(row)) ?? []);

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
      for (const told of followers) told(document);
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
    forget(hostUid) {
      database.run("DELETE FROM documents WHERE host_uid = ?", hostUid);
    },
    get(hostUid) {
      const stored = newest(hostUid);
      return stored === undefined ? undefined : read(stored);
    },
    follow(told) {
      followers.add(told);
      return () => void followers.delete(told);
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

interface Row {
  readonly hostUid: string;
  readonly revision: number;
  readonly hash: string;
  /** null: removed. */
  readonly spec: string | null;
}

function newestOf(database: AgentDatabase, hostUid: string): Row | undefined {
  const [row] = database.all(
    "SELECT host_uid, revision, hash, spec FROM documents WHERE host_uid = ?",
    hostUid,
  );
  return row === undefined ? undefined : rowOf(row);
}

function rowOf(row: Readonly<Record<string, SqlValue>>): Row {
  const { host_uid: hostUid, revision, hash, spec } = row;
  return {
    hostUid: String(hostUid),
    revision: Number(revision),
    hash: String(hash),
    spec: typeof spec === "string" ? spec : null,
  };
}

/** Each fence and each look at the power asks, and few rows have changed since the last time. */
function makeReader(): (row: Row) => HostDocument | undefined {
  const known = new Map<string, { readonly row: Row; readonly document: HostDocument }>();
  return (row) => {
    const last = known.get(row.hostUid);
    if (last !== undefined && isSameRow(last.row, row)) return last.document;
    const document = parse(row);
    if (document === undefined) known.delete(row.hostUid);
    else known.set(row.hostUid, { row, document });
    return document;
  };
}

function isSameRow(one: Row, other: Row): boolean {
  return one.revision === other.revision && one.hash === other.hash && one.spec === other.spec;
}

/** A row that no longer fits the schema is as good as none: the control plane sends it again. */
function parse({ spec, ...row }: Row): HostDocument | undefined {
  if (spec === null) return undefined;
  return hostDocument.safeParse({ ...row, spec: JSON.parse(spec) as unknown }).data;
}
