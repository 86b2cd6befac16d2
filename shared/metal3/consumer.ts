// Whose a host is by its spec.consumerRef, and whether it runs what a consumer brings: judged alike by who decides and
// by the cluster link, which judges again right before it writes.
import { isSameJson } from "../host/document/canonical-json.ts";
import { objectReference } from "./object-reference.ts";
import type { z } from "zod";

type Reference = z.infer<typeof objectReference>;

/**
 * By name, namespace, kind and group: versions come and go. A reference without a namespace is into the host's own; one
 * that is empty names nobody, one that cannot be read somebody else.
 */
export function ownerByReference(
  consumer: unknown,
  wanted: Reference,
  namespace: string,
): "ours" | "nobody" | "other" {
  const read = objectReference.safeParse(consumer ?? {}).data;
  if (read === undefined) return "other";
  if (Object.values(read).every((text) => (text ?? "") === "")) return "nobody";
  const isOurs =
    read.name === wanted.name &&
    (read.namespace ?? namespace) === wanted.namespace &&
    read.kind === wanted.kind &&
    groupOf(read.apiVersion) === groupOf(wanted.apiVersion);
  return isOurs ? "ours" : "other";
}

function groupOf(apiVersion = ""): string {
  const [group = "", version] = apiVersion.split("/");
  return version === undefined ? "" : group;
}

type Deployment = Readonly<Partial<Record<"image" | "customDeploy" | "userData", unknown>>>;

export function hasDeployment(spec: Deployment): boolean {
  return (spec.image ?? spec.customDeploy ?? undefined) !== undefined;
}

export function isDeployedWith(spec: Deployment, brought: Deployment): boolean {
  const parts = ["image", "customDeploy", "userData"] as const;
  return hasDeployment(spec) && parts.every((part) => isSameJson(spec[part], brought[part]));
}
