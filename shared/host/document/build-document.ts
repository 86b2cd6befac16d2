// The host document that the site's agent keeps: what the fences at the point of no return are checked
// against. A change of it bumps the revision, and stops work that was ordered under an older one.
import { parseBmcAddress } from "../../metal3/bmc-address.ts";
import { pausedAnnotation } from "../../metal3/annotations.ts";
import type { BareMetalHost } from "../../metal3/bare-metal-host.ts";
import type { HostDocumentSpec } from "../../protocol/host-document.ts";
import { sealedCredentials } from "../concerns/credentials.ts";
import { isDetaching } from "../concerns/detaching.ts";
import type { Claim } from "../decision.ts";
import { stateOf, type Draft } from "../draft.ts";
import { canonicalJson, sha256Hex } from "./canonical-json.ts";

/** Undefined: the site shall know nothing of the host. */
export function buildDocument(draft: Draft): HostDocumentSpec | undefined {
  const { host, site, cluster } = draft.snapshot;
  if (site.kind === "none" || !isManaged(draft)) return undefined;
  const { memory } = draft;
  const { spec, metadata } = host;
  const credentials = sealedCredentials(draft);
  return {
    cluster,
    namespace: metadata.namespace,
    name: metadata.name,
    bmcAddress: spec.bmc?.address ?? "",
    bootMode: memory.status.provisioning.bootMode ?? "UEFI",
    hold: {
      paused: metadata.annotations?.[pausedAnnotation] !== undefined,
      detached: isDetaching(draft),
      externallyProvisioned: spec.externallyProvisioned === true,
      disablePowerOff: spec.disablePowerOff === true,
    },
    allocation: memory.allocation,
    ...(spec.bootMACAddress === undefined
      ? {}
      : { bootMACAddress: spec.bootMACAddress.toLowerCase() }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(memory.identity === undefined ? {} : { identity: memory.identity }),
    ...(memory.disks === undefined ? {} : { disks: memory.disks }),
  };
}

/** A host that may not register must not reach the site: it could be another host's BMC. */
function isManaged(draft: Draft): boolean {
  const { snapshot } = draft;
  const state = stateOf(draft);
  if (state === undefined || state === "" || state === "unmanaged" || state === "deleting") {
    return false;
  }
  if (!parseBmcAddress(snapshot.host.spec.bmc?.address ?? "").ok) return false;
  if (claimsLater(draft)) return false;
  const isBlocked = snapshot.claimConflict !== undefined || snapshot.invalid.length > 0;
  return state !== "registering" || !isBlocked;
}

/** An adopted host that only registers: another may hold its machine and not be adopted yet. */
export function claimsLater({ memory, snapshot }: Draft): boolean {
  const { claimsFromMs = 0, status } = memory;
  return status.provisioning.state === "registering" && snapshot.nowMs < claimsFromMs;
}

/** Notes a changed document in the memory. Until an adopted host claims its machine its site keeps what it may hold. */
export function stampDocument(draft: Draft, document: HostDocumentSpec | undefined): void {
  const { memory } = draft;
  if (document === undefined && claimsLater(draft)) return;
  const hash = document === undefined ? "" : sha256Hex(canonicalJson(document));
  if (hash === memory.documentHash) return;
  memory.documentHash = hash;
  memory.revision += 1;
}

/** What a host with a document holds for itself at its site. */
export function buildClaims({ spec }: Pick<BareMetalHost, "spec">): readonly Claim[] {
  return claimsOf(spec.bmc?.address, spec.bootMACAddress);
}

export function claimsOf(bmcAddress = "", bootMACAddress = ""): readonly Claim[] {
  const address = parseBmcAddress(bmcAddress);
  return [
    ...(address.ok ? [{ kind: "bmc", value: address.value.claim } as const] : []),
    ...(bootMACAddress === ""
      ? []
      : [{ kind: "mac", value: bootMACAddress.toLowerCase() } as const]),
  ];
}
