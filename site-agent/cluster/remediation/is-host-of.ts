// Whether a host is still that of the machine which a write is about.
import { objectKinds } from "../../../shared/machine/flavour.ts";
import { ownerByReference } from "../../../shared/metal3/consumer.ts";
import type { HostTaker } from "../../../shared/protocol/write-back.ts";
import type { Fetched } from "../writes/write-attempt.ts";

interface Machine {
  readonly resource: HostTaker;
  readonly namespace: string;
  readonly name: string;
}

export function isHostOf({ resource, namespace, name }: Machine, { spec }: Fetched): boolean {
  const consumer = { ...objectKinds[resource], namespace, name };
  return ownerByReference(spec?.["consumerRef"], consumer, namespace) === "ours";
}
