// From a host that is provisioned to a machine that is: its addresses, its providerID, and then the word that core
// waits for.
import { isTrue, judge } from "../status/conditions.ts";
import { dataReady } from "../status/conditions.table.ts";
import { because, flavourOf, tell, wait, type MachineDraft, type Stop } from "../draft.ts";
import { isForeign } from "./host-patch.ts";
import { hostText, nameOf } from "./host-text.ts";
import type { Metal3MachineStatus } from "../../capm3/v1beta2/metal3-machine.ts";
import type { HostView } from "../snapshot.ts";
import { lookMs } from "../waits.ts";

/** Of the status; two more name the host. */
const mostAddresses = 30;

/** Stops until Kubernetes shows a providerID, unless the Node has to tell it. */
export function provision(draft: MachineDraft, host: HostView): Stop | undefined {
  if (!isProvisioned(draft, host)) return watchHost(draft, host);
  const addresses = addressesOf(host);
  if (addresses.length > 0) draft.status.addresses = addresses;
  const stop = writeProviderId(draft, host);
  // Without one the Node is still to tell it.
  if (stop !== undefined || draft.snapshot.object.spec.providerID === undefined) return stop;
  draft.status.initialization = { provisioned: true };
  if (draft.snapshot.object.spec.dataTemplate === undefined) {
    judge(draft, dataReady, isTrue("SecretsSetExternally"));
  }
  return undefined;
}

export function isProvisioned(draft: MachineDraft, host: HostView): boolean {
  if (host.state === "provisioned") return true;
  return host.state === "externally provisioned" && isForeign(draft, host);
}

function watchHost(draft: MachineDraft, host: HostView): Stop {
  const why = because("Provisioning", hostText(host));
  if (host.errorMessage !== "") tell(draft, "Warning", because("HostError", hostText(host)));
  return wait(why, ["host", "object"], draft.snapshot.nowMs + lookMs);
}

/** With a cloud provider in the workload cluster it is the Node's (M53). */
export function providerIdOf(draft: MachineDraft, host: HostView): string {
  return flavourOf(draft).providerId(host, draft.snapshot.object.metadata.name);
}

export function hasCloudProvider({ snapshot }: MachineDraft): boolean {
  return snapshot.metal3Cluster?.spec.cloudProviderEnabled === true;
}

function writeProviderId(draft: MachineDraft, host: HostView): Stop | undefined {
  const { object, node } = draft.snapshot;
  if (object.spec.providerID !== undefined) return undefined;
  const isCloud = hasCloudProvider(draft);
  const found = node?.outcome === "linked" ? node.providerID : undefined;
  const providerID = isCloud ? found : providerIdOf(draft, host);
  if (providerID === undefined || providerID === "") return undefined;
  draft.patch.spec = { ...draft.patch.spec, providerID };
  const message = `host ${nameOf(host)} is provisioned; writes spec.providerID`;
  tell(draft, "Normal", because("Provisioned", `host ${nameOf(host)} is provisioned`));
  return wait(because("WritingProviderID", message), ["object"]);
}

/** M54: what inspection saw, each once. */
function addressesOf({ hardware }: HostView): NonNullable<Metal3MachineStatus["addresses"]> {
  const ips = new Set((hardware?.nics ?? []).flatMap(({ ip }) => (isAddress(ip) ? [ip] : [])));
  const internal = [...ips]
    .slice(0, mostAddresses)
    .map((address) => ({ type: "InternalIP" as const, address }));
  const hostname = hardware?.hostname;
  if (!isAddress(hostname)) return internal;
  return [
    ...internal,
    { type: "Hostname", address: hostname },
    { type: "InternalDNS", address: hostname },
  ];
}

function isAddress(text: string | undefined): text is string {
  return text !== undefined && text !== "" && text.length <= 256;
}
