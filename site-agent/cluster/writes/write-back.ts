// Hop 8 of 8: writes the control plane's word into Kubernetes. Every write is idempotent and bound to the uid
// that was meant: a target that is gone, or has another uid, counts as done.
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import type { KubernetesApi } from "../port.ts";
import type { Relabelled } from "../secrets/secret-versions.ts";
import { ShownObjects } from "../shown-objects.ts";
import type { WriteOutcome } from "./write-attempt.ts";
import { writeEvent } from "./write-event.ts";
import { releaseHardwareData, writeHardwareData } from "./write-hardware-data.ts";
import { writeArchitecture, writeMetadata } from "./write-host.ts";
import { writeHostPatch } from "./write-host-patch.ts";
import { writeMachineSet } from "./write-machine-set.ts";
import { writeProviderPatch, writeProviderStatus } from "./write-provider.ts";
import { claimSecret, labelSecret, releaseSecret } from "./write-secret.ts";
import { writeStatus } from "./write-status.ts";

/** Of Nodes, or with a look at them: they may be another cluster's, and are told of with a fact. */
export type NodeWrite = Extract<
  WriteBack,
  { kind: "link-node" | "leave-node" | "remove-node" | "replace-node" | "delete-machine" }
>;
export type KubernetesWrite = Exclude<WriteBack, NodeWrite>;
type OnLabelled = (change: Relabelled) => void;
type Writes = { readonly [W in KubernetesWrite as W["kind"]]: W };
type Writers = {
  readonly [K in keyof Writes]: (
    api: KubernetesApi,
    write: Writes[K],
    onLabelled: OnLabelled,
  ) => Promise<WriteOutcome>;
};

const writers: Writers = {
  status: writeStatus,
  metadata: writeMetadata,
  architecture: writeArchitecture,
  "hardware-data": writeHardwareData,
  "release-hardware-data": releaseHardwareData,
  "claim-secret": claimSecret,
  "release-secret": releaseSecret,
  event: writeEvent,
  "host-patch": writeHostPatch,
  "label-secret": labelSecret,
  "machine-set": writeMachineSet,
  "provider-patch": writeProviderPatch,
  "provider-status": writeProviderStatus,
};

/** All that they change is bound to the version that they have read. */
const boundToVersion: readonly KubernetesWrite["kind"][] = [
  "status",
  "metadata",
  "architecture",
  "host-patch",
  "label-secret",
  "provider-patch",
  "provider-status",
];

/** A Secret that a host comes to own is bound to the host, too. */
function mayUseShown(write: KubernetesWrite): boolean {
  return write.kind === "claim-secret"
    ? write.purpose !== "bmc"
    : boundToVersion.includes(write.kind);
}

/**
 * Does one write. Failures are values: `retry` false means that trying again cannot help. What a watch has shown is
 * enough to write from; that there is nothing to write, or that it may not be, is believed only of what was read.
 */
export async function writeBackTo(
  api: KubernetesApi,
  write: KubernetesWrite,
  shown = new ShownObjects(),
  onLabelled: OnLabelled = () => undefined,
): Promise<WriteOutcome> {
  for (let tries = mayUseShown(write) ? 2 : 0; tries > 0; tries -= 1) {
    const over = shown.over(api);
    const outcome = await writeAs(over, write.kind, write, onLabelled);
    if (!over.isDoubtful) return outcome;
    if (!over.hasNewer()) break;
  }
  return await writeAs(shown.over(api, "all"), write.kind, write, onLabelled);
}

async function writeAs<K extends keyof Writes>(
  api: KubernetesApi,
  kind: K,
  write: Writes[K],
  onLabelled: OnLabelled,
): Promise<WriteOutcome> {
  return await writers[kind](api, write, onLabelled);
}
