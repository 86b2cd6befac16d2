// Looks for the Nodes of workload clusters that machines wait for: one look for all machines of a cluster, and a word
// to the control plane when there is news, which else would have to ask for each machine again and again.
import type { Clock } from "../../ports.ts";
import type { WriteOutcome } from "../writes/write-attempt.ts";
import { findNodes } from "./find-node.ts";
import { orderCountsMs } from "./follow-nodes.ts";
import type { LinkNode } from "./link-node.ts";
import type { WorkloadClusters } from "./workload-clusters.ts";
import { signOf } from "./workload-node.ts";

export interface AwaitNodesDeps {
  readonly clock: Clock;
  readonly clusters: Pick<WorkloadClusters, "look">;
  /** Does an order once more. */
  readonly link: (order: LinkNode) => Promise<WriteOutcome>;
}

/** What is waited for, by the machine's uid: kept from one session to the next. */
export type NodeOrders = Map<string, NodeOrder>;

interface NodeOrder {
  readonly order: LinkNode;
  readonly atMs: number;
  /** Of the Nodes that were told of; "": of none. */
  told: string;
}

const lookMs = 5_000;

/** An order that comes again counts for longer. */
export function addNodeOrder(orders: NodeOrders, order: LinkNode, atMs: number): void {
  const told = orders.get(order.uid)?.told ?? "";
  orders.set(order.uid, { order, atMs, told });
}

/** Runs until the signal aborts. */
export async function awaitNodes(
  deps: AwaitNodesDeps,
  orders: NodeOrders,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = deps;
  while (!signal.aborted) {
    await clock.sleep(lookMs, signal);
    for (const [uid, { atMs }] of orders)
      if (clock.monotonicMs() - atMs > orderCountsMs) orders.delete(uid);
    const byCluster = Map.groupBy(
      orders.values(),
      ({ order }) => `${order.namespace}/${order.clusterName}`,
    );
    await Promise.all(
      [...byCluster.values()].map((waiting) => lookFor(deps, orders, waiting, signal)),
    );
  }
}

async function lookFor(
  { clusters, link }: AwaitNodesDeps,
  orders: NodeOrders,
  waiting: readonly NodeOrder[],
  signal: AbortSignal,
): Promise<void> {
  const [first] = waiting;
  if (first === undefined) return;
  const look = await clusters.look(first.order.namespace, first.order.clusterName);
  if (!look.ok) return;
  const all = [...look.value.nodes.values()];
  for (const waited of waiting) {
    const { order, told } = waited;
    const { nodes } = findNodes(all, order);
    const [node, ...others] = nodes;
    const sign = nodes.map(signOf).join();
    const isLinked = node?.providerID === order.providerID && others.length === 0;
    if (signal.aborted) return;
    if (isLinked && told !== "") orders.delete(order.uid);
    else if (sign !== told && (await link(order)).ok) waited.told = sign;
  }
}
