// What is put into an object when it is written, where the definition must equal upstream's and so can hold no default;
// and where clients write "" for a field that is not set, which the definition would refuse.
import { infrastructureGroup } from "./capm3/provider.ts";

export interface Defaults {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly emptyIsUnset: readonly (readonly string[])[];
  /** Set where the object around it is there and the field is not. */
  readonly values: readonly { readonly path: readonly string[]; readonly value: unknown }[];
}

function imageTexts(...spec: string[]): readonly string[][] {
  return ["diskFormat", "checksumType"].map((field) => [...spec, "image", field]);
}

const provider = { group: infrastructureGroup, version: "v1beta2" } as const;

export const defaults: readonly Defaults[] = [
  {
    ...provider,
    plural: "metal3clusters",
    emptyIsUnset: [],
    values: [
      { path: ["spec", "cloudProviderEnabled"], value: false }, // M05
      { path: ["spec", "controlPlaneEndpoint", "port"], value: 6443 }, // M05
    ],
  },
  {
    ...provider,
    plural: "metal3machines",
    emptyIsUnset: imageTexts("spec"),
    values: [],
  },
  {
    ...provider,
    plural: "metal3machinetemplates",
    emptyIsUnset: imageTexts("spec", "template", "spec"),
    values: [],
  },
  {
    group: "metal3.io",
    version: "v1alpha1",
    plural: "baremetalhosts",
    // As cluster-api's own machine provider patches hosts.
    emptyIsUnset: [["spec", "image", "format"]], // M81
    values: [],
  },
];
