// A machine that goes before its Node was linked: the Node goes with it, and nothing waits for ever for that.
import { expect, test } from "vitest";
import {
  machineUid,
  makeCoreCluster,
  makeCoreMachine,
  makeHostView,
  MachineWorld,
} from "../../../test/support/machine-world.ts";

const deletionTimestamp = "2026-11-01T13:00:00Z";

function worldAt(state: "written" | "provisioned"): MachineWorld {
  const world = new MachineWorld([makeHostView("m1")]);
  world.settle();
  for (let round = state === "written" ? 2 : 0; round < 2; round += 1) {
    world.runHosts();
    world.settle();
  }
  return world;
}

/** Deleted, with its host emptied: only its Node may be left. */
function emptied(
  set: (world: MachineWorld) => void = () => {},
  state: "written" | "provisioned" = "provisioned",
) {
  const world = worldAt(state);
  world.nodesAnswer = false;
  set(world);
  world.setObject({ deletionTimestamp });
  for (let round = 0; round < 3; round += 1) {
    world.settle();
    world.runHosts();
  }
  const removals = () => world.writes.filter(({ kind }) => kind === "remove-node");
  return { world, removals, last: world.settle() };
}

test("a machine that may have a Node which was not linked has it removed before it leaves its host", () => {
  const { world, removals, last } = emptied();
  expect(removals()).toEqual([
    {
      kind: "remove-node",
      resource: "metal3machines",
      namespace: "metal",
      name: "worker-1",
      uid: machineUid,
      clusterName: "east",
      providerID: "metal3://metal/m1/worker-1",
      hostUid: "uid-m1",
      systemUuid: world.host("m1").systemUuid,
    },
  ]);
  const wakeAtMs = world.seen.nowMs + 5_000;
  expect(last.next).toMatchObject({ kind: "wait", awaited: ["node", "object"], wakeAtMs });
  expect(world.host("m1").spec.consumerRef).toBeDefined();
  world.seen.node = { machineUid, outcome: "missing", removed: true };
  world.settle();
  expect(world.seen.deleted).toBe(true);
  expect(world.events()).not.toContain("NodeLeft");
});

test("a Node of a cluster that gives no answer is given up after 30 s, and told", () => {
  const { world, removals } = emptied();
  const message = "the API server gave no Nodes";
  world.seen.node = { machineUid, outcome: "problem", message };
  for (let second = 0; second < 30; second += 5) {
    expect(world.settle().because.message).toContain(message);
    world.seen.nowMs += 5_000;
  }
  expect(removals()).toHaveLength(6);
  world.settle();
  expect(world.seen.deleted).toBe(true);
  expect(world.events().filter((reason) => reason === "NodeLeft")).toHaveLength(1);
});

test("of several Nodes that may be a deleted machine's none is waited for, and all are told", () => {
  const { world } = emptied();
  world.seen.node = { machineUid, outcome: "conflict", removed: true, message: "Nodes a, b" };
  world.settle();
  expect(world.seen.deleted).toBe(true);
  expect(world.events()).toContain("NodeLeft");
});

test.each([
  [
    "core has its Node",
    (world: MachineWorld) => {
      world.seen.owner = makeCoreMachine({}, { nodeRef: { name: "m1" } });
    },
  ],
  [
    "its Cluster is gone",
    (world: MachineWorld) => {
      world.seen.coreCluster = undefined;
    },
  ],
  [
    "its Cluster goes",
    (world: MachineWorld) => {
      const cluster = makeCoreCluster();
      const metadata = { ...cluster.metadata, deletionTimestamp };
      world.seen.coreCluster = { ...cluster, metadata };
    },
  ],
] as const)("a deleted machine has no Node looked for where %s", (_words, set) => {
  const { world, removals } = emptied(set);
  expect(removals()).toEqual([]);
  expect(world.seen.deleted).toBe(true);
});

test("a deleted machine that was not deployed yet, but written to, has its Node looked for", () => {
  expect(emptied(undefined, "written").removals()).toHaveLength(1);
});
