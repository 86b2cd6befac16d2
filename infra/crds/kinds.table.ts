// The kinds whose CRDs are generated: names, columns and schemas, as upstream ships them.
import type { z } from "zod";
import { bareMetalHostSpec, bareMetalHostStatus } from "../../shared/metal3/bare-metal-host.ts";
import { hardwareDataSpec } from "../../shared/metal3/hardware-data.ts";

export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "date" | "integer";
  readonly jsonPath: string;
  /** 1: with `-o wide` only. */
  readonly priority?: 1;
}

export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly columns: readonly PrinterColumn[];
  readonly spec: { readonly schema: z.ZodType; readonly required: boolean };
  /** With a status the kind has the status subresource. */
  readonly status?: z.ZodType;
}

const age: PrinterColumn = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
};

export const kinds: readonly Kind[] = [
  {
    group: "metal3.io",
    version: "v1alpha1",
    kind: "BareMetalHost",
    plural: "baremetalhosts",
    shortNames: ["bmh", "bmhost"],
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
  {
    group: "metal3.io",
    version: "v1alpha1",
    kind: "HardwareData",
    plural: "hardwaredata",
    shortNames: ["hd"],
    columns: [age],
    spec: { schema: hardwareDataSpec, required: false },
  },
];
