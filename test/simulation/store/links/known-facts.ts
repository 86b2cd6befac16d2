// As control-plane/store/links/known-facts.ts.
import type { FactName } from "../../../../shared/protocol/facts/facts-digest.ts";
import type { MemoryDatabase } from "../memory-database.ts";

export function knownFacts({ tables }: MemoryDatabase, cluster: string): readonly FactName[] {
  return [...tables.secret_facts.values()]
    .filter(({ host_uid }) => tables.hosts.get(host_uid)?.cluster === cluster)
    .map(({ fact: { hostUid, purpose, digest } }) => ({
      hostUid,
      purpose,
      digest,
    }));
}
