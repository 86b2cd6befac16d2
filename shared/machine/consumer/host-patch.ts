// What a machine wants written into its host, as the difference to what Kubernetes shows: nothing when it shows all.
import type { Metal3Machine } from "../../capm3/v1beta2/metal3-machine.ts";
import { copyJson } from "../../copy-json.ts";
import { hasDeployment, isDeployedWith } from "../../metal3/consumer.ts";
import { consumerOf, ownerOfHost } from "./consumer.ts";
import { bootstrapSecret, clusterNameLabel } from "../core-state.ts";
import { flavourOf, type MachineDraft } from "../draft.ts";
import type { HostView } from "../snapshot.ts";

interface HostPatch {
  readonly labels?: Record<string, string | null>;
  readonly annotations?: Record<string, string | null>;
  readonly holdsOff?: true;
  readonly spec?: Record<string, unknown>;
  readonly deploySpec?: Record<string, unknown>;
}

/** One write, whatever a decision wants of the host: the newest takes the place of those before. */
export function patchHost(draft: MachineDraft, host: HostView, patch: HostPatch): void {
  const { uid, namespace, name } = host;
  const { writes } = draft;
  const at = writes.findIndex((write) => write.kind === "host-patch" && write.uid === uid);
  const before = writes[at];
  const more = before?.kind === "host-patch" ? before : {};
  const write = {
    ...more,
    kind: "host-patch",
    namespace,
    name,
    uid,
    consumer: consumerOf(draft),
    ...patch,
  } as const;
  if (at < 0) writes.push(write);
  else writes[at] = write;
}

/** Writes what the host lacks: the consumer, the Cluster's label, its power and cleaning, and once the image. */
export function writeHost(draft: MachineDraft, host: HostView): void {
  const labels = missingLabels(draft, host);
  const spec = missingSpec(draft, host);
  // A host whose consumer was removed is known again by what it was deployed with.
  const isOwn = hasDeployment(host.spec) && ownerOfHost(draft, host) === "ours";
  const isSettled = isOwn || isForeign(draft, host);
  const deploySpec = isSettled ? undefined : deployment(draft);
  if (labels !== undefined || spec !== undefined || deploySpec !== undefined) {
    patchHost(draft, host, {
      ...(labels === undefined ? {} : { labels }),
      ...(spec === undefined ? {} : { spec }),
      ...(deploySpec === undefined ? {} : { deploySpec }),
    });
  }
  labelSecret(draft, host);
}

/** Something is deployed there, or somebody else did it and it stays. */
export function hasSystem(draft: MachineDraft, host: HostView): boolean {
  return hasDeployment(host.spec) || isForeign(draft, host);
}

/** Somebody else provisioned it, and may: what runs there is the machine's. */
export function isForeign(draft: MachineDraft, { spec }: HostView): boolean {
  return flavourOf(draft).hasForeignSystems && spec.externallyProvisioned === true;
}

/** Whether the host runs what this machine brings, as the cluster link judges it before it writes a consumer. */
export function runsOwn(draft: MachineDraft, host: HostView): boolean {
  const { image, customDeploy } = draft.snapshot.object.spec;
  const brings = {
    image: image === undefined ? undefined : hostImage(image),
    customDeploy,
    userData: userDataOf(draft),
  };
  return isDeployedWith(host.spec, brings);
}

function missingLabels(draft: MachineDraft, host: HostView): Record<string, string> | undefined {
  const cluster = clusterNameOf(draft);
  if (cluster === undefined || host.labels[clusterNameLabel] === cluster) return undefined;
  return { [clusterNameLabel]: cluster };
}

export function clusterNameOf({ snapshot }: MachineDraft): string | undefined {
  const { owner, object } = snapshot;
  return owner?.spec.clusterName ?? object.metadata.labels?.[clusterNameLabel];
}

function missingSpec(draft: MachineDraft, host: HostView): Record<string, unknown> | undefined {
  const { automatedCleaningMode: cleaning } = draft.snapshot.object.spec;
  const spec = {
    ...(ownerOfHost(draft, host) === "ours" ? {} : { consumerRef: consumerOf(draft) }),
    ...(host.spec.online === true ? {} : { online: true }), // M35
    ...(cleaning === undefined || cleaning === host.spec.automatedCleaningMode
      ? {}
      : { automatedCleaningMode: cleaning }), // M36
  };
  return Object.keys(spec).length === 0 ? undefined : spec;
}

/** Undefined: the data that the host is to get is not made yet (M33). */
function deployment(draft: MachineDraft): Record<string, unknown> | undefined {
  const { object } = draft.snapshot;
  if (object.spec.dataTemplate !== undefined && draft.status.renderedData === undefined) {
    return undefined;
  }
  const userData = userDataOf(draft);
  if (userData !== undefined) draft.status.userData = userData;
  if (object.spec.dataTemplate === undefined) {
    if (object.spec.metaData !== undefined) draft.status.metaData = copyJson(object.spec.metaData);
    if (object.spec.networkData !== undefined) {
      draft.status.networkData = copyJson(object.spec.networkData);
    }
  }
  const { metaData, networkData } = draft.status;
  const { image, customDeploy } = object.spec;
  return {
    ...(image === undefined ? {} : { image: hostImage(image) }),
    ...(customDeploy === undefined ? {} : { customDeploy }),
    ...(userData === undefined ? {} : { userData }),
    ...(metaData === undefined ? {} : { metaData }),
    ...(networkData === undefined ? {} : { networkData }),
  };
}

/** The Machine's bootstrap data wins over spec.userData (M32). */
function userDataOf({ snapshot, status }: MachineDraft): typeof status.userData {
  const { owner, object } = snapshot;
  const name = owner === undefined ? undefined : bootstrapSecret(owner);
  if (name !== undefined) return { name, namespace: object.metadata.namespace };
  return object.spec.userData ?? status.userData;
}

function hostImage(image: NonNullable<Metal3Machine["spec"]["image"]>): Record<string, string> {
  const { url, checksum = "", checksumType, diskFormat } = image;
  return {
    url,
    ...(checksum === "" ? {} : { checksum }),
    ...(checksumType === undefined ? {} : { checksumType }),
    ...(diskFormat === undefined ? {} : { format: diskFormat }),
  };
}

/** Once for each Secret that the host names: whether it carries the label is not seen (M29). */
function labelSecret(draft: MachineDraft, host: HostView): void {
  const secretName = host.spec.bmc?.credentialsName ?? "";
  const cluster = clusterNameOf(draft);
  if (secretName === "" || cluster === undefined) return;
  if (draft.memory.labelledSecret === secretName) return;
  draft.memory.labelledSecret = secretName;
  const { namespace, name, uid } = host;
  const labels = { [clusterNameLabel]: cluster };
  draft.writes.push({ kind: "label-secret", namespace, name, uid, secretName, labels });
}
