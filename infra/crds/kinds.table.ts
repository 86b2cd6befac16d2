// The kinds whose CRDs are generated: names, columns and schemas, as upstream ships them. Where OpenShift is, its own
// kinds are defined already; elsewhere they are applied only on request, since kubectl's short words mean one group.
import { bareMetalHostSpec, bareMetalHostStatus } from "../../shared/metal3/bare-metal-host.ts";
import { hardwareDataSpec } from "../../shared/metal3/hardware-data.ts";
import { capm3Kinds } from "./capm3-kinds.table.ts";
import { openShiftKinds } from "./openshift-kinds.table.ts";
import { age, type Kind } from "./kind.ts";

export const kinds: readonly Kind[] = [
  {
    group: "metal3.io",
    kind: "BareMetalHost",
    plural: "baremetalhosts",
    shortNames: ["bmh", "bmhost"],
    versions: [
      {
        name: "v1alpha1",
        columns: [
          { name: "Status", type: "string", jsonPath: ".status.operationalStatus", priority: 1 },
          { name: "State", type: "string", jsonPath: ".status.provisioning.state" },
          { name: "Consumer", type: "string", jsonPath: ".spec.consumerRef.name" },
          { name: "BMC", type: "string", jsonPath: ".spec.bmc.address", priority: 1 },
          { name: "Online", type: "string", jsonPath: ".spec.online" },
          { name: "Error", type: "string", jsonPath: ".status.errorType" },
          age,
        ],
        spec: { schema: bareMetalHostSpec, required: false },
        status: bareMetalHostStatus,
      },
    ],
  },
  {
    group: "metal3.io",
    kind: "HardwareData",
    plural: "hardwaredata",
    shortNames: ["hd"],
    versions: [
      {
        name: "v1alpha1",
        columns: [age],
        spec: { schema: hardwareDataSpec, required: false },
      },
    ],
  },
  ...capm3Kinds,
];

/** With those that are applied on request. */
export const allKinds: readonly Kind[] = [...kinds, ...openShiftKinds];
