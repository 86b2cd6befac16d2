// What one version cannot say is kept in an annotation of the object while it has the form of that version, and put
// back on the way home: so that a client of the old version loses nothing of the new one, and the other way round.
import { z } from "zod";
import { objectReference } from "../../metal3/object-reference.ts";
import { templateMetadata } from "../v1beta2/template-metadata.ts";
import { compactOrNone, valueAt, withValueAt, type Json } from "../../json.ts";

export interface KeptField {
  readonly path: readonly string[];
  /** What to keep of an object of the version that has the field; undefined: nothing. */
  keep(object: Json): unknown;
  /** The value to put back; undefined: it was changed since, and what was kept counts no more. */
  putBack(kept: unknown, object: Json): unknown;
}

const nameFields = ["name", "namespace"];

/** A reference has more than a name in v1beta1. */
export function keptReference(...path: string[]): KeptField {
  const nameOf = (reference: unknown, field: string) => valueAt(reference, [field]) || undefined;
  return {
    path,
    keep(object) {
      const reference = objectReference.safeParse(valueAt(object, path)).data ?? {};
      const isMore = Object.keys(reference).some((field) => !nameFields.includes(field));
      return isMore ? reference : undefined;
    },
    putBack(kept, object) {
      const now = valueAt(object, path);
      const isSame = nameFields.every((field) => nameOf(kept, field) === nameOf(now, field));
      return isSame ? objectReference.safeParse(kept).data : undefined;
    },
  };
}

const phaseAt = z.object({ phase: z.string(), lastUpdated: z.string().optional() });

/** The phase of a machine: of v1beta1 only, and of the status of that moment only. */
export const keptPhase: KeptField = {
  path: ["status", "phase"],
  keep(object) {
    const phase = valueAt(object, ["status", "phase"]);
    const lastUpdated = valueAt(object, ["status", "lastUpdated"]);
    return typeof phase === "string" ? { phase, lastUpdated } : undefined;
  },
  putBack(kept, object) {
    const { data } = phaseAt.safeParse(kept);
    const isSame = data?.lastUpdated === valueAt(object, ["status", "lastUpdated"]);
    return isSame && valueAt(object, ["status"]) !== undefined ? data?.phase : undefined;
  },
};

/** The labels and annotations in a template: of v1beta2 only. */
export const keptTemplateMetadata: KeptField = {
  path: ["spec", "template", "metadata"],
  keep: (object) => valueAt(object, ["spec", "template", "metadata"]),
  putBack: (kept) => templateMetadata.safeParse(kept).data,
};

/** The annotation's text; undefined: nothing to keep. */
export function writeKept(fields: readonly KeptField[], object: Json): string | undefined {
  const kept = compactOrNone(
    Object.fromEntries(fields.map((field) => [field.path.join("."), field.keep(object)])),
  );
  return kept === undefined ? undefined : JSON.stringify(kept);
}

/** An annotation that is no JSON, or that a person wrote, is as good as none. */
export function putBackKept(
  fields: readonly KeptField[],
  object: Json,
  annotation: string | undefined,
): Json {
  const kept = parseText(annotation ?? "");
  return fields.reduce((restored, field) => {
    const found = valueAt(kept, [field.path.join(".")]);
    const value = found === undefined ? undefined : field.putBack(found, object);
    return value === undefined ? restored : withValueAt(restored, field.path, value);
  }, object);
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
