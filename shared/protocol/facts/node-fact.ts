// What the cluster link tells about the Node of a machine, after it was asked to link, leave or remove it.
import { z } from "zod";

export const nodeFact = z.object({
  /** Of the Metal3Machine, or OpenShift's Machine. */
  machineUid: z.string(),
  outcome: z.enum([
    /** The Node has the wanted providerID, now or before; where only a cloud gives them: the one that it gave. */
    "linked",
    /** No Node of the workload cluster is this machine's, yet. */
    "missing",
    /** Several Nodes claim to be this machine's, or one has another providerID: nothing was written. */
    "conflict",
    /** The workload cluster could not be asked: no kubeconfig Secret, a stale one, no answer. */
    "problem",
  ]),
  nodeName: z.string().optional(),
  nodeUid: z.string().optional(),
  /** Since when the Node is Ready, as it says itself; absent: it is not. */
  readySince: z.string().optional(),
  /** While the machine is being deleted: pods that are still to leave the Node; the message names the first. */
  podsLeft: z.number().optional(),
  /** Answers remove-node: what was surely the machine's is gone; with a conflict, what is left is told. */
  removed: z.literal(true).optional(),
  /** The Node has all that the machine kept of the one before, as link-node was asked to give it. */
  restored: z.literal(true).optional(),
  /** Of the Node: what was found there, or was written. */
  providerID: z.string().optional(),
  /** For people: names the Secret, the Nodes, and the way out. */
  message: z.string().max(1024).optional(),
});
export type NodeFact = z.infer<typeof nodeFact>;
