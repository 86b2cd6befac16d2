// Machine and MachineSet of OpenShift, as the machine-api-operator ships them, for clusters that have none.
import { openShiftGroup } from "../../shared/machine/openshift-group.ts";
import { machineSetSpec, machineSetStatus } from "../../shared/openshift/machine-set.ts";
import { machineSpec, machineStatus } from "../../shared/openshift/machine.ts";
import { age, type Kind, type PrinterColumn } from "./kind.ts";

function column(name: string, jsonPath: string): PrinterColumn {
  return { name, type: "string", jsonPath };
}

function wide(name: string, jsonPath: string): PrinterColumn {
  return { ...column(name, jsonPath), priority: 1 };
}

function label(name: string): string {
  return `.metadata.labels['machine\\.openshift\\.io/${name}']`;
}

function replicas(name: string, jsonPath: string): PrinterColumn {
  return { name, type: "integer", jsonPath };
}

const all = { folder: "openshift", group: openShiftGroup, shortNames: [] } as const;

export const openShiftKinds: readonly Kind[] = [
  {
    ...all,
    kind: "Machine",
    plural: "machines",
    versions: [
      {
        name: "v1beta1",
        columns: [
          column("Phase", ".status.phase"),
          column("Type", label("instance-type")),
          column("Region", label("region")),
          column("Zone", label("zone")),
          age,
          wide("Node", ".status.nodeRef.name"),
          wide("ProviderID", ".spec.providerID"),
          wide("State", ".metadata.annotations['machine\\.openshift\\.io/instance-state']"),
        ],
        spec: { schema: machineSpec, required: false },
        status: machineStatus,
      },
    ],
  },
  {
    ...all,
    kind: "MachineSet",
    plural: "machinesets",
    versions: [
      {
        name: "v1beta1",
        columns: [
          replicas("Desired", ".spec.replicas"),
          replicas("Current", ".status.replicas"),
          replicas("Ready", ".status.readyReplicas"),
          column("Available", ".status.availableReplicas"),
          age,
        ],
        spec: { schema: machineSetSpec, required: false },
        status: machineSetStatus,
        scale: {
          specReplicasPath: ".spec.replicas",
          statusReplicasPath: ".status.replicas",
          labelSelectorPath: ".status.labelSelector",
        },
      },
    ],
  },
];
