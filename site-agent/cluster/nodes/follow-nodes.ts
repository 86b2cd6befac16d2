// Watches the Nodes of the cluster that holds the Machines: one that joins, becomes Ready or goes is told at once, and
// not only when the control plane asks again. What is missed here is found by that.
import { z } from "zod";
import type { Clock } from "../../ports.ts";
import type { KubernetesApi, WatchEvent } from "../port.ts";
import { findNodes } from "./find-node.ts";
import type { LinkNode } from "./link-node.ts";
import { readNode, signOf } from "./workload-node.ts";

export interface FollowNodesDeps {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  /** Does an order once more. */
  readonly link: (order: LinkNode) => Promise<unknown>;
}

export interface FollowedNodes {
  /** Orders that come again and again are those that still count. */
  ordered(order: LinkNode): void;
}

const path = "/api/v1/nodes";
const retryMs = 5_000;
/** The control plane asks about each machine more often than this. */
export const orderCountsMs = 300_000;

const listed = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  items: z.array(z.unknown()),
});

/** Runs until the signal aborts. */
export function followNodes(deps: FollowNodesDeps, signal: AbortSignal): FollowedNodes {
  const { clock } = deps;
  const orders = new Map<string, { readonly order: LinkNode; readonly atMs: number }>();
  const known = new Map<string, string>();
  let work = Promise.resolve<unknown>(undefined);

  /** As it was seen before it is no news: heartbeats come all the time. */
  const take = (object: unknown, isGone: boolean) => {
    const node = readNode(object);
    if (node === undefined) return;
    const sign = isGone ? undefined : signOf(node);
    if (known.get(node.name) === sign) return;
    if (sign === undefined) known.delete(node.name);
    else known.set(node.name, sign);
    for (const [uid, { order, atMs }] of orders) {
      if (clock.monotonicMs() - atMs > orderCountsMs) orders.delete(uid);
      else if (findNodes([node], order).nodes.length > 0)
        work = work.then(() => (signal.aborted ? undefined : deps.link(order)));
    }
  };
  void follow(deps, take, signal);
  return {
    ordered: (order) => void orders.set(order.uid, { order, atMs: clock.monotonicMs() }),
  };
}

type Take = (object: unknown, isGone: boolean) => void;

async function follow(
  { api, clock }: FollowNodesDeps,
  take: Take,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const answer = await api.request({ method: "GET", path });
    const list = answer.ok ? listed.safeParse(answer.value.body).data : undefined;
    if (list !== undefined) {
      for (const item of list.items) take(item, false);
      const query = `resourceVersion=${list.metadata.resourceVersion}&timeoutSeconds=300`;
      await api.watch(`${path}?${query}`, (event) => takeEvent(event, take), signal);
    }
    if (!signal.aborted) await clock.sleep(retryMs, signal);
  }
}

function takeEvent({ type, object }: WatchEvent, take: Take): void {
  if (type === "ADDED" || type === "MODIFIED") take(object, false);
  if (type === "DELETED") take(object, true);
}
