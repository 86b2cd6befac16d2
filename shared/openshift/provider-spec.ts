// spec.providerSpec.value of a Machine: BareMetalMachineProviderSpec, read strictly, as what a Metal3Machine asks of its
// host. What does not fit is told in words that name the field and the way out.
import { z } from "zod";
import { metal3MachineSpec, type Metal3MachineSpec } from "../capm3/v1beta2/metal3-machine.ts";
import { secretReference } from "../metal3/secret-reference.ts";
import { err, ok, quote, type Result } from "../result.ts";

const apiVersion = "baremetal.cluster.k8s.io/v1alpha1";
const kind = "BareMetalMachineProviderSpec";

const text = z.string().min(1).max(512);
const providerSpec = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal(kind),
  metadata: z.unknown().optional(),
  image: z
    .strictObject({
      url: z.string(),
      checksum: z.string().optional(),
      // Not in upstream's, where every checksum is the digest by MD5, or the URL of one.
      checksumType: z.enum(["md5", "sha256", "sha512"]).optional(),
      diskFormat: z.enum(["raw", "qcow2", "vdi", "vmdk", "live-iso"]).optional(),
    })
    .optional(),
  customDeploy: z.strictObject({ method: text }).optional(),
  userData: z.strictObject(secretReference.shape).optional(),
  hostSelector: z
    .strictObject({
      matchLabels: z.record(z.string(), z.string()).optional(),
      matchExpressions: z
        .array(
          z.strictObject({ key: text, operator: z.string(), values: z.array(text).default([]) }),
        )
        .optional(),
    })
    .optional(),
});

/** "foreign": of another provider. "invalid": ours, and cannot be understood. */
export function readProviderSpec(value: unknown): Result<Metal3MachineSpec, "foreign" | "invalid"> {
  const told = z
    .object({ apiVersion: z.unknown(), kind: z.unknown() })
    .partial()
    .safeParse(value).data;
  if (told?.apiVersion !== apiVersion || told.kind !== kind) {
    const what =
      told?.kind === undefined
        ? "no kind"
        : `kind ${quote(told.kind)} of ${quote(told.apiVersion)}`;
    return err(
      "foreign",
      `spec.providerSpec.value has ${what}; give a ${kind} of ${apiVersion} to have a bare-metal host`,
    );
  }
  const parsed = providerSpec.safeParse(value);
  if (!parsed.success) return err("invalid", problemsOf(parsed.error));
  const { image, customDeploy, userData, hostSelector } = parsed.data;
  // With a way of one's own to deploy, the image is often left empty.
  const isEmpty = (image?.url ?? "") === "";
  const spec = metal3MachineSpec.safeParse({
    ...(isEmpty ? {} : { image }),
    customDeploy,
    userData,
    hostSelector: withoutEmpty(hostSelector),
  });
  return spec.success ? ok(spec.data) : err("invalid", problemsOf(spec.error));
}

type Selector = z.infer<typeof providerSpec>["hostSelector"];

function withoutEmpty(selector: Selector): Selector {
  if (selector?.matchExpressions?.length !== 0) return selector;
  const { matchExpressions: _none, ...rest } = selector;
  return rest;
}

const shown = 4;

function problemsOf({ issues }: z.ZodError): string {
  const problems = issues.map((issue) => {
    const path = ["spec.providerSpec.value", ...issue.path].join(".");
    if (issue.code !== "unrecognized_keys") return `${path}: ${issue.message}`;
    return `${path}: the field ${issue.keys.map(quote).join(", ")} is not known; remove it, or correct its name`;
  });
  return problems.slice(0, shown).join("; ");
}
