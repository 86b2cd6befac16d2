// Deleting a machine: its host is emptied and left only when Kubernetes shows that (cluster-api reference 2.7). A host
// that is not this machine's any more is left as it is.
import { pausedAnnotation, powerOffAnnotation } from "../../metal3/annotations.ts";
import { hasDeployment } from "../../metal3/consumer.ts";
import { judge, notTrue } from "../status/conditions.ts";
import { metaDataAssociated, nodeReady } from "../status/conditions.table.ts";
import { consumerOf, ownerOfHost } from "./consumer.ts";
import { clusterNameLabel } from "../core-state.ts";
import { because, flavourOf, tell, wait, type MachineDraft, type Stop } from "../draft.ts";
import { claim, flawOf, ownHost } from "../choice/find-host.ts";
import { hasFinalizer } from "../gates.ts";
import { clusterNameOf, patchHost } from "./host-patch.ts";
import { hostText, nameOf } from "./host-text.ts";
import { removeUnlinkedNode } from "./unlinked-node.ts";
import type { HostView } from "../snapshot.ts";
import { askAgainMs, lookMs } from "../waits.ts";

const ownPause = "metal3.io/capm3";

/** States in which the host carries nothing of this machine. */
const emptyStates: readonly string[] = [
  "",
  "unmanaged",
  "registering",
  "match profile",
  "inspecting",
  "ready",
  "available",
];

/** Undefined: the machine is not being deleted. */
export function deletion(draft: MachineDraft): Stop | undefined {
  const { object } = draft.snapshot;
  if (object.metadata.deletionTimestamp === undefined) return undefined;
  const message = "the machine is being deleted";
  judge(draft, metaDataAssociated, notTrue("Deleting", message));
  draft.deprecated.set(nodeReady, { status: "False", severity: "Info", reason: "Deleting" });
  return othersFinalizers(draft) ?? releaseHost(draft) ?? endMachine(draft);
}

export function othersFinalizers(draft: MachineDraft): Stop | undefined {
  if (hasFinalizer(draft)) return undefined;
  return wait(because("Deleting", "waits for the other finalizers to be removed"), ["object"]);
}

/** Undefined: it has no host any more. */
export function releaseHost(draft: MachineDraft): Stop | undefined {
  const { host } = draft.snapshot;
  if (host === undefined) {
    const own = ownHost(draft);
    if (own !== undefined) return claim(draft, [own.uid], `takes back host ${own.name}`);
    return undefined;
  }
  if (host.gone) return letGo(draft, `host ${nameOf(host)} is gone`);
  switch (ownerOfHost(draft, host)) {
    case "other":
      return letGo(draft, `host ${nameOf(host)} has another consumer; it is left as it is`);
    case "nobody":
      return unowned(draft, host);
    case "ours":
      return empty(draft, host);
  }
}

/**
 * The consumer was ordered to be written and was never seen: the write may still come. It is made to come without an
 * image, and is taken back when it shows.
 */
function unowned(draft: MachineDraft, host: HostView): Stop {
  const { memory, snapshot } = draft;
  if (memory.host?.uid !== host.uid || memory.host.shown) {
    return letGo(draft, `host ${nameOf(host)} is free`);
  }
  const bar = flawOf(draft, host, true);
  if (bar !== undefined) {
    patchHost(draft, host, {});
    return letGo(
      draft,
      `host ${nameOf(host)} ${bar}: the consumer that was ordered is not written`,
    );
  }
  const online = { online: isLeftOn(host) };
  const spec = { consumerRef: consumerOf(draft), ...nothing(draft), ...online };
  patchHost(draft, host, { spec });
  const message = `waits for Kubernetes to show what was written to host ${nameOf(host)}`;
  return wait(because("Deleting", message), ["host"], snapshot.nowMs + askAgainMs);
}

