// What counts as unknown of a cluster whose link was away.
import { expect, test } from "vitest";
import { hostObject, type StoreWorld } from "../../support/control-plane/store-world.ts";
import { onEachDatabase } from "./databases.ts";

async function start(world: StoreWorld): Promise<void> {
  const { epoch } = await world.start();
  await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "11") }]);
}

onEachDatabase("a cluster link", (held) => {
  const linkOf = async (world: StoreWorld) => (await world.store.loadHost("a"))?.clusterLink;
  const sender = (epoch: number) => ({ agentId: "both", epoch, cluster: "east" });

  test("that was away is behind until it has caught up, and nobody waits longer", async () => {
    const { world } = held();
    await start(world);
    expect(await linkOf(world)).toMatchObject({ behind: false });
    world.clock.advance(20_001);
    const { epoch } = await world.opened("both", { tellsCaughtUp: true });
    expect(await linkOf(world)).toEqual({ lastSeenMs: world.clock.nowMs(), behind: true });
    const again = await world.opened("both", { tellsCaughtUp: true });
    expect(await linkOf(world)).toMatchObject({ behind: true });
    const { version } = await world.commit("a");
    expect(await world.store.catchUp(sender(epoch))).toEqual([]);
    expect(await world.store.catchUp({ ...sender(again.epoch), cluster: "west" })).toEqual([]);
    expect(await linkOf(world)).toMatchObject({ behind: true });
    expect(await world.store.catchUp(sender(again.epoch))).toEqual(["a"]);
    expect(await linkOf(world)).toMatchObject({ behind: false });
    expect((await world.commit("a")).version).toBe(version + 1);
    expect(await world.store.catchUp(sender(again.epoch))).toEqual([]);
  });

  test("that comes back soon, or is an older one, is not behind", async () => {
    const { world } = held();
    await start(world);
    world.clock.advance(20_000);
    await world.opened("both", { tellsCaughtUp: true });
    expect(await linkOf(world)).toMatchObject({ behind: false });
    world.clock.advance(20_001);
    await world.opened("both");
    expect(await linkOf(world)).toMatchObject({ behind: false });
  });

  test("that has caught up wakes no host that waits for nothing", async () => {
    const { world } = held();
    await start(world);
    world.clock.advance(20_001);
    const { epoch } = await world.opened("both", { tellsCaughtUp: true });
    await world.store.commitHost(await world.commit("a", { wakeAtMs: undefined }));
    expect(await world.store.catchUp(sender(epoch))).toEqual([]);
  });
});
