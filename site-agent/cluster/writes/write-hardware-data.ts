// The HardwareData of a host: what its inspection found, in an object of the host's name that goes with the host.
import { isSameJson } from "../../../shared/host/document/canonical-json.ts";
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import type { KubernetesApi } from "../port.ts";
import {
  attempt,
  fetchHost,
  fetchObject,
  fieldManager,
  hostApi,
  type Fetched,
  type WriteOutcome,
} from "./write-attempt.ts";

type Write = Extract<WriteBack, { kind: "hardware-data" }>;
interface Target {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

const finalizer = "baremetalhost.metal3.io/hardwareData";

/** Deleted and created anew, as upstream does: a new inspection is a new object. */
export async function writeHardwareData(api: KubernetesApi, write: Write): Promise<WriteOutcome> {
  const host = await fetchHost(api, write);
  if (!host.ok) return host.outcome;
  const path = pathOf(write);
  const existing = await fetchObject(api, path);
  if (!existing.ok) return existing.outcome;
  if (existing.object !== undefined) {
    if (isSame(existing.object, write)) return { ok: true };
    const removed = await remove(api, path, existing.object);
    if (!removed.ok) return removed;
  }
  return await attempt(api, {
    method: "POST",
    path: path.slice(0, path.lastIndexOf("/")),
    body: hardwareData(write),
  });
}

/** Removes the finalizer of the host's own HardwareData, so that it goes with the host. */
export async function releaseHardwareData(
  api: KubernetesApi,
  write: Target,
): Promise<WriteOutcome> {
  const path = pathOf(write);
  const found = await fetchObject(api, path);
  if (!found.ok) return found.outcome;
  const owner = ownerOf(found.object);
  // Of another host of this name, which came after.
  const isForeign = owner !== undefined && owner !== write.uid;
  return isForeign ? { ok: true } : await dropFinalizer(api, path, found.object);
}

function pathOf({ namespace, name }: Target): string {
  return `/apis/${hostApi}/namespaces/${namespace}/hardwaredata/${name}`;
}

function ownerOf(object: Fetched | undefined): string | undefined {
  return object?.metadata.ownerReferences?.find(({ kind }) => kind === "BareMetalHost")?.uid;
}

function isSame(object: Fetched, write: Write): boolean {
  const hardware = object.spec?.["hardware"] ?? null;
  const isOurs = ownerOf(object) === write.uid && object.metadata.deletionTimestamp === undefined;
  return isOurs && isSameJson(hardware, write.hardware);
}

async function remove(api: KubernetesApi, path: string, object: Fetched): Promise<WriteOutcome> {
  const released = await dropFinalizer(api, path, object);
  if (!released.ok) return released;
  return await attempt(api, {
    method: "DELETE",
    path,
    body: {
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions: { uid: object.metadata.uid },
    },
  });
}

async function dropFinalizer(
  api: KubernetesApi,
  path: string,
  object: Fetched | undefined,
): Promise<WriteOutcome> {
  const { finalizers = [], resourceVersion } = object?.metadata ?? {};
  if (!finalizers.includes(finalizer)) return { ok: true };
  return await attempt(api, {
    method: "PATCH",
    path: `${path}?fieldManager=${fieldManager}`,
    patch: "merge",
    body: {
      metadata: {
        resourceVersion,
        finalizers: finalizers.filter((each) => each !== finalizer),
      },
    },
  });
}

function hardwareData({ namespace, name, uid, hardware }: Write): object {
  return {
    apiVersion: hostApi,
    kind: "HardwareData",
    metadata: {
      namespace,
      name,
      finalizers: [finalizer],
      ownerReferences: [
        {
          apiVersion: hostApi,
          kind: "BareMetalHost",
          name,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: { hardware },
  };
}
