// What counts as unknown of a cluster whose link was away.
import { expect, test } from "vitest";
import type { OutboxRow } from "../../../control-plane/ports.ts";
import {
  annotationRemoval,
  hostObject,
  newOperation,
  type StoreWorld,
} from "../../support/control-plane/store-world.ts";
import { onEachDatabase } from "./databases.ts";

async function start(world: StoreWorld): Promise<void> {
  const { epoch } = await world.start();
  await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "11") }]);
}

onEachDatabase("a cluster link", (held) => {
  const linkOf = async (world: StoreWorld) => (await world.store.loadHost("a"))?.clusterLink;
  const nothing = { hosts: [], sites: [] };
  const sender = (epoch: number) => ({ agentId: "both", epoch, cluster: "east" });

  test("is given what is urgent after documents and before the rest, and beside the limit of that", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "11") }]);
    const row = (key: string, revision: number): OutboxRow => ({
      link: "cluster:east",
      key,
      hostUid: "a",
      delivery: { kind: "remove-document", hostUid: "a", revision },
    });
    const events = [row("event:a:1", 1), row("event:a:2", 2), row("event:a:3", 3)];
    const urgent = [
      row("provider-patch:m:m", 4),
      row("host-patch:m:a", 5),
      row("host-patch:m:b", 6),
    ];
    const outbox = [...events, ...urgent, row("document:b", 7)];
    await world.store.commitHost(await world.commit("a", { outbox }));
    const links = ["site:lab", "cluster:east"] as const;
    const take = async (limit: number, only?: "urgent" | "but-events") =>
      (await world.store.takeOutbox({ epoch, links }, limit, only))?.map(({ delivery }) =>
        "revision" in delivery ? delivery.revision : 0,
      );
    expect(await take(1, "urgent")).toEqual([4]);
    expect(await take(1)).toEqual([5, 1]);
    expect(await take(9, "but-events")).toEqual([7, 6]);
    expect(await take(9)).toEqual([2, 3]);
    expect(await take(9, "urgent")).toEqual([]);
  });

  test("that was away is behind until it has caught up, and nobody waits longer", async () => {
    const { world } = held();
    await start(world);
    expect(await linkOf(world)).toMatchObject({ behind: false });
    world.clock.advance(20_001);
    const { epoch } = await world.opened("both", { tellsCaughtUp: true });
    expect(await linkOf(world)).toEqual({ lastSeenMs: world.clock.nowMs(), behind: true });
    const again = await world.opened("both", { tellsCaughtUp: true });
    expect(await linkOf(world)).toMatchObject({ behind: true });
    const operation = newOperation("a", "a.1", { class: "once" });
    await world.store.commitHost(await world.commit("a", { operation, wakeAtMs: 9 }));
    const { version } = await world.commit("a");
    expect(await world.store.catchUp(sender(epoch))).toEqual(nothing);
    expect(await world.store.catchUp({ ...sender(again.epoch), cluster: "west" })).toEqual(nothing);
    expect(await linkOf(world)).toMatchObject({ behind: true });
    expect(await world.store.catchUp(sender(again.epoch))).toEqual({
      hosts: ["a"],
      sites: ["lab"],
    });
    expect(await linkOf(world)).toMatchObject({ behind: false });
    expect((await world.commit("a")).version).toBe(version + 1);
    expect(await world.store.catchUp(sender(again.epoch))).toEqual(nothing);
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
    expect(await world.store.catchUp(sender(epoch))).toEqual(nothing);
  });

  test("that is behind removes no annotation: it may be gone, and asked for anew", async () => {
    const { world } = held();
    await start(world);
    const outbox = [annotationRemoval("a", "reboot")];
    await world.store.commitHost(await world.commit("a", { outbox }));
    world.clock.advance(20_001);
    const { epoch } = await world.opened("both", { tellsCaughtUp: true });
    const links = ["site:lab", "cluster:east"] as const;
    const take = async () =>
      (await world.store.takeOutbox({ epoch, links }, 10))?.map((row) => row.delivery);
    expect(await take()).toEqual([]);
    await world.store.catchUp(sender(epoch));
    expect(await take()).toEqual(outbox.map(({ delivery }) => delivery));
  });

  test("that is away or behind holds operations up that are new to their site, but for those that only look", async () => {
    const { world } = held();
    await start(world);
    const give = async (id: string, kind: "observe" | "once") => {
      const operation = newOperation("a", id, { class: kind });
      const delivery = { kind: "operation", operation: operation.operation } as const;
      const row = { link: "site:lab", key: `operation:${id}`, hostUid: "a", delivery } as const;
      const consumed = (await world.store.loadHost("a"))?.operation?.id;
      const commit = await world.commit("a", { operation, consumed, outbox: [row] });
      expect((await world.store.commitHost(commit)).ok).toBe(true);
    };
    const links = ["site:lab", "cluster:east"] as const;
    const take = async (epoch: number) =>
      (await world.store.takeOutbox({ epoch, links }, 10))?.map(({ delivery }) => delivery.kind);
    await give("a.1", "once");
    world.clock.advance(20_001);
    const first = await world.opened("both", { tellsCaughtUp: true });
    expect(await take(first.epoch)).toEqual([]);
    await world.store.catchUp(sender(first.epoch));
    expect(await take(first.epoch)).toEqual(["operation"]);
    world.clock.advance(20_001);
    await give("a.2", "observe");
    const second = await world.opened("both", { tellsCaughtUp: true });
    expect(await take(second.epoch)).toEqual(["operation"]);
    await give("a.3", "once");
    expect(await take(second.epoch)).toEqual([]);
    const accepted = { kind: "operation-accepted", hostUid: "a", operationId: "a.3" } as const;
    await world.observe("both", second.epoch, accepted);
    expect(await take(second.epoch)).toEqual(["operation"]);
  });
});
