// The watch webhooks: what a cluster link POSTs to the control plane. Any instance takes them; the session
// token of the link's current epoch authorises.
//
//   POST /clusters/{cluster}/feed/{resource}     watch batch or list page → cursor
//   POST /clusters/{cluster}/secrets             secret facts, level-triggered
//   POST /clusters/{cluster}/nodes               node facts, level-triggered
import { z } from "zod";
import { nodeFact } from "./facts/node-fact.ts";
import { secretFact } from "./facts/secret-fact.ts";

/** The resources that every cluster has. */
export const hostResource = z.enum(["baremetalhosts", "hardwaredata", "namespaces"]);
export type HostResource = z.infer<typeof hostResource>;

/** What machines of cluster-api are decided from, resource.group where kubectl would need it. */
export const clusterApiResource = z.enum([
  "clusters.cluster.x-k8s.io",
  "machines.cluster.x-k8s.io",
  "metal3clusters",
  "metal3machines",
]);

/** What older cluster links do not follow: no decision waits for it to be listed. */
const laterResource = z.enum(["metal3machinetemplates"]);

/** The same for machines of OpenShift; followed where the cluster link is told to. */
export const openShiftResource = z.enum([
  "machines.machine.openshift.io",
  "machinesets.machine.openshift.io",
]);

/** What is followed where it is defined, without a word about it. */
export const usualResource = z.enum([...clusterApiResource.options, ...laterResource.options]);

/** The resources of the machine side. */
export const machineResource = z.enum([...usualResource.options, ...openShiftResource.options]);
export type MachineResource = z.infer<typeof machineResource>;

export const feedResource = z.enum([...hostResource.options, ...machineResource.options]);
export type FeedResource = z.infer<typeof feedResource>;

/** An object as Kubernetes holds it; the control plane validates it by kind, and keeps it whole. */
const anyObject = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    uid: z.string(),
    resourceVersion: z.string(),
  }),
});
export type FeedObject = z.infer<typeof anyObject>;

export const feedBatch = z.discriminatedUnion("kind", [
  /** Events of a watch. Taken only if `fromResourceVersion` is the stored cursor. */
  z.object({
    kind: z.literal("watch"),
    fromResourceVersion: z.string(),
    toResourceVersion: z.string(),
    events: z
      .array(z.object({ type: z.enum(["ADDED", "MODIFIED", "DELETED"]), object: anyObject }))
      .max(500),
    /** With it all is told that had changed when the session began. Older cluster links do not say it (hello). */
    caughtUp: z.boolean().optional(),
  }),
  /**
   * A page of a complete list. The last page moves the cursor to the list's version and marks as deleted
   * whatever this list (by `listId`) did not name. Taken only where `replaces` is the stored cursor: one that was
   * given up on its way must not come after a newer one. Older cluster links do not say it.
   */
  z.object({
    kind: z.literal("list"),
    listId: z.string(),
    replaces: z.string().optional(),
    resourceVersion: z.string(),
    items: z.array(anyObject).max(500),
    last: z.boolean(),
  }),
]);
export type FeedBatch = z.infer<typeof feedBatch>;

/** 200, or 409 with the cursor from which to go on; an empty cursor asks for a list. */
export const feedAnswer = z.object({ cursor: z.string() });
export type FeedAnswer = z.infer<typeof feedAnswer>;

export const secretsBody = z.object({ facts: z.array(secretFact).max(500) });
export type SecretsBody = z.infer<typeof secretsBody>;
/** Hosts whose facts were stored: of one that the control plane does not know (yet) none are. */
export const secretsAnswer = z.object({ hosts: z.array(z.string()) });
export type SecretsAnswer = z.infer<typeof secretsAnswer>;

export const nodesBody = z.object({ facts: z.array(nodeFact).max(500) });
export type NodesBody = z.infer<typeof nodesBody>;