function empty(draft: MachineDraft, host: HostView): Stop {
  const { snapshot, memory } = draft;
  memory.host = { uid: host.uid, shown: true };
  const spec = leftovers(draft, host);
  if (hasDeployment(host.spec)) memory.mayHaveNode = true;
  if (Object.keys(spec).length > 0) {
    patchHost(draft, host, { spec });
    const why = because("Deleting", `removes the image from ${hostText(host)}`);
    return wait(why, ["host"], snapshot.nowMs + askAgainMs);
  }
  if (!isEmpty(host)) {
    const why = because("Deleting", `waits until nothing runs there: ${hostText(host)}`);
    judge(draft, metaDataAssociated, notTrue("Deleting", why.message));
    if (host.errorMessage !== "") tell(draft, "Warning", because("HostError", hostText(host)));
    return wait(why, ["host", "object"], snapshot.nowMs + lookMs);
  }
  const node = removeUnlinkedNode(draft, host);
  if (node !== undefined) return node;
  // An image that was ordered and did not show yet goes by the same write.
  patchHost(draft, host, {
    spec: { consumerRef: null, ...nothing(draft) },
    ...ownMarks(draft, host),
  });
  unlabelSecret(draft, host);
  const why = because("Deleting", `leaves host ${nameOf(host)}`);
  return wait(why, ["host"], snapshot.nowMs + askAgainMs);
}

/** All that the machine put there, as a patch that removes it. metaData and networkData may be the host's own. */
function nothing({ snapshot, status }: MachineDraft): Record<string, null> {
  const given = { ...snapshot.object.spec, ...status };
  return {
    image: null,
    customDeploy: null,
    userData: null,
    ...(given.metaData === undefined ? {} : { metaData: null }),
    ...(given.networkData === undefined ? {} : { networkData: null }),
  };
}

/** What of that Kubernetes still shows, and the power. */
function leftovers(draft: MachineDraft, host: HostView): Record<string, unknown> {
  const shown: Readonly<Record<string, unknown>> = host.spec;
  const fields = Object.entries(nothing(draft)).filter(([name]) => shown[name] !== undefined);
  const online = isLeftOn(host);
  return { ...Object.fromEntries(fields), ...(shown["online"] === online ? {} : { online }) };
}

/** M59 */
function isLeftOn({ spec }: HostView): boolean {
  return spec.disablePowerOff === true;
}

/** M58 M60: an externally provisioned one has only its power to wait for. */
function isEmpty(host: HostView): boolean {
  if (host.state === "externally provisioned") {
    return !host.poweredOn || host.spec.disablePowerOff === true;
  }
  return emptyStates.includes(host.state);
}

/** The Cluster's label, our own pause (M62), and that the host was to stay off while it was remediated. */
function ownMarks(draft: MachineDraft, host: HostView) {
  const cluster = clusterNameOf(draft);
  const isLabelled = cluster !== undefined && host.labels[clusterNameLabel] === cluster;
  const isPaused = host.annotations[pausedAnnotation] === ownPause;
  const isHeldOff =
    draft.snapshot.resource === "machines.machine.openshift.io" &&
    host.annotations[powerOffAnnotation] !== undefined;
  const annotations = {
    ...(isPaused ? { [pausedAnnotation]: null } : {}),
    ...(isHeldOff ? { [powerOffAnnotation]: null } : {}),
  };
  return {
    ...(isLabelled ? { labels: { [clusterNameLabel]: null } } : {}),
    ...(isPaused || isHeldOff ? { annotations } : {}),
  };
}

function unlabelSecret(draft: MachineDraft, host: HostView): void {
  const secretName = host.spec.bmc?.credentialsName ?? "";
  if (secretName === "" || draft.snapshot.resource !== "metal3machines") return;
  const { namespace, name, uid } = host;
  const labels = { [clusterNameLabel]: null };
  draft.writes.push({ kind: "label-secret", namespace, name, uid, secretName, labels });
}

/** The host is let go first: another that names the machine, by whatever accident, is taken back before it goes. */
function letGo(draft: MachineDraft, message: string): Stop {
  draft.release = true;
  delete draft.memory.host;
  delete draft.memory.mayHaveNode;
  delete draft.memory.removal;
  return wait(because("Released", message), ["object"], draft.snapshot.nowMs);
}

export function endMachine(draft: MachineDraft): Stop {
  draft.patch.removeFinalizers = [flavourOf(draft).finalizer];
  const why = because("Released", "the machine has no host");
  tell(draft, "Normal", why);
  return wait(why, ["object"]);
}
