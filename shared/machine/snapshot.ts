// A snapshot of the machine side: all that a decision about one of its objects may look at. Time and chance are in it;
// nothing else is asked.
import { z } from "zod";
import type { Metal3Cluster } from "../capm3/v1beta2/metal3-cluster.ts";
import type { Metal3Machine } from "../capm3/v1beta2/metal3-machine.ts";
import type { Metal3MachineTemplate } from "../capm3/v1beta2/metal3-machine-template.ts";
import type { BareMetalHostSpec } from "../metal3/bare-metal-host.ts";
import type { HardwareDetails } from "../metal3/hardware-details.ts";
import type { NodeFact } from "../protocol/facts/node-fact.ts";
import type { HostTaker, WriteBack } from "../protocol/write-back.ts";
import type { CoreCluster, CoreMachine } from "./core-objects.ts";

/** What Farrier itself remembers about a machine between decisions: a JSON column of its row. */
export const machineMemory = z.object({
  /** The status as it should stand in Kubernetes, whole. */
  status: z.record(z.string(), z.unknown()),
  /** The host that it was ordered to write to, and whether Kubernetes has shown it as this machine's since. */
  host: z.object({ uid: z.string(), shown: z.boolean() }).optional(),
  /** The BMC Secret that was labelled. */
  labelledSecret: z.string().optional(),
  /** When the cluster link was last asked to link the Node (epoch ms). */
  nodeAskedAtMs: z.number().optional(),
  /** The reason that an Event told last: each is told once. */
  told: z.string().optional(),
  /** What the cluster link was last asked to do with the Node of a machine that is being deleted, or remediated. */
  leave: z
    .object({ act: z.enum(["drain", "delete", "replace"]), askedAtMs: z.number() })
    .optional(),
  /** While it is remediated. */
  remediation: z
    .object({
      /** Its host was asked to be held off, and may still be by a write that was not seen yet. */
      asked: z.boolean(),
      /** Uid of the Node that was to go. */
      nodeUid: z.string().optional(),
    })
    .optional(),
  /** Something was deployed for it: a Node may have joined. */
  mayHaveNode: z.boolean().optional(),
  /** Since when, and when last, the cluster link was asked to remove a Node that was not linked. */
  removal: z.object({ sinceMs: z.number(), askedAtMs: z.number() }).optional(),
  /** What a MachineSet has ordered and not seen yet. */
  set: z
    .object({
      /** Of the last name that was given: none is given twice. */
      number: z.number(),
      making: z.array(z.string()),
      /** Uids. */
      leaving: z.array(z.string()),
    })
    .optional(),
});
export type MachineMemory = z.infer<typeof machineMemory>;

type HostSpec = Partial<
  Pick<
    BareMetalHostSpec,
    | "automatedCleaningMode"
    | "bmc"
    | "consumerRef"
    | "customDeploy"
    | "disablePowerOff"
    | "externallyProvisioned"
    | "image"
    | "metaData"
    | "networkData"
    | "online"
    | "userData"
  >
>;

/** A host as choosing sees it. */
export interface HostBrief {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** It has a deletionTimestamp, or is gone from Kubernetes. */
  readonly deleting: boolean;
  readonly gone: boolean;
  readonly spec: HostSpec;
  /** From Farrier's own memory of the host, which its status in Kubernetes follows; "unknown": nothing decided yet. */
  readonly state: string;
  readonly errorMessage: string;
  readonly site:
    | {
        readonly name: string;
        readonly connection: "connected" | "degraded" | "unreachable";
      }
    | undefined;
  /** The machine (its uid) that has claimed it in the database. */
  readonly claimedBy: string | undefined;
}

/** A host as its machine sees it: what associating and releasing look at. */
export interface HostView extends HostBrief {
  readonly operationalStatus: string;
  readonly poweredOn: boolean;
  /** It is off as far as a BMC that answers has said, and nothing runs that may switch it on. */
  readonly isOff: boolean;
  /** Why the last decision about it waits, for people; from condition farrier.dev/Operation. */
  readonly operation: string | undefined;
  readonly hardware: Pick<HardwareDetails, "hostname" | "nics"> | undefined;
  /** SMBIOS UUID pinned at inspection, lower case. */
  readonly systemUuid: string | undefined;
}

export interface Common<T> {
  /** Epoch ms. */
  readonly nowMs: number;
  readonly object: T;
  /** The object is gone from Kubernetes; `object` is its last form. */
  readonly deleted: boolean;
  readonly memory: MachineMemory | undefined;
  /** The Cluster of cluster-api that it belongs to. */
  readonly coreCluster: CoreCluster | undefined;
}

/** What taking a host looks at of a Metal3Machine; of another kind the same is made from its own fields. */
type TakingObject = Pick<Metal3Machine, "metadata" | "spec" | "status">;

/** Of a machine whose Node is in the cluster that holds both. */
interface OwnNode {
  readonly isLinked: boolean;
  readonly marks: Extract<WriteBack, { kind: "link-node" }>["marks"];
  /** A new Node gets what the machine keeps of the one before. */
  readonly restores: boolean;
}

/** Of whatever kind takes hosts. */
export interface TakerSnapshot extends Common<TakingObject> {
  readonly resource: HostTaker;
  /** The Machine that owns it. */
  readonly owner: CoreMachine | undefined;
  readonly metal3Cluster: Metal3Cluster | undefined;
  /** What it was made from, if that is still there. */
  readonly template: Metal3MachineTemplate | undefined;
  /** The host that it has claimed. */
  readonly host: HostView | undefined;
  /** All hosts of its namespace, while it has claimed none and may take one: see MachineRows. */
  readonly hosts: readonly HostBrief[];
  readonly node: NodeFact | undefined;
  /** Absent: the Node is in the workload cluster that its Cluster names. */
  readonly ownNode?: OwnNode;
  /** Random, 16 hex digits, new for each snapshot: equal hosts are chosen by chance. */
  readonly draw: string;
}

export interface MachineSnapshot extends TakerSnapshot {
  readonly kind: "machine";
}

export interface ClusterSnapshot extends Common<Metal3Cluster> {
  readonly kind: "cluster";
  readonly resource: "metal3clusters";
  /** Names of Machines (cluster.x-k8s.io) that still belong to the Cluster. */
  readonly machines: readonly string[];
}
