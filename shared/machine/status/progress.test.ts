// Steps that follow each other within seconds are one version of a Metal3Machine; what is more than progress is told at
// once.
import { expect, test } from "vitest";
import { makeHostView, MachineWorld } from "../../../test/support/machine-world.ts";
import { missingNodeText } from "../consumer/missing-node.ts";
import { nodeCondition } from "./conditions.table.ts";
import { isProgress, tellProgressMs } from "./progress.ts";

const associated = "AssociateBareMetalHost";
const condition = (status: string, reason: string, message = "") => ({
  conditions: [{ type: associated, status, reason, message }],
});

test("only other messages, and a step that passes by itself, are progress", () => {
  const waits = condition("False", "WaitingForBootstrapData", "waits");
  expect(isProgress(waits, condition("False", "WaitingForBootstrapData", "still"))).toBe(true);
  expect(isProgress(waits, condition("False", "AssociatingBareMetalHost"))).toBe(true);
  expect(isProgress(waits, condition("False", "NoHostAvailable"))).toBe(false);
  expect(isProgress(condition("True", "Done"), condition("False", "Done"))).toBe(false);
  expect(isProgress(waits, { ...waits, addresses: [] } as typeof waits)).toBe(false);
  expect(isProgress({}, waits)).toBe(false);
  expect(isProgress(undefined, waits)).toBe(false);
});

test("a claim writes a machine's status once, and what follows within seconds once more", () => {
  const world = new MachineWorld([makeHostView("m1")]);
  const statuses = () => world.writes.filter(({ kind }) => kind === "provider-status").length;
  const message = () => world.condition(associated)?.message;
  world.settle();
  expect(world.condition(associated)?.status).toBe("True");
  const once = statuses();
  const before = message();
  for (const operation of ["an image is to be written", "the Secrets for the disk are read"]) {
    world.seen.nowMs += 1_000;
    world.setHost("m1", { state: "provisioning", operation });
    world.settle();
  }
  expect(statuses()).toBe(once);
  expect(message()).toBe(before);
  expect(world.decisions.at(-1)?.next).toMatchObject({
    kind: "wait",
    wakeAtMs: world.seen.nowMs - 2_000 + tellProgressMs,
  });
  world.seen.nowMs += tellProgressMs;
  world.settle();
  expect(statuses()).toBe(once + 1);
  expect(message()).toBe("host metal/m1 is provisioning: the Secrets for the disk are read");
});

test("a machine whose owner comes within seconds does not tell that it waits for it", () => {
  const world = new MachineWorld([makeHostView("m1")], { owner: undefined });
  world.setObject({ creationTimestamp: new Date(world.seen.nowMs).toISOString() }, {});
  expect(world.settle().next).toMatchObject({ wakeAtMs: world.seen.nowMs + tellProgressMs });
  expect(world.seen.object.metadata.finalizers).toHaveLength(1);
  expect(world.seen.object.status).toBeUndefined();
  world.seen.nowMs += tellProgressMs;
  world.settle();
  expect(world.condition(associated)?.reason).toBe("WaitingForMetal3MachineOwnerRef");
});

test("a Node that is not there yet is told of once, before and after the cluster link has looked", () => {
  const world = new MachineWorld([makeHostView("m1")]);
  for (let round = 0; round < 3; round += 1) {
    world.settle();
    world.runHosts();
  }
  world.settle();
  const { message } = world.condition(nodeCondition) ?? {};
  expect(message).toMatch(/^waits for a Node of cluster metal\/\w+ with providerID "metal3:/);
  const order = world.writes.find((write) => write.kind === "link-node");
  expect(order && missingNodeText(order)).toBe(message);
  const statuses = () => world.writes.filter(({ kind }) => kind === "provider-status").length;
  const before = statuses();
  const { uid: machineUid } = world.seen.object.metadata;
  world.seen.node = { machineUid, outcome: "missing", message };
  world.settle();
  world.seen.nowMs += tellProgressMs;
  world.settle();
  expect(statuses()).toBe(before);
});

test("a status that a clock ahead of this one has stamped holds nothing back", () => {
  const world = new MachineWorld([makeHostView("m1")]);
  world.settle();
  world.seen.nowMs -= 3_600_000;
  world.setHost("m1", { state: "provisioning", operation: "an image is to be written" });
  world.settle();
  expect(world.condition(associated)?.message).toMatch(/an image is to be written/);
});
