// What differs between the kinds that take hosts: Metal3Machine of cluster-api, Machine of OpenShift.
import { infrastructureGroup } from "../capm3/provider.ts";
import { openShiftVersion } from "./openshift-group.ts";
import type { HostTaker, ProviderResource } from "../protocol/write-back.ts";
import type { HostView } from "./snapshot.ts";

export interface ObjectKind {
  readonly apiVersion: string;
  readonly kind: string;
}

export const objectKinds: Readonly<Record<ProviderResource, ObjectKind>> = {
  metal3clusters: { apiVersion: `${infrastructureGroup}/v1beta2`, kind: "Metal3Cluster" },
  metal3machines: { apiVersion: `${infrastructureGroup}/v1beta2`, kind: "Metal3Machine" },
  "machines.machine.openshift.io": { apiVersion: openShiftVersion, kind: "Machine" },
  "machinesets.machine.openshift.io": { apiVersion: openShiftVersion, kind: "MachineSet" },
};

/** Whether the status of a kind says when it changed last. */
export const hasLastUpdated: Readonly<Record<ProviderResource, boolean>> = {
  metal3clusters: true,
  metal3machines: true,
  "machines.machine.openshift.io": true,
  "machinesets.machine.openshift.io": false,
};

export interface Flavour {
  readonly finalizer: string;
  /** Where in the object the fields stand that say what the host is to be. */
  readonly specPath: string;
  readonly providerId: (host: HostView, machineName: string) => string;
  /** A host that somebody else provisioned may be its machine's: it keeps what runs on it. */
  readonly hasForeignSystems: boolean;
  /** The Node is looked at again and again: nobody else tells how it is. */
  readonly watchesNode: boolean;
}

export const flavours: Readonly<Record<HostTaker, Flavour>> = {
  metal3machines: {
    finalizer: "metal3machine.infrastructure.cluster.x-k8s.io",
    specPath: "spec",
    providerId: ({ namespace, name }, machineName) =>
      `metal3://${namespace}/${name}/${machineName}`,
    hasForeignSystems: false,
    watchesNode: false,
  },
  "machines.machine.openshift.io": {
    finalizer: "machine.machine.openshift.io",
    specPath: "spec.providerSpec.value",
    providerId: ({ namespace, name, uid }) => `baremetalhost:///${namespace}/${name}/${uid}`,
    hasForeignSystems: true,
    watchesNode: true,
  },
};
