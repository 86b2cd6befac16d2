// What the control plane asks the cluster link to write into Kubernetes. Each is idempotent: it may arrive
// twice, and a target that is gone, or whose uid differs, counts as done.
import { z } from "zod";
import { bareMetalHostStatus } from "../metal3/bare-metal-host.ts";
import { hardwareDetails } from "../metal3/hardware-details.ts";
import { objectReference } from "../metal3/object-reference.ts";
import { secretPurpose } from "./facts/sealed-secret.ts";
import { openShiftResource } from "./feed.ts";

/** A merge patch: null removes the key. */
const merge = z.record(z.string(), z.unknown());
const strings = z.record(z.string(), z.string().nullable());

/** The kinds whose status and finalizers are the machine side's. */
export const providerResource = z.enum([
  "metal3clusters",
  "metal3machines",
  ...openShiftResource.options,
]);
export type ProviderResource = z.infer<typeof providerResource>;

/** Those that take hosts. */
export const hostTaker = z.enum(["metal3machines", "machines.machine.openshift.io"]);
export type HostTaker = z.infer<typeof hostTaker>;

const target = { namespace: z.string(), name: z.string(), uid: z.string() };

/**
 * Stamps (lastUpdated) of statuses that Kubernetes may show: up to `seen`, which it has shown, and those that were
 * decided since. Any other is of a memory that was lost.
 */
export const knownStamps = z.object({
  seen: z.string().optional(),
  own: z.array(z.string()),
});
export type KnownStamps = z.infer<typeof knownStamps>;

