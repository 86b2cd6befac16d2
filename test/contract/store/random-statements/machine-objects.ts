// Random objects of the machine side: Machines and Clusters of cluster-api core, and the provider's own.
import {
  clonedFromKind,
  clonedFromName,
  templateKind,
} from "../../../../shared/capm3/v1beta2/metal3-machine-template.ts";
import { flavours } from "../../../../shared/machine/flavour.ts";
import type { FeedObject, MachineResource } from "../../../../shared/protocol/feed.ts";
import { autoscaleAnnotation } from "../../../../shared/openshift/annotations.ts";
import { coreUids, namespaces, textOf, type Draw } from "./draw.ts";

/** Uids tell the resource, so that owners can be named. */
const prefixes: Readonly<Record<MachineResource, string>> = {
  "clusters.cluster.x-k8s.io": "cluster",
  "machines.cluster.x-k8s.io": "machine",
  metal3clusters: "metal3cluster",
  metal3machines: "metal3machine",
  metal3machinetemplates: "metal3machinetemplate",
  "machines.machine.openshift.io": "openshift-machine",
  "machinesets.machine.openshift.io": "openshift-set",
};

export function machineObjectOf(
  draw: Draw,
  resource: MachineResource,
  version: number,
): FeedObject {
  const { random } = draw;
  const letter = random.pick(coreUids);
  const metadata = {
    name: nameOf(draw),
    namespace: random.chance(0.8) ? "metal" : random.pick(namespaces),
    uid: `${prefixes[resource]}-${letter}`,
    resourceVersion: String(version),
    ...(random.chance(0.2) ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    ...(random.chance(0.2) ? { labels: { text: textOf(draw) } } : {}),
    ...(random.chance(0.2) ? { annotations: { [autoscaleAnnotation]: textOf(draw) } } : {}),
  };
  if (resource === "machines.cluster.x-k8s.io") {
    return { metadata, spec: { clusterName: nameOf(draw) }, status: machineStatusOf(draw) };
  }
  if (resource === "clusters.cluster.x-k8s.io") return { metadata, ...clusterOf(draw) };
  if (resource === "metal3machinetemplates") return { metadata, spec: { text: textOf(draw) } };
  const annotations = random.chance(0.5) ? clonedFrom(draw) : undefined;
  const finalizers = random.pick([[], ["other"], ["other", flavours.metal3machines.finalizer]]);
  const ownerReferences = random.chance(0.9) ? ownersOf(draw, resource) : [];
  return {
    metadata: { ...metadata, ownerReferences, annotations, finalizers },
    status: { text: textOf(draw) },
  };
}

function machineStatusOf(draw: Draw): object {
  const { random } = draw;
  const ready = { type: "BootstrapReady", status: random.pick(["True", "False"]) };
  return {
    text: textOf(draw),
    ...(random.chance(0.3) ? { nodeRef: { name: nameOf(draw) } } : {}),
    ...(random.chance(0.3) ? { initialization: { bootstrapDataSecretCreated: true } } : {}),
    ...(random.chance(0.3) ? { deprecated: { v1beta1: { conditions: [ready] } } } : {}),
  };
}

function clusterOf(draw: Draw): object {
  const { random } = draw;
  const kind = random.chance(0.9) ? "Metal3Cluster" : "OtherCluster";
  const ready = { type: "InfrastructureReady", status: random.pick(["True", "False"]) };
  const other = { type: "Available", status: random.pick(["True", "False"]) };
  return {
    spec: { infrastructureRef: { kind, name: nameOf(draw) } },
    status: {
      workers: random.below(3),
      ...(random.chance(0.5) ? { initialization: { infrastructureProvisioned: true } } : {}),
      ...(random.chance(0.5) ? { deprecated: { v1beta1: { conditions: [other, ready] } } } : {}),
    },
  };
}

function ownersOf(draw: Draw, resource: MachineResource): readonly object[] {
  const { random } = draw;
  const letter = random.pick(coreUids);
  return resource === "metal3machines"
    ? [
        { kind: "MachineSet", name: "set", uid: "set" },
        { kind: "Machine", name: "machine", uid: `machine-${letter}` },
      ]
    : [{ kind: "Cluster", name: nameOf(draw), uid: `cluster-${letter}` }];
}

function clonedFrom(draw: Draw): Readonly<Record<string, string>> {
  const kind = draw.random.chance(0.8) ? templateKind : "OtherTemplate";
  return { [clonedFromName]: nameOf(draw), [clonedFromKind]: kind };
}

function nameOf({ random }: Draw): string {
  return `name-${random.below(2)}`;
}
