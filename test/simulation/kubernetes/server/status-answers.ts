// The Status objects that a kube-apiserver refuses with.
import type { KubernetesAnswer } from "../../../../site-agent/cluster/port.ts";
import type { Resource } from "./resources.table.ts";

const reasons: Readonly<Record<number, string>> = {
  400: "BadRequest",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  409: "Conflict",
  410: "Expired",
  422: "Invalid",
};

export function refusal(code: number, message: string, reason = reasons[code]): KubernetesAnswer {
  return { status: code, body: statusObject(code, message, reason) };
}

export function statusObject(code: number, message: string, reason = reasons[code]) {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    code,
  };
}

/** As "baremetalhosts.metal3.io". */
export function groupResource({ name, group }: Resource): string {
  return group === "" ? name : `${name}.${group}`;
}

export function notFound(resource: Resource, name: string): KubernetesAnswer {
  return refusal(404, `${groupResource(resource)} "${name}" not found`);
}

export function conflict(resource: Resource, name: string, why: string): KubernetesAnswer {
  const what = `${groupResource(resource)} "${name}"`;
  return refusal(409, `Operation cannot be fulfilled on ${what}: ${why}`);
}

export const modified =
  "the object has been modified; please apply your changes to the latest version and try again";

export function invalid(
  { kind, group }: Resource,
  name: string,
  problems: readonly string[],
): KubernetesAnswer {
  const what = group === "" ? kind : `${kind}.${group}`;
  return refusal(422, `${what} "${name}" is invalid: ${problems.join(", ")}`);
}
