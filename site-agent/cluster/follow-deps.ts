// What following a resource needs: where it is, how its objects are read, and what is remembered of them.
import { z } from "zod";
import { machineResource, type FeedObject, type FeedResource } from "../../shared/protocol/feed.ts";
import type { Clock, Crypto, Log } from "../ports.ts";
import type { Hub } from "./hub.ts";
import type { NewestSeen } from "./newest-seen.ts";
import type { KubernetesApi } from "./port.ts";

export const paths: Readonly<Record<FeedResource, string>> = {
  baremetalhosts: "/apis/metal3.io/v1alpha1/baremetalhosts",
  "clusters.cluster.x-k8s.io": "/apis/cluster.x-k8s.io/v1beta2/clusters",
  hardwaredata: "/apis/metal3.io/v1alpha1/hardwaredata",
  "machines.cluster.x-k8s.io": "/apis/cluster.x-k8s.io/v1beta2/machines",
  "machines.machine.openshift.io": "/apis/machine.openshift.io/v1beta1/machines",
  "machinesets.machine.openshift.io": "/apis/machine.openshift.io/v1beta1/machinesets",
  metal3clusters: "/apis/infrastructure.cluster.x-k8s.io/v1beta2/metal3clusters",
  metal3machines: "/apis/infrastructure.cluster.x-k8s.io/v1beta2/metal3machines",
  metal3machinetemplates: "/apis/infrastructure.cluster.x-k8s.io/v1beta2/metal3machinetemplates",
  namespaces: "/api/v1/namespaces",
};

/** Who wrote which field is half of an object, and nobody's business here. */
export const versioned = z.looseObject({
  metadata: z
    .looseObject({
      name: z.string(),
      namespace: z.string().optional(),
      uid: z.string(),
      resourceVersion: z.string(),
    })
    .transform(({ managedFields: _fields, ...metadata }) => metadata),
});

/** What the link itself remembers of the objects, on disk, so that a restart needs no list. */
export interface ObjectMemory {
  /** Whether a whole list of this resource was taken in once. */
  isComplete(resource: FeedResource): boolean;
  /** A whole list begins: until it is taken in, none was, whatever becomes of this process. */
  listing(resource: FeedResource): void;
  /**
   * It was taken in: what it does not name is gone.
   * @param hadLost whether the control plane knew nothing, or less than it had taken in before
   */
  listed(resource: FeedResource, uids: readonly string[], hadLost: boolean): void;
  changed(resource: FeedResource, objects: readonly FeedObject[], gone: readonly string[]): void;
  /** The control plane has taken in what there was up to this version. */
  reach(resource: FeedResource, version: string): void;
  /** "": nothing yet. */
  reached(resource: FeedResource): string;
}

export interface FollowDeps {
  readonly api: KubernetesApi;
  readonly hub: Hub;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly memory: ObjectMemory;
  /** Of the API server, over all sessions. */
  readonly newest: NewestSeen;
}

/** A resource of the machine side need not be defined (yet, or any more), and older rights do not name it. */
export function isOptional(resource: FeedResource): boolean {
  return machineResource.safeParse(resource).success;
}

/** Versions as decimal text; "" is nowhere. */
export function isBehind(cursor: string, reached: string): boolean {
  return cursor !== "" && reached !== "" && BigInt(cursor) < BigInt(reached);
}
