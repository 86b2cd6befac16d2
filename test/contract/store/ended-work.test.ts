// Work that counts as ended and goes on all the same: at an agent whose copy told of its end, or which was given up.
import { expect, test } from "vitest";
import { failedWork as failed, withBegunWork, workOf } from "./begun-work.ts";
import { onEachDatabase } from "./databases.ts";

const succeeded = (hostUid: string) => ({
  kind: "operation-succeeded" as const,
  ...workOf(hostUid),
  result: { kind: "clean" as const, on: true, disks: [] },
});

onEachDatabase("ended work", (held) => {
  test("is named to the agent that still has it", async () => {
    const { world } = held();
    const epoch = await withBegunWork(world, ["a", "b", "c"]);
    await world.observe("both", epoch, failed("b", false), failed("c", false));
    await world.store.commitHost(await world.commit("c", { consumed: "c.1" }));
    const opened = await world.opened("both", { inFlight: ["c.1", "a.1", "b.1", "unknown"] });
    expect(opened.over).toEqual(["b.1", "c.1"]);
    expect((await world.opened("both", {})).over).toEqual([]);
  });

  test.each([
    { wasKnown: false, told: succeeded("a"), lateWork: "a.1" },
    { wasKnown: false, told: failed("a", true), lateWork: "a.1" },
    { wasKnown: true, told: failed("a", true), lateWork: undefined },
  ])("that changed a disk all the same is remembered: $lateWork", async (row) => {
    const { world } = held();
    const epoch = await withBegunWork(world, ["a"]);
    await world.observe("both", epoch, failed("a", row.wasKnown));
    await world.store.commitHost(await world.commit("a", { consumed: "a.1" }));
    const before = (await world.store.loadHost("a"))!.host;
    const again = await world.observe("both", epoch, failed("a", false));
    expect(again).toMatchObject({ touched: [], refused: 0 });
    const accepted = await world.observe("both", epoch, row.told);
    const { host } = (await world.store.loadHost("a"))!;
    const isNew = row.lateWork !== undefined;
    expect(accepted?.touched).toEqual(isNew ? ["a"] : []);
    expect(host.version).toBe(before.version + (isNew ? 1 : 0));
    expect(host.memory?.lateWork).toBe(row.lateWork);
  });
});
