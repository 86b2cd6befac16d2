// A host in words, for conditions and Events.
import type { HostBrief, HostView } from "../snapshot.ts";

export function nameOf({ namespace, name }: HostBrief): string {
  return `${namespace}/${name}`;
}

export function stateText({ state }: HostBrief): string {
  if (state === "") return "not registered yet";
  return state === "unknown" ? "not looked at yet" : state;
}

/** "host metal/m1 is provisioning: 1.2 GiB of 4.0 GiB, 30 %". An error comes before what it waits for. */
export function hostText(host: HostView): string {
  const waiting = host.state === "provisioned" ? "" : (host.operation ?? "");
  const more = host.errorMessage === "" ? waiting : host.errorMessage;
  return `host ${nameOf(host)} is ${stateText(host)}${more === "" ? "" : `: ${more}`}`;
}
