// The cluster-api provider kinds, as upstream ships them: v1beta2 stored, v1beta1 served.
import { infrastructureGroup, providerLabels } from "../../shared/capm3/provider.ts";
import * as v1beta1Cluster from "../../shared/capm3/v1beta1/metal3-cluster.ts";
import * as v1beta1Machine from "../../shared/capm3/v1beta1/metal3-machine.ts";
import { metal3ClusterTemplateSpec } from "../../shared/capm3/v1beta2/metal3-cluster-template.ts";
import {
  metal3ClusterSpec,
  metal3ClusterStatus,
} from "../../shared/capm3/v1beta2/metal3-cluster.ts";
import { metal3MachineTemplateSpec } from "../../shared/capm3/v1beta2/metal3-machine-template.ts";
import {
  metal3MachineSpec,
  metal3MachineStatus,
} from "../../shared/capm3/v1beta2/metal3-machine.ts";
import { age, type Kind, type PrinterColumn } from "./kind.ts";

function column(name: string, jsonPath: string): PrinterColumn {
  return { name, type: "string", jsonPath };
}

const cluster = column("Cluster", ".metadata.labels.cluster\\.x-k8s\\.io/cluster-name");
const endpoint = column("Endpoint", ".spec.controlPlaneEndpoint");
const providerId = column("ProviderID", ".spec.providerID");
const provisioned = column("Provisioned", ".status.initialization.provisioned");
const ready = column("Ready", ".status.ready");

const all = {
  group: infrastructureGroup,
  labels: providerLabels,
  categories: ["cluster-api"],
} as const;

export const capm3Kinds: readonly Kind[] = [
  {
    ...all,
    kind: "Metal3Cluster",
    plural: "metal3clusters",
    shortNames: ["m3c", "m3cluster", "m3clusters", "metal3c", "metal3cluster"],
    isConverted: true,
    versions: [
      {
        name: "v1beta2",
        columns: [
          age,
          provisioned,
          column("Error", ".status.deprecated.v1beta1.failureReason"),
          cluster,
          endpoint,
        ],
        spec: { schema: metal3ClusterSpec, required: false },
        status: metal3ClusterStatus,
      },
      {
        name: "v1beta1",
        columns: [age, ready, column("Error", ".status.failureReason"), cluster, endpoint],
        spec: { schema: v1beta1Cluster.metal3ClusterSpec, required: false },
        status: v1beta1Cluster.metal3ClusterStatus,
      },
    ],
  },
  {
    ...all,
    kind: "Metal3ClusterTemplate",
    plural: "metal3clustertemplates",
    shortNames: ["m3ct"],
    versions: [
      {
        name: "v1beta2",
        columns: [],
        spec: { schema: metal3ClusterTemplateSpec, required: true },
      },
      {
        name: "v1beta1",
        columns: [],
        spec: { schema: v1beta1Cluster.metal3ClusterTemplateSpec, required: false },
      },
    ],
  },
  {
    ...all,
    kind: "Metal3Machine",
    plural: "metal3machines",
    shortNames: ["m3m", "m3machine", "m3machines", "metal3m", "metal3machine"],
    isConverted: true,
    versions: [
      {
        name: "v1beta2",
        columns: [age, providerId, provisioned, cluster],
        spec: { schema: metal3MachineSpec, required: false },
        status: metal3MachineStatus,
      },
      {
        name: "v1beta1",
        columns: [age, providerId, ready, cluster, column("Phase", ".status.phase")],
        spec: { schema: v1beta1Machine.metal3MachineSpec, required: false },
        status: v1beta1Machine.metal3MachineStatus,
      },
    ],
  },
  {
    ...all,
    kind: "Metal3MachineTemplate",
    plural: "metal3machinetemplates",
    shortNames: [
      "m3mt",
      "m3machinetemplate",
      "m3machinetemplates",
      "metal3mt",
      "metal3machinetemplate",
    ],
    isConverted: true,
    versions: [
      {
        name: "v1beta2",
        columns: [age],
        spec: { schema: metal3MachineTemplateSpec, required: true },
      },
      {
        name: "v1beta1",
        columns: [age],
        spec: { schema: v1beta1Machine.metal3MachineTemplateSpec, required: false },
      },
    ],
  },
];
