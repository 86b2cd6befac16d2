// One object from the version that it has to the one that is asked for. Everything that does not move between the
// versions is handed on as it came; of metadata only annotations change.
import { z } from "zod";
import { issuesText } from "../../issues-text.ts";
import { err, ok, quote, type Result } from "../../result.ts";
import { infrastructureGroup } from "../provider.ts";
import { clusterSpecToV1beta1, clusterSpecToV1beta2 } from "./cluster-spec.ts";
import { compact, compactOrNone, type Json } from "../../json.ts";
import {
  keptPhase,
  keptReference,
  keptTemplateMetadata,
  putBackKept,
  writeKept,
  type KeptField,
} from "./kept.ts";
import { machineSpecToV1beta1, machineSpecToV1beta2 } from "./machine-spec.ts";
import {
  clusterStatusToV1beta1,
  clusterStatusToV1beta2,
  machineStatusToV1beta1,
  machineStatusToV1beta2,
} from "./status.ts";

type Version = "v1beta1" | "v1beta2";
const other: Readonly<Record<Version, Version>> = { v1beta1: "v1beta2", v1beta2: "v1beta1" };

const head = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ annotations: z.record(z.string(), z.string()).nullish() }),
});

interface KindConversion {
  /** Reads an object of the other version and gives it the form of this one. */
  readonly to: Readonly<Record<Version, z.ZodType<Json>>>;
  /** What this version has and the other has not. */
  readonly onlyIn: Readonly<Record<Version, readonly KeptField[]>>;
}

function whole(spec: z.ZodType<Json>, status: z.ZodType<Json>): z.ZodType<Json> {
  return z.looseObject({ spec: spec.nullish(), status: status.nullish() });
}

function template(spec: z.ZodType<Json>): z.ZodType<Json> {
  const form = z.looseObject({ spec: spec.nullish() });
  return z.looseObject({ spec: z.looseObject({ template: form.nullish() }).nullish() });
}

/** v1beta1 has no metadata in a template. */
function bareTemplate(spec: z.ZodType<Json>): z.ZodType<Json> {
  const form = z
    .looseObject({ spec: spec.nullish() })
    .transform((given) => compact({ ...given, metadata: undefined }));
  return z.looseObject({ spec: z.looseObject({ template: form.nullish() }).nullish() });
}

const conversions: Readonly<Record<string, KindConversion>> = {
  Metal3Cluster: {
    to: {
      v1beta1: whole(clusterSpecToV1beta1, clusterStatusToV1beta1),
      v1beta2: whole(clusterSpecToV1beta2, clusterStatusToV1beta2),
    },
    onlyIn: { v1beta1: [], v1beta2: [] },
  },
  Metal3ClusterTemplate: {
    to: { v1beta1: bareTemplate(clusterSpecToV1beta1), v1beta2: template(clusterSpecToV1beta2) },
    onlyIn: { v1beta1: [], v1beta2: [keptTemplateMetadata] },
  },
  Metal3Machine: {
    to: {
      v1beta1: whole(machineSpecToV1beta1, machineStatusToV1beta1),
      v1beta2: whole(machineSpecToV1beta2, machineStatusToV1beta2),
    },
    onlyIn: {
      v1beta1: [
        keptReference("spec", "dataTemplate"),
        keptReference("status", "renderedData"),
        keptPhase,
      ],
      v1beta2: [],
    },
  },
  Metal3MachineTemplate: {
    to: { v1beta1: bareTemplate(machineSpecToV1beta1), v1beta2: template(machineSpecToV1beta2) },
    onlyIn: {
      v1beta1: [keptReference("spec", "template", "spec", "dataTemplate")],
      v1beta2: [keptTemplateMetadata],
    },
  },
};

/** The message begins with the field that is wrong. */
export function convertObject(object: unknown, desiredApiVersion: string): Result<Json, "object"> {
  const given = head.safeParse(object);
  if (!given.success) return err("object", issuesText(given.error));
  const { apiVersion, kind } = given.data;
  if (apiVersion === desiredApiVersion) return ok(given.data);
  const target = versionOf(desiredApiVersion);
  if (target === undefined || versionOf(apiVersion) !== other[target]) {
    return err(
      "object",
      `apiVersion: ${quote(apiVersion)} cannot be converted to ${quote(desiredApiVersion)}; ${infrastructureGroup} has v1beta1 and v1beta2`,
    );
  }
  const conversion = Object.hasOwn(conversions, kind) ? conversions[kind] : undefined;
  if (conversion === undefined) {
    const known = Object.keys(conversions).join(", ");
    return err("object", `kind: ${quote(kind)} is none that is converted here: ${known}`);
  }
  const converted = conversion.to[target].safeParse(given.data);
  if (!converted.success) return err("object", issuesText(converted.error));
  return ok({
    ...putBackKept(
      conversion.onlyIn[target],
      converted.data,
      given.data.metadata.annotations?.[annotationOf(target)],
    ),
    apiVersion: desiredApiVersion,
    metadata: convertMetadata(given.data, target, conversion),
  });
}

function annotationOf(version: Version): string {
  return `farrier.dev/only-in-${version}`;
}

/** Kubernetes lets a conversion change labels and annotations only. */
function convertMetadata(
  given: z.infer<typeof head>,
  target: Version,
  { onlyIn }: KindConversion,
): Json {
  const source = other[target];
  const kept = writeKept(onlyIn[source], given);
  const annotations = compactOrNone({
    ...given.metadata.annotations,
    [annotationOf(target)]: undefined,
    [annotationOf(source)]: kept,
  });
  return compact({ ...given.metadata, annotations });
}

function versionOf(apiVersion: string): Version | undefined {
  const [group, version] = apiVersion.split("/");
  const isOurs = group === infrastructureGroup && (version === "v1beta1" || version === "v1beta2");
  return isOurs ? version : undefined;
}
