// A new host, and elders that are still to be adopted: what one of these has claimed in a database that is lost must
// not go to whoever is decided about first.
import type { Claim } from "../decision.ts";
import type { HostMemory } from "../snapshot.ts";
import { claimsOf } from "./build-document.ts";
import { claimConflictText } from "./claim-conflict.ts";

export interface Placed {
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  /** Undefined: none. */
  readonly site: string | undefined;
  readonly bmcAddress: string | undefined;
  readonly bootMACAddress: string | undefined;
}

/** As of the statement that commits. Undefined: none of them names the machine, or the host has it already. */
export function elderConflict(
  host: Placed,
  memory: Pick<HostMemory, "documentHash"> | undefined,
  elders: readonly Placed[],
): string | undefined {
  const holds = !["", "unknown"].includes(memory?.documentHash ?? "");
  if (holds || host.site === undefined) return undefined;
  for (const elder of elders) {
    const claim = elder.site === host.site ? sharedClaim(host, elder) : undefined;
    if (claim === undefined) continue;
    const isNear = elder.cluster === host.cluster && elder.namespace === host.namespace;
    return claimConflictText(claim, isNear ? elder.name : undefined);
  }
  return undefined;
}

function sharedClaim(host: Placed, elder: Placed): Claim | undefined {
  const held = claimsOf(elder.bmcAddress, elder.bootMACAddress);
  return claimsOf(host.bmcAddress, host.bootMACAddress).find(({ kind, value }) =>
    held.some((claim) => claim.kind === kind && claim.value === value),
  );
}
