// ConversionReview of apiextensions.k8s.io/v1: what an API server asks when it needs another version of objects,
// and the answer. All objects are converted or none; why not is said for each.
import { z } from "zod";
import { err, ok, quote, type Result } from "../../result.ts";
import { convertObject } from "./convert-object.ts";
import type { Json } from "../../json.ts";

const apiVersion = "apiextensions.k8s.io/v1";
const maxProblems = 5;

const review = z.looseObject({
  kind: z.literal("ConversionReview"),
  apiVersion: z.literal(apiVersion),
  request: z.looseObject({
    uid: z.string().min(1),
    desiredAPIVersion: z.string().min(1),
    objects: z.array(z.unknown()),
  }),
});

export interface ConversionAnswer {
  readonly apiVersion: typeof apiVersion;
  readonly kind: "ConversionReview";
  readonly response: {
    readonly uid: string;
    /** In the order of the request. */
    readonly convertedObjects: readonly Json[];
    readonly result: { readonly status: "Success" | "Failure"; readonly message?: string };
  };
}

/** "envelope": no ConversionReview that could be answered; the message names the field. HTTP 400. */
export function reviewConversion(body: unknown): Result<ConversionAnswer, "envelope"> {
  const read = review.safeParse(body);
  if (!read.success) {
    const [issue] = read.error.issues;
    return err("envelope", `${issue?.path.join(".") || "the body"}: ${issue?.message}`);
  }
  const { uid, desiredAPIVersion, objects } = read.data.request;
  const converted: Json[] = [];
  const problems: string[] = [];
  for (const [index, object] of objects.entries()) {
    const result = convertObject(object, desiredAPIVersion);
    if (result.ok) converted.push(result.value);
    else problems.push(`${nameOf(object, index)}: ${result.error.message}`);
  }
  if (problems.length === 0) {
    return ok(answer({ uid, convertedObjects: converted, result: { status: "Success" } }));
  }
  const more = problems.length - maxProblems;
  const message = [
    ...problems.slice(0, maxProblems),
    ...(more > 0 ? [`and ${more} objects more`] : []),
  ].join("; ");
  return ok(answer({ uid, convertedObjects: [], result: { status: "Failure", message } }));
}

function answer(response: ConversionAnswer["response"]): ConversionAnswer {
  return { apiVersion, kind: "ConversionReview", response };
}

const named = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string().optional(), namespace: z.string().optional() }),
});

function nameOf(object: unknown, index: number): string {
  const { data } = named.safeParse(object);
  if (data === undefined) return `object ${index}`;
  const { name = "(no name)", namespace } = data.metadata;
  return `${data.kind} ${quote(namespace === undefined ? name : `${namespace}/${name}`)}`;
}
