// Whose a host is, by spec.consumerRef: of this machine, of nobody, of somebody else.
import { infrastructureGroup } from "../../capm3/provider.ts";
import type { MachineDraft } from "../draft.ts";
import type { HostView } from "../snapshot.ts";

type Reference = NonNullable<HostView["spec"]["consumerRef"]>;

/** As it is written into the host. */
export function consumerOf({ snapshot }: MachineDraft): Reference {
  const { name, namespace } = snapshot.object.metadata;
  return {
    apiVersion: `${infrastructureGroup}/v1beta2`,
    kind: "Metal3Machine",
    name,
    namespace,
  };
}

/** By name, namespace, kind and group, as the cluster link compares too: the version may be an older one. */
export function ownerOfHost(draft: MachineDraft, { spec }: HostView): "ours" | "nobody" | "other" {
  const { consumerRef } = spec;
  if (consumerRef === undefined) return "nobody";
  const wanted = consumerOf(draft);
  const isOurs =
    consumerRef.kind === wanted.kind &&
    consumerRef.name === wanted.name &&
    consumerRef.namespace === wanted.namespace &&
    consumerRef.apiVersion?.split("/")[0] === infrastructureGroup;
  return isOurs ? "ours" : "other";
}

/** "Metal3Machine metal/worker-1". */
export function consumerText({ spec, namespace }: HostView): string {
  const { kind = "object", name = "", namespace: own = namespace } = spec.consumerRef ?? {};
  return `${kind} ${own}/${name}`;
}
