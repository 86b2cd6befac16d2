// What is known about a kind whose definition is generated.
import type { z } from "zod";

export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "date" | "integer";
  readonly jsonPath: string;
  /** 1: with `-o wide` only. */
  readonly priority?: 1;
}

export interface KindVersion {
  readonly name: string;
  readonly columns: readonly PrinterColumn[];
  readonly spec: { readonly schema: z.ZodType; readonly required: boolean };
  /** With a status the version has the status subresource. */
  readonly status?: z.ZodType;
  /** Paths: with them `kubectl scale` works. */
  readonly scale?: {
    readonly specReplicasPath: string;
    readonly statusReplicasPath: string;
    readonly labelSelectorPath: string;
  };
}

export interface Kind {
  /** Of its definition, where that is not applied with the others. */
  readonly folder?: string;
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly categories?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  /** The cluster link converts between the versions; otherwise only apiVersion changes. */
  readonly isConverted?: boolean;
  /** The one that is stored first; the others are deprecated. */
  readonly versions: readonly [KindVersion, ...KindVersion[]];
}

export const age: PrinterColumn = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
};
