// Ordering an operation: the one place where a command is made, behind everything that may forbid it.
import type { OperationKind, OperationPayload } from "../protocol/operation.ts";
import { sealedCredentials } from "./concerns/credentials.ts";
import type { Because } from "../stop.ts";
import type { Command } from "./decision.ts";
import { because, hasFinalizer, isDeleting, wait, type Draft, type Stop } from "./draft.ts";
import { backoffLeft, reject } from "./status/errors.ts";
import type { OperationView, Snapshot } from "./snapshot.ts";
import { isoTime } from "./status/iso-time.ts";

const minuteMs = 60_000;

const classes: Readonly<Record<OperationKind, Pick<Command, "class" | "validForMs">>> = {
  register: { class: "observe", validForMs: 2 * minuteMs },
  inspect: { class: "converge", validForMs: 30 * minuteMs },
  clean: { class: "once", validForMs: 60 * minuteMs },
  provision: { class: "once", validForMs: 60 * minuteMs },
  power: { class: "converge", validForMs: 10 * minuteMs },
  recall: { class: "observe", validForMs: 60 * minuteMs },
};

/** Sites refuse these on a host that is externally provisioned. */
const bootsRamdisk: readonly OperationKind[] = ["inspect", "clean", "provision"];

/** They boot, switch or destroy. */
const switches: readonly OperationKind[] = [...bootsRamdisk, "power"];

/** Orders the operation, or says what it waits for. */
export function order(draft: Draft, payload: OperationPayload, message: string): Stop {
  const obstacle = obstacleTo(draft, payload.kind);
  if (obstacle !== undefined) return obstacle;
  draft.memory.operationCount += 1;
  draft.command = { payload, ...classes[payload.kind] };
  return wait(because("Ordered", message), ["operation"]);
}

function obstacleTo(draft: Draft, kind: OperationKind): Stop | undefined {
  return (
    waitsForSite(draft) ??
    waitsForCluster(draft, kind) ??
    backoffLeft(draft) ??
    waitsForSpec(draft) ??
    waitsForKubernetes(draft, kind) ??
    isAdopting(draft, kind) ??
    isHeld(draft, kind) ??
    waitsForCredentials(draft)
  );
}

export function waitsForSite(draft: Draft): Stop | undefined {
  const { site } = draft.snapshot;
  if (site.kind === "none")
    return wait(because("NoSite", `no site: ${site.reason}`), ["site", "spec"]);
  if (site.connection === "connected") return undefined;
  const message = `site ${site.name} ${sinceText(site.lastSeenMs)}; check its agent and its WAN`;
  return wait(because("SiteUnreachable", message), ["site"]);
}

function sinceText(lastSeenMs: number): string {
  return lastSeenMs > 0 ? `has not been heard since ${isoTime(lastSeenMs)}` : "was never heard";
}

/**
 * What people want of the host may have changed: it may be paused. A link that was only slow, as when the database was
 * away, wakes nobody.
 */
function waitsForCluster({ snapshot }: Draft, kind: OperationKind): Stop | undefined {
  const { clusterLink, nowMs } = snapshot;
  if (clusterLink.kind === "current" || !switches.includes(kind)) return undefined;
  return wait(clusterUnknown(snapshot), ["cluster", "spec"], nowMs + minuteMs);
}

function clusterUnknown({ cluster, clusterLink }: Snapshot): Because {
  const message =
    clusterLink.kind === "away"
      ? `the cluster link of ${cluster} ${sinceText(clusterLink.lastSeenMs)}; check its agent`
      : `waits for the cluster link of ${cluster}, which was away, to tell what has changed`;
  return because("ClusterUnknown", message);
}

/** An operation that was ordered just before is not given to its site either. */
export function heldUp({ snapshot }: Draft, view: OperationView): Because | undefined {
  const isNew = view.state === "pending" && switches.includes(view.kind);
  return isNew && snapshot.clusterLink.kind !== "current" ? clusterUnknown(snapshot) : undefined;
}

function waitsForSpec(draft: Draft): Stop | undefined {
  const { invalid, claimConflict } = draft.snapshot;
  if (isDeleting(draft)) return undefined;
  if (invalid.length > 0) return wait(because("InvalidSpec", invalid.join("; ")), ["spec"]);
  if (claimConflict !== undefined)
    return wait(because("Claimed", claimConflict), ["claim", "spec"]);
  return undefined;
}

/** Without our finalizer Kubernetes the object could vanish while its machine is being changed. */
function waitsForKubernetes(draft: Draft, kind: OperationKind): Stop | undefined {
  if (kind === "register" || hasFinalizer(draft)) return undefined;
  return wait(because("NoFinalizer", "waits for Kubernetes to show the finalizer"), ["write-back"]);
}

/** The decision that adopts a host touches nothing; the next one may. */
function isAdopting({ snapshot }: Draft, kind: OperationKind): Stop | undefined {
  if (kind === "register" || snapshot.memory !== undefined) return undefined;
  const why = because("Adopting", "took over what Kubernetes shows of the host");
  return wait(why, ["write-back"], snapshot.nowMs);
}

function isHeld(draft: Draft, kind: OperationKind): Stop | undefined {
  const { externallyProvisioned } = draft.snapshot.host.spec;
  if (externallyProvisioned !== true || !bootsRamdisk.includes(kind)) return undefined;
  const message =
    "spec.externallyProvisioned is true: the disks are not Farrier's to change; clear it, or delete the host";
  const why = because("ExternallyProvisioned", message);
  return reject(draft, "provisioning error", why, ["spec"]);
}

function waitsForCredentials(draft: Draft): Stop | undefined {
  if (sealedCredentials(draft) !== undefined) return undefined;
  return wait(because("NoCredentials", "waits for the sealed BMC credentials"), ["secret"]);
}
