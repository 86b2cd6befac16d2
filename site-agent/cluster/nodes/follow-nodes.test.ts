import { afterEach, beforeEach, expect, test } from "vitest";
import { makeVirtualClock } from "../../../infra/lab/bmc-simulator/virtual-clock.ts";
import { FakeKubernetes } from "../../../test/support/fake-kubernetes.ts";
import { followNodes, type FollowedNodes } from "./follow-nodes.ts";
import type { LinkNode } from "./link-node.ts";

const order = (name: string): LinkNode => ({
  kind: "link-node",
  namespace: "metal",
  name,
  uid: `uid-${name}`,
  providerID: `baremetalhost:///metal/${name}/x`,
  hostUid: `host-${name}`,
  hostnames: [name],
  mayWrite: true,
});

let kubernetes: FakeKubernetes;
let clock: ReturnType<typeof makeVirtualClock>;
let stop: AbortController;
let linked: string[];
let followed: FollowedNodes;
beforeEach(async () => {
  kubernetes = new FakeKubernetes();
  clock = makeVirtualClock();
  stop = new AbortController();
  linked = [];
  const link = async ({ name }: LinkNode) => void linked.push(name);
  followed = followNodes({ api: kubernetes, clock, link }, stop.signal);
  followed.ordered(order("a"));
  followed.ordered(order("b"));
  await clock.advance(0);
});
afterEach(() => stop.abort());

async function putNode(name: string, ready = "False", more: object = {}): Promise<void> {
  const lastTransitionTime = "2026-11-01T12:00:00Z";
  kubernetes.put(`/api/v1/nodes/${name}`, {
    metadata: { name, uid: `node-${name}` },
    status: { conditions: [{ type: "Ready", status: ready, lastTransitionTime }], ...more },
  });
  await clock.advance(0);
}

test("followNodes has the Machine of a Node that joins, becomes Ready or goes linked again, and no other", async () => {
  await putNode("a");
  expect(linked).toEqual(["a"]);
  await putNode("a", "True");
  expect(linked).toEqual(["a", "a"]);
  await putNode("other", "True");
  expect(linked).toEqual(["a", "a"]);
  kubernetes.remove("/api/v1/nodes/a");
  await clock.advance(0);
  expect(linked).toEqual(["a", "a", "a"]);
});

test("followNodes does nothing for a heartbeat", async () => {
  await putNode("a", "True");
  await putNode("a", "True", { images: ["more"] });
  expect(linked).toEqual(["a"]);
});

test("followNodes goes on after the watch has ended, and sees what came meanwhile", async () => {
  kubernetes.refuse = () => "unreachable";
  kubernetes.disconnect();
  await putNode("b");
  expect(linked).toEqual([]);
  await clock.advance(6_000);
  kubernetes.refuse = () => undefined;
  await clock.advance(6_000);
  expect(linked).toEqual(["b"]);
});

test("followNodes forgets an order that nobody gives any more", async () => {
  await clock.advance(200_000);
  followed.ordered(order("b"));
  await clock.advance(150_000);
  await putNode("a");
  await putNode("b");
  expect(linked).toEqual(["b"]);
});
