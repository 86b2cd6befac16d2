// When a failed attempt may be repeated: doubling with a cap of 15 minutes, and at once as soon as something
// changed that could matter. The jitter comes from a hash, so that a decision stays a function.
import { canonicalJson, sha256Hex } from "../document/canonical-json.ts";
import { secretPurpose } from "../../protocol/facts/sealed-secret.ts";
import type { Snapshot } from "../snapshot.ts";

const minuteMs = 60_000;
export const backoffCapMs = 15 * minuteMs;
/** A BMC's login budget renews in this time. */
export const loginWindowMs = 30 * minuteMs;
export const soonMs = 2_000;

/** 2^n minutes, at most 15, minus up to half of it. n = 1: between 1 and 2 minutes. */
export function backoffMs(attempt: number, seed: string): number {
  const fullMs = Math.min(2 ** Math.min(attempt, 10) * minuteMs, backoffCapMs);
  const share = Number.parseInt(sha256Hex(`${seed} ${attempt}`).slice(0, 8), 16) / 0xffffffff;
  return Math.round(fullMs * (1 - share / 2));
}

/**
 * Hash of all that a person, a Secret or the site could change to make a failed attempt succeed, or its wait another one.
 * spec.architecture is left out: it is written by Farrier.
 */
export function retryInputs(snapshot: Snapshot): string {
  const { host, secrets, site, claimConflict } = snapshot;
  const { architecture: _, ...spec } = host.spec;
  const versions = secretPurpose.options.map((purpose) => {
    const fact = secrets[purpose];
    const { name, found, uid, resourceVersion, problem, sealed } = fact ?? {};
    return [name, found, uid, resourceVersion, problem, sealed?.keyFingerprint];
  });
  const heard = site.kind === "site" ? [site.name, site.connection] : [site.kind];
  const inputs = [spec, versions, heard, claimConflict, snapshot.invalid];
  // A deletion does not wait as long as what failed before it.
  if (host.metadata.deletionTimestamp !== undefined) inputs.push("deleted");
  return sha256Hex(canonicalJson(inputs));
}