export const writeBack = z.discriminatedUnion("kind", [
  /** Server-side apply of the whole status, field manager "farrier". */
  z.object({
    kind: z.literal("status"),
    ...target,
    status: bareMetalHostStatus,
    over: knownStamps.optional(),
  }),
  z.object({
    kind: z.literal("metadata"),
    ...target,
    addFinalizers: z.array(z.string()).optional(),
    removeFinalizers: z.array(z.string()).optional(),
    removeAnnotations: z.array(z.string()).optional(),
  }),
  /** spec.architecture, only if it is empty. */
  z.object({ kind: z.literal("architecture"), ...target, architecture: z.string() }),
  /** Create, or replace by delete and create, the HardwareData of the host; owned by the host. */
  z.object({ kind: z.literal("hardware-data"), ...target, hardware: hardwareDetails }),
  /** Remove the finalizer of the host's HardwareData, so that it goes with the host. */
  z.object({ kind: z.literal("release-hardware-data"), ...target }),
  /** Label the Secret; for purpose "bmc" also owner reference and finalizer. */
  z.object({
    kind: z.literal("claim-secret"),
    ...target,
    secretName: z.string(),
    purpose: secretPurpose,
  }),
  z.object({ kind: z.literal("release-secret"), ...target, secretName: z.string() }),
  z.object({
    kind: z.literal("event"),
    ...target,
    /** What the Event is about; absent: a BareMetalHost. */
    about: z.object({ apiVersion: z.string(), kind: z.string() }).optional(),
    /** Name of the Event object: the same event written twice is one object. */
    eventName: z.string(),
    type: z.enum(["Normal", "Warning"]),
    reason: z.string(),
    message: z.string().max(1024),
    atMs: z.number(),
    related: z.record(z.string(), z.string()).optional(),
  }),
  /**
   * Merges into a host what its consumer wants of it, on the condition that the host has no other consumer at that
   * moment (bound to the resourceVersion that was read). A host of somebody else is left alone: no retry. A host
   * without consumer is written only by a patch that makes it the consumer's (spec.consumerRef); else it is done.
   */
  z.object({
    kind: z.literal("host-patch"),
    ...target,
    consumer: objectReference,
    labels: strings.optional(),
    annotations: strings.optional(),
    /** It switches the host off: none that is externally provisioned, paused or detached by now. */
    holdsOff: z.literal(true).optional(),
    spec: merge.optional(),
    /** Only while the host has neither image nor customDeploy. */
    deploySpec: merge.optional(),
  }),
  /** Labels a Secret of the host's namespace, if it exists. */
  z.object({ kind: z.literal("label-secret"), ...target, secretName: z.string(), labels: strings }),
  /** Metadata and spec fields of an object of the machine side. */
  z.object({
    kind: z.literal("provider-patch"),
    resource: providerResource,
    ...target,
    addFinalizers: z.array(z.string()).optional(),
    removeFinalizers: z.array(z.string()).optional(),
    labels: strings.optional(),
    annotations: strings.optional(),
    spec: merge.optional(),
  }),
  /**
   * Makes and deletes Machines of a MachineSet (the target), while its generation is the one that was decided about.
   * What is made is made from its template under the given names, and what is deleted is named with its uid, so that
   * the same write again does nothing.
   */
  z.object({
    kind: z.literal("machine-set"),
    ...target,
    generation: z.number(),
    make: z.array(z.string()),
    remove: z.array(z.object({ name: z.string(), uid: z.string() })),
    /** Matching Machines of nobody, which become the MachineSet's. */
    adopt: z.array(z.object({ name: z.string(), uid: z.string() })),
  }),
  /** Replaces the whole status. */
  z.object({
    kind: z.literal("provider-status"),
    resource: providerResource,
    ...target,
    status: merge,
  }),
  /**
   * Finds the Node of a machine (the target) in its workload cluster, gives it the providerID if it has none, and
   * posts a node fact. A Node is the machine's by its providerID, else by label metal3.io/uuid, else by its
   * systemUUID, else by an internal address, else by a hostname.
   */
  z.object({
    kind: z.literal("link-node"),
    ...target,
    /** Of the target; absent: a Metal3Machine. */
    resource: hostTaker.optional(),
    /**
     * Name of the Cluster: Secret `<name>-kubeconfig` of the target's namespace, key `value`. Absent: the cluster that
     * holds the target has its Node, too.
     */
    clusterName: z.string().optional(),
    providerID: z.string(),
    hostUid: z.string(),
    systemUuid: z.string().optional(),
    hostnames: z.array(z.string()),
    addresses: z.array(z.string()).optional(),
    /** What else the Node gets, beside all that it has. */
    marks: z
      .object({
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()),
        taints: z.array(
          z.object({ key: z.string(), value: z.string().optional(), effect: z.string() }),
        ),
      })
      .optional(),
    /** A Node that lacks labels and annotations which the target keeps of the one before gets them. */
    restores: z.literal(true).optional(),
    /** False: a cloud provider of the workload cluster gives providerIDs; only look. */
    mayWrite: z.boolean(),
  }),
  /**
   * Takes leave of the Node of a machine (the target) that is being deleted, in the cluster that holds both, and posts a
   * node fact. drain: no new pods, and those that can go are asked to, as their disruption budgets allow; asked for
   * again until the fact says that none is left. delete: the Node goes.
   */
  z.object({
    kind: z.literal("leave-node"),
    resource: hostTaker,
    ...target,
    nodeName: z.string(),
    nodeUid: z.string(),
    act: z.enum(["drain", "delete"]),
  }),
  /**
   * Deletes the Node of a machine (the target) that is to be remediated, while its host (of the target's namespace) is
   * held off for that, so that its pods may begin elsewhere. What the Node had is kept in the target before. Posts a
   * node fact when the Node is gone.
   */
  z.object({
    kind: z.literal("replace-node"),
    resource: hostTaker,
    ...target,
    nodeName: z.string(),
    nodeUid: z.string(),
    host: z.object({ name: z.string(), uid: z.string() }),
  }),
  /**
   * Deletes a machine (the target) whose host was switched off and on, and whose Node did not come back: if all that
   * this was decided from is still so.
   */
  z.object({
    kind: z.literal("delete-machine"),
    resource: hostTaker,
    ...target,
    host: z.object({ name: z.string(), uid: z.string() }),
    /** The value of the target's annotation that says until when its Node was waited for. */
    waitedUntil: z.string(),
    /** By which its Node would be known, as of link-node. */
    providerID: z.string(),
    systemUuid: z.string().optional(),
    hostnames: z.array(z.string()),
    addresses: z.array(z.string()).optional(),
  }),
  /**
   * Deletes the Node of a machine (the target) that is being deleted and was never linked: by its providerID, label
   * metal3.io/uuid or systemUUID, if exactly one has it and it is no other machine's. Posts a node fact.
   */
  z.object({
    kind: z.literal("remove-node"),
    resource: hostTaker,
    ...target,
    /** As of link-node. */
    clusterName: z.string().optional(),
    providerID: z.string(),
    hostUid: z.string(),
    systemUuid: z.string().optional(),
  }),
]);
export type WriteBack = z.infer<typeof writeBack>;
