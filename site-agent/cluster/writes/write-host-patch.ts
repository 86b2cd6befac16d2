// What a host's consumer wants of it, merged into a host that is the consumer's at that moment, or becomes so by
// this very write. A host of somebody else is left alone.
import { detachedAnnotation, pausedAnnotation } from "../../../shared/metal3/annotations.ts";
import {
  hasDeployment,
  isDeployedWith,
  ownerByReference,
} from "../../../shared/metal3/consumer.ts";
import { objectReference } from "../../../shared/metal3/object-reference.ts";
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import type { KubernetesApi } from "../port.ts";
import { wouldChange } from "./would-change.ts";
import {
  fetchHost,
  hostPath,
  mergeInto,
  type Fetched,
  type WriteOutcome,
} from "./write-attempt.ts";

type Write = Extract<WriteBack, { kind: "host-patch" }>;

export async function writeHostPatch(api: KubernetesApi, write: Write): Promise<WriteOutcome> {
  const found = await fetchHost(api, write);
  if (!found.ok) return found.outcome;
  const patch = wantedPatch(write, found.object);
  if (!wouldChange(found.object, patch)) return { ok: true };
  if (write.holdsOff === true && isLeftAlone(found.object)) return { ok: true };
  const consumer = found.object.spec?.["consumerRef"];
  const owner = ownerOf(write, consumer);
  if (owner === "other") return { ok: false, message: refusal(write, consumer), retry: false };
  // A host that was let go may be a person's by now: what is left of an old order is not for it.
  if (owner === "nobody" && ownerOf(write, patch.spec["consumerRef"]) !== "ours")
    return { ok: true };
  const bar = owner === "nobody" ? barTo(write, found.object) : undefined;
  if (bar !== undefined) {
    const message = `host ${write.namespace}/${write.name} was not claimed: it ${bar}`;
    return { ok: false, message, retry: false };
  }
  return await mergeInto(api, hostPath(write), found.object, patch);
}

function wantedPatch(write: Write, { spec: held = {}, metadata }: Fetched) {
  const isDeployed = hasDeployment(held);
  const { labels = {}, annotations = {}, spec, deploySpec } = write;
  const { ownerReferences } = metadata;
  const isLeft = spec?.["consumerRef"] === null && ownerReferences !== undefined;
  const owners = isLeft ? { ownerReferences: othersOf(write, ownerReferences) } : {};
  return {
    metadata: { labels, annotations, ...owners },
    spec: { ...spec, ...(isDeployed ? {} : deploySpec) },
  };
}

type Owners = NonNullable<Fetched["metadata"]["ownerReferences"]>;

/** Released providers make their machine the host's owner: the host would be deleted with it. */
function othersOf({ consumer }: Write, owners: Owners): Owners {
  return owners.filter(({ kind, name }) => kind !== consumer.kind || name !== consumer.name);
}

/**
 * A claim may have waited long: by now a person may have deployed the host, or holds it. One that runs what the claim
 * itself brings, image and user data, has only lost its consumer.
 */
function barTo({ deploySpec = {} }: Write, { metadata, spec = {} }: Fetched): string | undefined {
  if (metadata.deletionTimestamp !== undefined) return "is being deleted";
  if (hasDeployment(spec)) {
    return isDeployedWith(spec, deploySpec) ? undefined : "has another image";
  }
  return whyLeftAlone(spec, metadata);
}

function isLeftAlone({ metadata, spec = {} }: Fetched): boolean {
  return whyLeftAlone(spec, metadata) !== undefined;
}

function whyLeftAlone(
  spec: NonNullable<Fetched["spec"]>,
  { annotations = {} }: Fetched["metadata"],
): string | undefined {
  if (spec["externallyProvisioned"] === true) return "is externally provisioned";
  if (annotations[pausedAnnotation] !== undefined) return "is paused";
  return annotations[detachedAnnotation] === undefined ? undefined : "is detached";
}

function ownerOf({ consumer, namespace }: Write, shown: unknown) {
  return ownerByReference(shown, consumer, namespace);
}

function refusal({ namespace, name, consumer }: Write, other: unknown): string {
  const named = objectReference.safeParse(other).data ?? {};
  const words = ({ kind, namespace: space, name: own }: Write["consumer"]) =>
    `${kind ?? "an unknown kind"} ${space ?? ""}/${own ?? ""}`;
  return `host ${namespace}/${name} was left alone: its spec.consumerRef is ${words(named)}, not ${words(consumer)}`;
}
