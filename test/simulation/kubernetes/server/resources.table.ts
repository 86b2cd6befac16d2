// The resources that the simulated API server knows, and how paths name them. Those of ours have the schemas that
// infra/crds gives to a real server.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { Schema } from "./structural-schema.ts";

export interface Resource {
  /** Path of the collection over all namespaces, as "/apis/metal3.io/v1alpha1/baremetalhosts". */
  readonly collection: string;
  readonly apiVersion: string;
  readonly group: string;
  readonly version: string;
  readonly name: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
  /** Of a CustomResourceDefinition: has a generation, is pruned and validated, and is not replaced without a version. */
  readonly custom: { readonly schema: Schema; readonly hasStatus: boolean } | undefined;
}

export interface Target {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  /** Undefined: the collection. */
  readonly name: string | undefined;
  readonly isStatus: boolean;
  readonly query: URLSearchParams;
}

interface Definition {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly {
      readonly name: string;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: Schema };
      readonly subresources?: { readonly status?: object };
    }[];
  };
}

/** In the version that is stored: nobody in this world asks for another. */
function readDefinition(file: string): Resource {
  const path = join(import.meta.dirname, "../../../../infra/crds", file);
  const { group, names, versions } = (parse(readFileSync(path, "utf8")) as Definition).spec;
  const stored = versions.find(({ storage }) => storage);
  if (stored === undefined) throw new Error(`${file} stores no version`);
  const { name: version, schema, subresources } = stored;
  return {
    ...makeResource(group, version, names.plural, names.kind),
    custom: { schema: schema.openAPIV3Schema, hasStatus: subresources?.status !== undefined },
  };
}

function makeResource(group: string, version: string, name: string, kind: string): Resource {
  const apiVersion = group === "" ? version : `${group}/${version}`;
  return {
    collection: `/${group === "" ? "api" : "apis"}/${apiVersion}/${name}`,
    apiVersion,
    group,
    version,
    name,
    kind,
    isNamespaced: name !== "namespaces" && name !== "nodes",
    custom: undefined,
  };
}

/** Of cluster-api's core, whose schemas are not ours: it keeps whatever it is given. */
function makeCoreResource(name: string, kind: string): Resource {
  const anything: Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  const schema: Schema = { type: "object", properties: { spec: anything, status: anything } };
  const resource = makeResource("cluster.x-k8s.io", "v1beta2", name, kind);
  return { ...resource, custom: { schema, hasStatus: true } };
}

export const namespaces = makeResource("", "v1", "namespaces", "Namespace");
export const secrets = makeResource("", "v1", "secrets", "Secret");
export const events = makeResource("", "v1", "events", "Event");
export const nodes = makeResource("", "v1", "nodes", "Node");
export const hosts = readDefinition("metal3.io_baremetalhosts.yaml");

export const coreClusters = makeCoreResource("clusters", "Cluster");
export const coreMachines = makeCoreResource("machines", "Machine");
export const machineSets = makeCoreResource("machinesets", "MachineSet");
const infrastructure = "infrastructure.cluster.x-k8s.io";
export const metal3Clusters = readDefinition(`${infrastructure}_metal3clusters.yaml`);
export const metal3Machines = readDefinition(`${infrastructure}_metal3machines.yaml`);
export const metal3MachineTemplates = readDefinition(
  `${infrastructure}_metal3machinetemplates.yaml`,
);

/** Defined in clusters with cluster-api only. */
export function isOfClusterApi({ group }: Resource): boolean {
  return group.endsWith("cluster.x-k8s.io");
}

const openShift = "machine.openshift.io";
export const openShiftMachines = readDefinition(`openshift/${openShift}_machines.yaml`);
export const openShiftMachineSets = readDefinition(`openshift/${openShift}_machinesets.yaml`);
export const pods = makeResource("", "v1", "pods", "Pod");

/** In clusters with OpenShift's Machines only: nobody drains a Node of another. */
export function isOfOpenShift(resource: Resource): boolean {
  return resource.group === openShift || resource === pods;
}

export const resources: readonly Resource[] = [
  namespaces,
  secrets,
  events,
  nodes,
  makeResource("", "v1", "configmaps", "ConfigMap"),
  makeResource("coordination.k8s.io", "v1", "leases", "Lease"),
  hosts,
  readDefinition("metal3.io_hardwaredata.yaml"),
  coreClusters,
  coreMachines,
  machineSets,
  metal3Clusters,
  metal3Machines,
  metal3MachineTemplates,
  openShiftMachines,
  openShiftMachineSets,
  pods,
];

const byCollection = new Map(resources.map((resource) => [resource.collection, resource]));

/** Root, namespace, resource, name, subresource. */
const paths =
  /^(\/(?:api|apis\/[^/]+)\/[^/]+\/)(?:namespaces\/([^/]+)\/)?([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/;

/** The same paths come again and again; those of watches each name a version. */
const keptPaths = 2_000;
const known = new Map<string, Target | undefined>();

/** Undefined: there is no such resource. */
export function readPath(path: string): Target | undefined {
  if (known.has(path)) return known.get(path);
  if (known.size >= keptPaths) known.clear();
  const target = read(path);
  known.set(path, target);
  return target;
}

function read(path: string): Target | undefined {
  const [bare = "", query = ""] = path.split("?");
  const found = paths.exec(bare)?.map((part) => part && decodeURIComponent(part));
  const [, root, namespace, plural, name, subresource] = found ?? [];
  const resource = byCollection.get(`${root}${plural}`);
  if (resource === undefined || !hasSubresource(resource, subresource)) return undefined;
  if (resource.isNamespaced && name !== undefined && namespace === undefined) return undefined;
  const isStatus = subresource === "status";
  return { resource, namespace, name, isStatus, query: new URLSearchParams(query) };
}

function hasSubresource({ custom }: Resource, subresource: string | undefined): boolean {
  return subresource === undefined || (subresource === "status" && custom?.hasStatus === true);
}

/** As "/apis/metal3.io/v1alpha1/namespaces/a/baremetalhosts/h". */
export function objectPath(
  resource: Resource,
  namespace: string | undefined,
  name: string,
): string {
  return `${collectionPath(resource, namespace)}/${name}`;
}

export function collectionPath(
  { collection, name }: Resource,
  namespace: string | undefined,
): string {
  if (namespace === undefined) return collection;
  const root = collection.slice(0, -name.length);
  return `${root}namespaces/${namespace}/${name}`;
}

export function resourceOfKind(apiVersion: unknown, kind: unknown): Resource | undefined {
  return resources.find((each) => each.apiVersion === apiVersion && each.kind === kind);
}
