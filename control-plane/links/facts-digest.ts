// The hash of all secret facts of a cluster that are stored: its link compares it with what it has posted.
import { factsText } from "../../shared/protocol/facts/facts-digest.ts";
import type { Crypto, LinkStore } from "../ports.ts";

/** SHA-256, hex. */
export async function factsDigest(
  deps: {
    readonly links: Pick<LinkStore, "knownFacts">;
    readonly crypto: Pick<Crypto, "sha256Hex">;
  },
  cluster: string,
): Promise<string> {
  return await deps.crypto.sha256Hex(factsText(await deps.links.knownFacts(cluster)));
}
