// Whose a host is, by spec.consumerRef: of this machine, of nobody, of somebody else.
import { ownerByReference } from "../../metal3/consumer.ts";
import type { MachineDraft } from "../draft.ts";
import { objectKinds } from "../flavour.ts";
import type { HostBrief } from "../snapshot.ts";

type Reference = NonNullable<HostBrief["spec"]["consumerRef"]>;

/** As it is written into the host. */
export function consumerOf({ snapshot }: MachineDraft): Reference {
  const { name, namespace } = snapshot.object.metadata;
  return { ...objectKinds[snapshot.resource], name, namespace };
}

export function ownerOfHost(draft: MachineDraft, { spec, namespace }: HostBrief) {
  return ownerByReference(spec.consumerRef, consumerOf(draft), namespace);
}

/** "Metal3Machine metal/worker-1". */
export function consumerText({ spec, namespace }: HostBrief): string {
  const { kind = "object", name = "", namespace: own = namespace } = spec.consumerRef ?? {};
  return `${kind} ${own}/${name}`;
}
