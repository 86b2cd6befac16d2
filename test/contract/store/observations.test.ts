import { expect, test } from "vitest";
import type { OperationResult } from "../../../shared/protocol/operation.ts";
import {
  hostObject,
  newOperation,
  type StoreWorld,
} from "../../support/control-plane/store-world.ts";
import { onEachDatabase } from "./databases.ts";

const operation = { hostUid: "a", operationId: "a.1" };
const registered: OperationResult = {
  kind: "register",
  on: true,
  protocol: "ipmi",
  manufacturerId: 1,
  firmware: "1",
  credentialsVersion: "1",
};
const failure = { kind: "bmc-unreachable", message: "silent", destroyed: false } as const;

/** Host "a" at site "lab" with an operation; returns the epoch of agent "both". */
async function withOperation(world: StoreWorld, more: object = {}): Promise<number> {
  const { epoch } = await world.start();
  await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "11") }]);
  const created = newOperation("a", "a.1", { atMs: world.clock.nowMs(), ...more });
  await world.store.commitHost(await world.commit("a", { operation: created }));
  return epoch;
}

onEachDatabase("acceptObservations", (held) => {
  test("folds a batch into the operation, wakes its host and answers with the watermark", async () => {
    const { world } = held();
    const epoch = await withOperation(world);
    const before = (await world.store.loadHost("a"))?.host.version ?? 0;
    world.clock.advance(1_000);
    const progress = (step: string) => ({ step, atMs: 1 });
    const accepted = await world.observe(
      "both",
      epoch,
      { kind: "operation-accepted", ...operation },
      { kind: "operation-started", ...operation },
      { kind: "operation-progress", ...operation, progress: progress("First") },
      { kind: "operation-progress", ...operation, progress: progress("Second") },
    );
    expect(accepted).toEqual({ committedSeq: 4, touched: ["a"], refused: 0 });
    const rows = await world.store.loadHost("a");
    expect(rows?.host.version).toBe(before + 1);
    expect(rows?.operation).toMatchObject({
      state: "running",
      startedAtMs: world.clock.nowMs(),
      progress: progress("Second"),
    });
    const ended = await world.observe("both", epoch, {
      kind: "operation-succeeded",
      ...operation,
      result: registered,
    });
    expect(ended?.committedSeq).toBe(5);
    expect((await world.store.loadHost("a"))?.operation).toMatchObject({
      state: "succeeded",
      result: registered,
      endedAtMs: world.clock.nowMs(),
    });
  });

  test("leaves an ended operation as it ended when it is reported again", async () => {
    const { world } = held();
    const epoch = await withOperation(world);
    await world.observe("both", epoch, { kind: "operation-failed", ...operation, failure });
    const before = await world.store.loadHost("a");
    const again = await world.observe(
      "both",
      epoch,
      { kind: "operation-started", ...operation },
      { kind: "operation-succeeded", ...operation, result: registered },
    );
    expect(again).toMatchObject({ touched: [], refused: 0 });
    expect(await world.store.loadHost("a")).toEqual(before);
  });

  test("takes no observation twice", async () => {
    const { world } = held();
    const epoch = await withOperation(world);
    await world.store.commitHost(await world.commit("a"));
    const items = world.numbered([
      { kind: "power", hostUid: "a", on: true },
      { kind: "power", hostUid: "a", on: false },
    ]);
    const sender = { agentId: "both", epoch };
    await world.store.acceptObservations(sender, items);
    const repeated = await world.store.acceptObservations(sender, items.slice(0, 1));
    expect(repeated).toEqual({ committedSeq: 2, touched: [], refused: 0 });
    expect((await world.store.loadHost("a"))?.host.power?.on).toBe(false);
  });

  test("takes nothing from a session that is not the newest", async () => {
    const { world } = held();
    const epoch = await withOperation(world);
    await world.opened("both");
    expect(
      await world.observe("both", epoch, { kind: "operation-accepted", ...operation }),
    ).toBeUndefined();
    expect((await world.store.loadHost("a"))?.operation?.state).toBe("pending");
  });

  test("takes nothing from an agent that was revoked", async () => {
    const { world } = held();
    const epoch = await withOperation(world);
    await world.store.setAgentState("both", "revoked");
    expect(
      await world.observe("both", epoch, { kind: "operation-accepted", ...operation }),
    ).toBeUndefined();
  });

  test("refuses what an agent of another site says about hosts and operations", async () => {
    const { world } = held();
    await withOperation(world);
    await world.addAgent("stranger", { site: "other" });
    const { epoch } = await world.opened("stranger");
    const before = await world.store.loadHost("a");
    const outcome = await world.observe(
      "stranger",
      epoch,
      { kind: "operation-succeeded", ...operation, result: registered },
      { kind: "power", hostUid: "a", on: true },
      { kind: "bmc", hostUid: "a", problem: "no" },
      { kind: "power", hostUid: "unknown", on: true },
      { kind: "stranger", mac: "52:54:00:00:00:09" },
    );
    expect(outcome).toMatchObject({ touched: [], refused: 4 });
    expect(await world.store.loadHost("a")).toEqual(before);
  });

  test("refuses what an agent without a site says about a host without a site", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "11") }]);
    await world.addAgent("link", { cluster: "west" });
    const link = await world.opened("link");
    const outcome = await world.observe("link", link.epoch, {
      kind: "power",
      hostUid: "a",
      on: true,
    });
    expect(outcome).toMatchObject({ touched: [], refused: 1 });
  });

  test("refuses the report of an operation that names another host of the site", async () => {
    const { world } = held();
    const epoch = await withOperation(world);
    await world.watch(epoch, "11", [{ type: "ADDED", object: hostObject("b", "12") }]);
    await world.store.commitHost(await world.commit("b"));
    const outcome = await world.observe("both", epoch, {
      kind: "operation-succeeded",
      hostUid: "b",
      operationId: "a.1",
      result: registered,
    });
    expect(outcome).toMatchObject({ touched: [], refused: 1 });
    expect((await world.store.loadHost("a"))?.operation?.state).toBe("pending");
  });

  test("keeps an agent's times between the operation's creation and now", async () => {
    const { world } = held();
    const epoch = await withOperation(world);
    const createdAtMs = world.clock.nowMs();
    world.clock.advance(5_000);
    await world.store.acceptObservations({ agentId: "both", epoch }, [
      { seq: 1, atMs: createdAtMs - 3_600_000, body: { kind: "operation-started", ...operation } },
      {
        seq: 2,
        atMs: createdAtMs + 3_600_000.5,
        body: { kind: "operation-failed", ...operation, failure },
      },
    ]);
    expect((await world.store.loadHost("a"))?.operation).toMatchObject({
      startedAtMs: createdAtMs,
      endedAtMs: createdAtMs + 5_000,
    });
  });

  test("takes the newest word about power and BMC, and that a problem is over", async () => {
    const { world } = held();
    const epoch = await withOperation(world);
    await world.observe(
      "both",
      epoch,
      { kind: "power", hostUid: "a", on: true },
      { kind: "bmc", hostUid: "a", problem: "silent" },
    );
    const host = async () => (await world.store.loadHost("a"))?.host;
    expect(await host()).toMatchObject({ power: { on: true }, bmcProblem: "silent" });
    await world.observe("both", epoch, { kind: "bmc", hostUid: "a" });
    expect((await host())?.power).toMatchObject({ on: true });
    expect((await host())?.bmcProblem).toBeUndefined();
  });

  test("counts from the beginning again when the agent was started anew", async () => {
    const { world } = held();
    const epoch = await withOperation(world);
    await world.observe("both", epoch, { kind: "operation-accepted", ...operation });
    const same = await world.opened("both");
    expect(same.committedSeq).toBe(1);
    world.clock.advance(20_001);
    const restarted = await world.opened("both", { bootId: "boot-2" });
    expect(restarted.committedSeq).toBe(0);
    const outcome = await world.store.acceptObservations(
      { agentId: "both", epoch: restarted.epoch },
      [{ seq: 1, atMs: 0, body: { kind: "operation-started", ...operation } }],
    );
    expect(outcome).toMatchObject({ committedSeq: 1, touched: ["a"] });
    expect((await world.store.loadHost("a"))?.operation?.state).toBe("running");
  });

  test("takes no word of an agent about work that another one accepted", async () => {
    const { world } = held();
    // Its session stays open though another agent takes the site.
    await world.addAgent("second", { site: "lab" });
    const second = await world.opened("second");
    world.clock.advance(60_000);
    const epoch = await withOperation(world);
    await world.observe("both", epoch, { kind: "operation-started", ...operation });
    const sender = { agentId: "second", epoch: second.epoch };
    const outcome = await world.store.acceptObservations(sender, [
      { seq: 1, atMs: 0, body: { kind: "operation-failed", ...operation, failure } },
    ]);
    expect(outcome).toMatchObject({ touched: [], refused: 1 });
    expect((await world.store.loadHost("a"))?.operation?.state).toBe("running");
  });
});
