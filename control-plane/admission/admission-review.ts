// The envelope of admission.k8s.io/v1: what kube-apiserver sends and what it wants back.
import { z } from "zod";
import { err, ok, quote, type Result } from "../../shared/result.ts";

const apiVersion = "admission.k8s.io/v1";

const admissionRequest = z.looseObject({
  uid: z.string().min(1).max(128),
  kind: z.object({ group: z.string(), version: z.string(), kind: z.string() }),
  resource: z.object({ group: z.string(), version: z.string(), resource: z.string() }),
  subResource: z.string().optional(),
  name: z.string().optional(),
  namespace: z.string().optional(),
  operation: z.enum(["CREATE", "UPDATE", "DELETE", "CONNECT"]),
  object: z.unknown().optional(),
  oldObject: z.unknown().optional(),
  dryRun: z.boolean().optional(),
});
export type AdmissionRequest = z.infer<typeof admissionRequest>;

export interface AdmissionAnswer {
  readonly apiVersion: typeof apiVersion;
  readonly kind: "AdmissionReview";
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly warnings?: readonly string[];
    readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
    readonly patchType?: "JSONPatch";
    /** Base64. */
    readonly patch?: string;
  };
}

/** "envelope": not an AdmissionReview that can be answered; the message names the field. HTTP 400. */
export function readRequest(body: unknown): Result<AdmissionRequest, "envelope"> {
  const envelope = z
    .looseObject({
      apiVersion: z.unknown().optional(),
      kind: z.unknown().optional(),
      request: z.unknown().optional(),
    })
    .safeParse(body);
  if (!envelope.success) return err("envelope", "the body is not a JSON object");
  if (envelope.data.kind !== "AdmissionReview") {
    return err("envelope", `kind is ${quote(envelope.data.kind)}; send an AdmissionReview`);
  }
  if (envelope.data.apiVersion !== apiVersion) {
    const given = quote(envelope.data.apiVersion);
    return err("envelope", `apiVersion is ${given}; set admissionReviewVersions to ["v1"]`);
  }
  const request = admissionRequest.safeParse(envelope.data.request);
  if (request.success) return ok(request.data);
  const [issue] = request.error.issues;
  const field = ["request", ...(issue?.path ?? [])].join(".");
  return err("envelope", `${field}: ${issue?.message ?? "is not valid"}`);
}

export function allow(uid: string, warnings: readonly string[] = []): AdmissionAnswer {
  const response = { uid, allowed: true, ...(warnings.length === 0 ? {} : { warnings }) };
  return { apiVersion, kind: "AdmissionReview", response };
}

/** Allowed with a change: a JSON patch in base64. For mutating webhooks only. */
export function patch(uid: string, base64: string): AdmissionAnswer {
  const response = { uid, allowed: true, patchType: "JSONPatch", patch: base64 } as const;
  return { apiVersion, kind: "AdmissionReview", response };
}

/** All problems in one answer. */
export function deny(
  uid: string,
  problems: readonly string[],
  warnings: readonly string[] = [],
): AdmissionAnswer {
  const status = { code: 422, reason: "Invalid", message: problems.join("; ") };
  const response = {
    uid,
    allowed: false,
    status,
    ...(warnings.length === 0 ? {} : { warnings }),
  };
  return { apiVersion, kind: "AdmissionReview", response };
}
