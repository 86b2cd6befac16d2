import { afterEach, beforeEach, expect, test } from "vitest";
import { makeVirtualClock } from "../../../infra/lab/bmc-simulator/virtual-clock.ts";
import { err, ok } from "../../../shared/result.ts";
import { addNodeOrder, awaitNodes, type NodeOrders } from "./await-nodes.ts";
import type { LinkNode } from "./link-node.ts";
import type { WorkloadClusters } from "./workload-clusters.ts";
import { readNode, type WorkloadNode } from "./workload-node.ts";

const order = (name: string, clusterName = "east"): LinkNode => ({
  kind: "link-node",
  namespace: "metal",
  name,
  uid: `uid-${name}`,
  clusterName,
  providerID: `metal3://metal/m/${name}`,
  hostUid: `host-${name}`,
  hostnames: [name],
  mayWrite: true,
});

let clock: ReturnType<typeof makeVirtualClock>;
let stop: AbortController;
let nodes: Map<string, WorkloadNode>;
let looks: string[];
let isAway: boolean;
let linked: string[];
let isTold: boolean;
let orders: NodeOrders;
const add = (one: LinkNode) => addNodeOrder(orders, one, clock.monotonicMs());

beforeEach(() => {
  clock = makeVirtualClock();
  nodes = new Map();
  looks = [];
  linked = [];
  [isAway, isTold] = [false, true];
  orders = new Map();
  start();
});
afterEach(() => stop.abort());

function start(): void {
  stop = new AbortController();
  const clusters: Pick<WorkloadClusters, "look"> = {
    async look(_namespace, name = "") {
      looks.push(name);
      const api = { request: async () => err("unreachable", "not asked") };
      return isAway ? err("down", "away") : ok({ api, nodes });
    },
  };
  const link = async ({ name }: LinkNode) => {
    linked.push(name);
    return isTold ? ({ ok: true } as const) : { ok: false, message: "away", retry: true };
  };
  void awaitNodes({ clock, clusters, link }, orders, stop.signal);
}

function putNode(name: string, providerID = ""): void {
  const metadata = { name, uid: `node-${name}`, resourceVersion: "1" };
  const node = readNode({ metadata, spec: { providerID } });
  if (node !== undefined) nodes.set(name, node);
}

test("awaitNodes has the machine of a Node that joins linked once, and forgets it when the Node has its providerID", async () => {
  add(order("a"));
  add(order("b"));
  await clock.advance(20_000);
  expect(linked).toEqual([]);
  putNode("a");
  await clock.advance(5_000);
  await clock.advance(5_000);
  expect(linked).toEqual(["a"]);
  putNode("a", "metal3://metal/m/a");
  await clock.advance(20_000);
  expect(linked).toEqual(["a"]);
  expect([...orders.keys()]).toEqual(["uid-b"]);
});

test("awaitNodes tells of a Node that was linked between the order and the look, or goes", async () => {
  add(order("a"));
  putNode("a", "metal3://metal/m/another");
  await clock.advance(5_000);
  nodes.clear();
  await clock.advance(5_000);
  expect(linked).toEqual(["a", "a"]);
});

test("awaitNodes looks once for all machines of a cluster, and not at all where nobody waits", async () => {
  await clock.advance(5_000);
  expect(looks).toEqual([]);
  for (const name of ["a", "b", "c"]) add(order(name));
  add(order("d", "west"));
  await clock.advance(5_000);
  expect(looks.toSorted()).toEqual(["east", "west"]);
});

test("awaitNodes tells again what the control plane did not hear, and sees what came while the cluster was away", async () => {
  [isAway, isTold] = [true, false];
  add(order("a"));
  putNode("a");
  await clock.advance(10_000);
  expect(linked).toEqual([]);
  isAway = false;
  await clock.advance(5_000);
  isTold = true;
  await clock.advance(10_000);
  expect(linked).toEqual(["a", "a"]);
});

test("awaitNodes goes on with what was ordered in the session before, and ends what nobody orders any more", async () => {
  add(order("a"));
  stop.abort();
  start();
  putNode("a");
  await clock.advance(5_000);
  expect(linked).toEqual(["a"]);
  add(order("b"));
  await clock.advance(310_000);
  expect(orders.size).toBe(0);
});
