// The spec of a Metal3Machine between v1beta1 and v1beta2. In v1beta1 "" and [] mean that a field is not set.
import { z } from "zod";
import { compact, compactOrNone } from "../../json.ts";

const text = z.string().nullish();
const reference = z.looseObject({ name: text, namespace: text });

export const machineSpecToV1beta2 = z
  .looseObject({
    dataTemplate: reference.nullish(),
    failureDomain: text,
    hostSelector: z.looseObject({ matchExpressions: z.array(z.unknown()).nullish() }).nullish(),
    image: z.looseObject({ format: text }).nullish(),
    providerID: text,
  })
  .transform((spec) =>
    compact({
      ...spec,
      dataTemplate: toNameOnly(spec.dataTemplate),
      failureDomain: spec.failureDomain || undefined,
      hostSelector: spec.hostSelector && withoutNone(spec.hostSelector),
      image: spec.image && toDiskFormat(spec.image),
      providerID: spec.providerID || undefined,
    }),
  );

export const machineSpecToV1beta1 = z
  .looseObject({ image: z.looseObject({ diskFormat: text }).nullish() })
  .transform(({ image, ...spec }) => compact({ ...spec, image: image && toFormat(image) }));

/** v1beta2 has references by name only; what else stood there is kept aside. */
export function toNameOnly(given: z.infer<typeof reference> | null | undefined) {
  return compactOrNone({
    name: given?.name || undefined,
    namespace: given?.namespace || undefined,
  });
}

function withoutNone(given: { matchExpressions?: unknown[] | null | undefined }) {
  const { matchExpressions, ...selector } = given;
  const isNone = (matchExpressions ?? []).length === 0;
  return { ...selector, ...(isNone ? {} : { matchExpressions }) };
}

function toDiskFormat({ format, ...image }: { format?: string | null | undefined }) {
  return compact({ ...image, diskFormat: format || undefined });
}

function toFormat({ diskFormat, ...image }: { diskFormat?: string | null | undefined }) {
  return compact({ ...image, format: diskFormat });
}
