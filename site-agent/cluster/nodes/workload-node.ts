// What of a workload cluster's Node matters for telling whose machine it is.
import { z } from "zod";
import { hostUidLabel } from "../../../shared/machine/consumer/missing-node.ts";

export interface WorkloadNode {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** "": none. */
  readonly providerID: string;
  /** Label metal3.io/uuid: UID of the host that it runs on. */
  readonly hostUid: string | undefined;
  readonly systemUuid: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly taints: readonly NodeTaint[];
  /** Its name, hostname label and addresses of type Hostname, in lower case. */
  readonly hostnames: readonly string[];
  /** Those of type InternalIP. */
  readonly addresses: readonly string[];
  /** Since when it is Ready; undefined: it is not. */
  readonly readySince: string | undefined;
  readonly isUnreachable: boolean;
  readonly isUnschedulable: boolean;
}

/** Whatever else it has is kept. */
const taint = z.looseObject({ key: z.string(), effect: z.string() });
export type NodeTaint = z.infer<typeof taint>;

const nodeCondition = z.object({
  type: z.string(),
  status: z.string(),
  lastTransitionTime: z.string().max(64).nullish(),
});
const strings = z.record(z.string(), z.string()).default({});
const nodeObject = z.object({
  metadata: z.object({
    name: z.string().max(253),
    uid: z.string(),
    resourceVersion: z.string(),
    labels: strings,
    annotations: strings,
  }),
  spec: z
    .object({
      providerID: z.string().max(1024).default(""),
      unschedulable: z.boolean().default(false),
      taints: z.array(taint).default([]),
    })
    .prefault({}),
  status: z
    .object({
      nodeInfo: z.object({ systemUUID: z.string().optional() }).default({}),
      addresses: z.array(z.object({ type: z.string(), address: z.string() })).default([]),
      conditions: z.array(nodeCondition).default([]),
    })
    .prefault({}),
});

/** Of a Node that does not say since when. */
const neverMind = new Date(0).toISOString();

/** Undefined: it is no Node, or names itself at a length that nobody could read. */
export function readNode(object: unknown): WorkloadNode | undefined {
  const parsed = nodeObject.safeParse(object);
  if (!parsed.success) return undefined;
  const { metadata, spec, status } = parsed.data;
  const { name, uid, resourceVersion, labels, annotations } = metadata;
  const addressesOf = (type: string) =>
    status.addresses.filter((each) => each.type === type).map(({ address }) => address);
  const hostname = labels["kubernetes.io/hostname"] ?? name;
  const hostnames = [name, hostname, ...addressesOf("Hostname")];
  return {
    name,
    uid,
    resourceVersion,
    providerID: spec.providerID,
    hostUid: labels[hostUidLabel],
    labels,
    annotations,
    taints: spec.taints,
    systemUuid: status.nodeInfo.systemUUID,
    hostnames: [...new Set(hostnames.map((each) => each.toLowerCase()))],
    addresses: addressesOf("InternalIP"),
    isUnschedulable: spec.unschedulable,
    ...readiness(status.conditions),
  };
}

/** What links it, and whether it is Ready. */
export function signOf({ uid, providerID, systemUuid, ...node }: WorkloadNode): string {
  const { hostUid, hostnames, addresses, readySince } = node;
  return JSON.stringify([uid, providerID, systemUuid, hostUid, hostnames, addresses, readySince]);
}

function readiness(
  conditions: readonly z.infer<typeof nodeCondition>[],
): Pick<WorkloadNode, "readySince" | "isUnreachable"> {
  const ready = conditions.find(({ type }) => type === "Ready");
  return {
    readySince: ready?.status === "True" ? (ready.lastTransitionTime ?? neverMind) : undefined,
    // Its kubelet has not been heard of for a while.
    isUnreachable: ready?.status === "Unknown",
  };
}
