// The Secrets that a host names: which, what is known about them, and claiming and releasing them.
import type { BareMetalHostSpec } from "../../metal3/bare-metal-host.ts";
import type { SecretFact } from "../../protocol/facts/secret-fact.ts";
import { secretPurpose, type SecretPurpose } from "../../protocol/facts/sealed-secret.ts";
import { target, type Draft } from "../draft.ts";

/** Claiming changes the Secret's resourceVersion: the login waits this long for the changed fact. */
const settleMs = 1_000;

/** The name of the Secret for a purpose; undefined: the host names none. */
export function secretName(spec: BareMetalHostSpec, purpose: SecretPurpose): string | undefined {
  const names: Readonly<Record<SecretPurpose, string | undefined>> = {
    bmc: spec.bmc?.credentialsName,
    userData: spec.userData?.name,
    networkData: spec.networkData?.name,
    metaData: spec.metaData?.name,
    preprovisioningNetworkData: spec.preprovisioningNetworkDataName,
  };
  const name = names[purpose];
  return name === "" ? undefined : name;
}

/** The fact about the Secret that the host names now; a fact about an earlier name counts as none. */
export function factOf(draft: Draft, purpose: SecretPurpose): SecretFact | undefined {
  const name = secretName(draft.snapshot.host.spec, purpose);
  const fact = draft.snapshot.secrets[purpose];
  return name !== undefined && fact?.name === name ? fact : undefined;
}

/** Labels every Secret in use once, so that its changes are seen; the BMC's gets owner and finalizer too. */
export function claimSecrets(draft: Draft): void {
  const { memory, snapshot } = draft;
  for (const purpose of secretPurpose.options) {
    const fact = factOf(draft, purpose);
    if (fact?.found !== true || fact.uid === undefined) continue;
    const { name, uid, resourceVersion: version = "" } = fact;
    const before = memory.claimedSecrets?.[purpose];
    if (before?.uid === uid) continue;
    if (before !== undefined && before.name !== name) release(draft, before.name);
    memory.claimedSecrets = {
      ...memory.claimedSecrets,
      [purpose]: { name, uid, version, atMs: snapshot.nowMs },
    };
    draft.writes.push({ kind: "claim-secret", ...target(draft), secretName: name, purpose });
  }
}

/** Until when to wait for the claim to show; undefined: it shows, or there was nothing to change. */
export function settlesUntilMs(draft: Draft, purpose: SecretPurpose): number | undefined {
  const claimed = draft.memory.claimedSecrets?.[purpose];
  const isOld =
    claimed === undefined || claimed.version !== factOf(draft, purpose)?.resourceVersion;
  if (isOld || draft.snapshot.nowMs >= claimed.atMs + settleMs) return undefined;
  return claimed.atMs + settleMs;
}

/** Takes finalizers off the Secrets that carry one, so that they can go with the host. */
export function releaseSecrets(draft: Draft): void {
  const named = (["bmc", "preprovisioningNetworkData"] as const).flatMap((purpose) => [
    draft.memory.claimedSecrets?.[purpose]?.name,
    secretName(draft.snapshot.host.spec, purpose),
  ]);
  for (const name of new Set(named)) {
    if (name !== undefined) release(draft, name);
  }
}

function release(draft: Draft, name: string): void {
  draft.writes.push({ kind: "release-secret", ...target(draft), secretName: name });
}
