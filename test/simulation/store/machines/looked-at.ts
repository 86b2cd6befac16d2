// As lookedAt of control-plane/store/machines/wake-machines.ts: what decisions of the machine side read of an object of
// Kubernetes.
import type { FeedObject } from "../../../../shared/protocol/feed.ts";
import { sameJson } from "../stored-json.ts";

/** Undefined: there is none. */
export function isAnother(before: FeedObject | undefined, after: FeedObject | undefined): boolean {
  return !sameJson(lookedAt(before), lookedAt(after));
}

const readConditions: readonly unknown[] = ["InfrastructureReady", "BootstrapReady"];

function lookedAt(object: FeedObject | undefined): readonly unknown[] {
  const metadata = fieldOf(object, "metadata");
  const status = fieldOf(object, "status");
  const initialization = fieldOf(status, "initialization");
  const conditions = fieldOf(fieldOf(fieldOf(status, "deprecated"), "v1beta1"), "conditions");
  return [
    fieldOf(object, "spec"),
    fieldOf(metadata, "labels"),
    fieldOf(metadata, "annotations"),
    fieldOf(metadata, "deletionTimestamp"),
    fieldOf(initialization, "infrastructureProvisioned"),
    fieldOf(status, "nodeRef"),
    Array.isArray(conditions)
      ? conditions
          .filter((each) => readConditions.includes(fieldOf(each, "type")))
          .filter((each) => fieldOf(each, "status") === "True")
          .map((each) => fieldOf(each, "type"))
      : [],
  ];
}

/** Null where there is none, as SQL has it. */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  return (value as Readonly<Record<string, unknown>>)[name] ?? null;
}

/** As ->> of a path; null where the field is not there. */
export function textAt(value: unknown, ...path: readonly string[]): string | null {
  const found = path.reduce(fieldOf, value);
  return typeof found === "string" ? found : null;
}

/** The first owner of a kind. */
export function ownerOf(object: FeedObject, kind: "Machine" | "Cluster"): unknown {
  const owners = fieldOf(object.metadata, "ownerReferences");
  return Array.isArray(owners) ? owners.find((each) => fieldOf(each, "kind") === kind) : undefined;
}
