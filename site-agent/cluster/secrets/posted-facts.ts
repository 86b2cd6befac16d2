// Which secret facts the control plane has, by digest: so that each is posted once and again when it changes. Holds
// no content.
import { toHex } from "../../../shared/bytes.ts";
import { secretPurpose, type SecretPurpose } from "../../../shared/protocol/facts/sealed-secret.ts";
import type { FactName } from "../../../shared/protocol/facts/facts-digest.ts";
import type { SecretFact } from "../../../shared/protocol/facts/secret-fact.ts";
import type { AgentDatabase, Crypto } from "../../ports.ts";

/** A fact to post, with what it is remembered by. */
export type FreshFact = SecretFact & { readonly digest: string };

export interface PostedFacts {
  /** @param sealedFor what else the sealed text depends on: site, key, address */
  isNew(fact: SecretFact, sealedFor: readonly string[]): boolean;
  fresh(fact: SecretFact, sealedFor: readonly string[]): FreshFact;
  /** They are posted now: until they are remembered the control plane may have these facts or earlier ones. */
  doubt(fresh: readonly FreshFact[]): void;
  /** They were stored. What was forgotten meanwhile stays so: who forgot it may have lost it after the answer. */
  remember(fresh: readonly FreshFact[]): void;
  /** That the control plane has, as it said. */
  all(): readonly FactName[];
  purposesOf(hostUid: string): readonly SecretPurpose[];
  /** Forgets hosts that are not among these. */
  keepOnly(hostUids: ReadonlySet<string>): void;
  /** The control plane has lost them, or asks for everything. */
  forgetAll(): void;
}

/** Digest of none. */
const unknown = "";

const setFact =
  "INSERT INTO posted_facts (host_uid, purpose, digest) VALUES (?, ?, ?) ON CONFLICT (host_uid, purpose) DO UPDATE SET digest = excluded.digest";

export function makePostedFacts(database: AgentDatabase, crypto: Crypto): PostedFacts {
  database.execute(
    "CREATE TABLE IF NOT EXISTS posted_facts (host_uid TEXT, purpose TEXT, digest TEXT NOT NULL, PRIMARY KEY (host_uid, purpose)) STRICT",
  );
  /** Without the sealed text, which differs at every sealing. */
  const digestOf = (
    { sealed: _sealed, digest: _digest, ...rest }: SecretFact,
    sealedFor: readonly string[],
  ) => {
    const hash = crypto.hash("sha256");
    hash.update(new TextEncoder().encode(JSON.stringify([rest, sealedFor])));
    return toHex(hash.digest());
  };
  const hostsOf = () =>
    database
      .all("SELECT DISTINCT host_uid FROM posted_facts")
      .map((row) => String(row["host_uid"]));
  return {
    isNew(fact, sealedFor) {
      const [row] = database.all(
        "SELECT digest FROM posted_facts WHERE host_uid = ? AND purpose = ?",
        fact.hostUid,
        fact.purpose,
      );
      return row?.["digest"] !== digestOf(fact, sealedFor);
    },
    fresh: (fact, sealedFor) => ({ ...fact, digest: digestOf(fact, sealedFor) }),
    doubt: (facts) =>
      database.transaction(() => {
        for (const { hostUid, purpose } of facts) database.run(setFact, hostUid, purpose, unknown);
      }),
    remember: (facts) =>
      database.transaction(() => {
        for (const { hostUid, purpose, name, digest } of facts) {
          const where = "WHERE host_uid = ? AND purpose = ?";
          if (name === "") database.run(`DELETE FROM posted_facts ${where}`, hostUid, purpose);
          else
            database.run(`UPDATE posted_facts SET digest = ? ${where}`, digest, hostUid, purpose);
        }
      }),
    all: () =>
      database
        .all("SELECT host_uid, purpose, digest FROM posted_facts WHERE digest <> ?", unknown)
        .map((row) => ({
          hostUid: String(row["host_uid"]),
          purpose: secretPurpose.parse(row["purpose"]),
          digest: String(row["digest"]),
        })),
    purposesOf: (hostUid) =>
      database
        .all("SELECT purpose FROM posted_facts WHERE host_uid = ?", hostUid)
        .flatMap((row) => secretPurpose.safeParse(row["purpose"]).data ?? []),
    keepOnly(hostUids) {
      for (const uid of hostsOf().filter((each) => !hostUids.has(each)))
        database.run("DELETE FROM posted_facts WHERE host_uid = ?", uid);
    },
    forgetAll: () => void database.run("DELETE FROM posted_facts"),
  };
}
