// As control-plane/store/hosts/apply-secrets.ts.
import type { SecretFact } from "../../../../shared/protocol/facts/secret-fact.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import { keyOf } from "../rows.ts";
import { storedJson } from "../stored-json.ts";
import { wakeHost } from "./wake-row.ts";

export function applySecrets(
  database: MemoryDatabase,
  cluster: string,
  facts: readonly SecretFact[],
  wakeAtMs: number,
): readonly string[] {
  const { hosts, secret_facts: stored } = database.tables;
  const newest = new Map<string, SecretFact>();
  for (const given of facts) {
    const fact = storedJson(given);
    newest.set(keyOf(fact.hostUid, fact.purpose), fact);
  }
  const touched = new Set<string>();
  for (const [key, fact] of newest) {
    const { hostUid, purpose } = fact;
    const isGone = fact.name === "";
    if (hosts.get(hostUid)?.cluster !== cluster || (isGone && !stored.has(key))) continue;
    const row = { host_uid: hostUid, purpose, fact };
    database.write("secret_facts", key, isGone ? undefined : row);
    touched.add(hostUid);
  }
  for (const uid of touched) wakeHost(database, uid, wakeAtMs);
  return [...touched];
}
