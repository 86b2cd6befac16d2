// Rows of the machine side as the store gives them, for unit tests: a Metal3Machine "m" of namespace "metal", and hosts.
import type { MachineHostRow, MachineRow, MachineRows } from "../../../control-plane/ports.ts";

export function machineRows(
  more: Partial<Omit<MachineRows, "machine">> = {},
  machine: Partial<MachineRow> = {},
): MachineRows {
  return {
    machine: {
      uid: "m",
      cluster: "east",
      resource: "metal3machines",
      namespace: "metal",
      name: "name-m",
      version: 4,
      object: {
        metadata: { name: "name-m", namespace: "metal", uid: "m", resourceVersion: "11" },
        spec: {},
      },
      deleted: false,
      memory: undefined,
      hostUid: undefined,
      node: undefined,
      ...machine,
    },
    feedsComplete: true,
    owner: undefined,
    coreCluster: undefined,
    metal3Cluster: undefined,
    template: undefined,
    machines: [],
    members: [],
    hosts: [],
    sites: [],
    ...more,
  };
}

/** Available; `object` is merged over its own. */
export function hostRow(
  uid: string,
  { object, ...more }: Partial<Omit<MachineHostRow, "object">> & { readonly object?: object } = {},
): MachineHostRow {
  const metadata = { name: `name-${uid}`, namespace: "metal", uid };
  return {
    uid,
    namespace: "metal",
    name: `name-${uid}`,
    deleted: false,
    object: { metadata, spec: { online: true }, ...object },
    status: {
      errorMessage: "",
      operationalStatus: "OK",
      poweredOn: false,
      provisioning: { state: "available", ID: "" },
    },
    systemUuid: undefined,
    isOn: undefined,
    site: undefined,
    claimedBy: undefined,
    ...more,
  };
}
