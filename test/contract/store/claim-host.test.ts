// Which machine has which host: one machine a host, one host a machine, whoever races.
import { sql } from "drizzle-orm";
import { expect, test } from "vitest";
import type { FeedObject } from "../../../shared/protocol/feed.ts";
import { onEachDatabase, onPostgres } from "./databases.ts";
import { MachineWorld } from "./machine-world.ts";
import { whileChanging } from "./while-changing.ts";

onEachDatabase("claimHost", (held) => {
  test("claims the first candidate that nobody has, of its namespace, and moves the version on", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1", "2");
    await machines.addHosts("a", "b");
    const { metadata } = machines.host("far");
    await machines.apply(
      "baremetalhosts",
      machines.host("far", { metadata: { ...metadata, namespace: "far" } }),
    );
    await machines.commitMachine("m-1", { waiting: true, wakeAtMs: undefined });
    const { version } = (await machines.rows("m-1")).machine;
    const claimed = await machines.claim("m-1", "unknown", "far", "b", "a");
    const rows = await machines.rows("m-1");
    expect(rows).toMatchObject({
      machine: { version: version + 1, hostUid: "b" },
      hosts: [{ uid: "b", claimedBy: "m-1" }],
    });
    expect(claimed).toEqual({ ok: true, value: rows.hosts[0] });
    expect(await world.table("machines")).toMatchObject([
      { uid: "k" },
      { uid: "m-1", waiting: false, wake_at: world.clock.nowMs() + 2_000 },
      { uid: "m-2" },
    ]);
    expect(await machines.claim("m-2", "b")).toEqual({ ok: true, value: undefined });
    expect(await machines.claim("m-2", "b", "a")).toMatchObject({ ok: true, value: { uid: "a" } });
  });

  test("claims nothing for a machine that was changed meanwhile, has a host, or is none", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1");
    await machines.addHosts("a", "b");
    const { version } = (await machines.rows("m-1")).machine;
    await machines.commitMachine("m-1");
    const stale = { error: { kind: "stale" } };
    expect(await world.store.claimHost("m-1", version, ["a"])).toMatchObject(stale);
    expect(await world.store.claimHost("nobody", 1, ["a"])).toMatchObject(stale);
    expect(await machines.claim("k", "a")).toMatchObject(stale);
    expect(await machines.claim("m-1", "a")).toMatchObject({ ok: true });
    expect(await machines.claim("m-1", "b")).toMatchObject(stale);
  });

  test("lets a host that is gone be claimed by nobody", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1");
    await machines.addHosts("a");
    await machines.list("baremetalhosts");
    expect(await machines.claim("m-1", "a")).toEqual({ ok: true, value: undefined });
  });
});

const count = 50;
const numbers = Array.from({ length: count }, (_, index) => index);

onPostgres("racing claims", (held) => {
  test("give 50 machines 50 hosts in two clusters at once, over two instances, each in one pass", async () => {
    const { world, database } = held();
    const { epoch } = await world.start();
    await world.addAgent("west-link", { cluster: "west" });
    const west = await world.opened("west-link");
    const senders = [
      { agentId: "both", epoch, cluster: "east" },
      { agentId: "west-link", epoch: west.epoch, cluster: "west" },
    ] as const;
    const objectOf = (kind: string, number: number): FeedObject => ({
      metadata: {
        name: `${kind}-${number}`,
        namespace: `in-${senders[number % 2]!.cluster}`,
        uid: `${kind}-${number}`,
        resourceVersion: "11",
      },
      spec: { online: true },
    });
    for (const [place, sender] of senders.entries()) {
      const own = numbers.filter((number) => number % 2 === place);
      const list = { kind: "list", listId: "race", resourceVersion: "20", last: true } as const;
      const hosts = own.map((number) => objectOf("host", number));
      await world.store.applyFeed(sender, "baremetalhosts", { ...list, items: hosts });
      const items = own.map((number) => objectOf("machine", number));
      for (const page of [items, items]) {
        await world.store.applyFeed(sender, "metal3machines", { ...list, items: page });
      }
    }
    const stores = [world.sibling(database.another()), world.sibling(database.another())];
    // All want all, in the same order: hosts of the other cluster too, which are never theirs.
    const candidates = numbers.map((number) => `host-${number}`);
    const claims = await Promise.all(
      numbers.map(
        async (number) =>
          await stores[Math.floor(number / 2) % 2]!.claimHost(`machine-${number}`, 1, candidates),
      ),
    );
    const pairs = await database.database.rows(sql`
      SELECT h.uid, h.machine_uid FROM hosts h JOIN machines m ON m.uid = h.machine_uid
        AND m.cluster = h.cluster AND m.namespace = h.namespace`);
    expect(claims.filter(({ ok }) => !ok)).toEqual([]);
    const given = claims.map((claim, number) => ({
      uid: claim.ok ? claim.value?.uid : undefined,
      machine_uid: `machine-${number}`,
    }));
    expect(new Set(given.map(({ uid }) => uid)).size).toBe(count);
    const byMachine = (left: unknown, right: unknown): number =>
      JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;
    expect(pairs.toSorted(byMachine)).toEqual(given.toSorted(byMachine));
  });

  test("wait for no host that is being changed: another is taken, or the choice is made again", async () => {
    const { world, database } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1");
    await machines.addHosts("a", "b");
    await whileChanging(database, {}, async () => {
      expect(await machines.claim("m-1", "a")).toMatchObject({ error: { kind: "stale" } });
      expect(await machines.claim("m-1", "a", "b")).toMatchObject({
        ok: true,
        value: { uid: "b" },
      });
    });
  });

  test("wake the machine for a change of its host that began before the claim was there to see", async () => {
    const { world, database } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1");
    await machines.addHosts("a");
    const claimed = sql`machine_uid = 'm-1'`;
    await whileChanging(database, { change: claimed }, async () => {
      expect(await machines.commitHost("a", "provisioning")).toEqual(["m-1"]);
    });
    await machines.commitMachine("m-1", { release: true });
    await whileChanging(database, { change: claimed }, async () => {
      const altered = machines.host("a", { spec: { online: false } });
      expect((await machines.apply("baremetalhosts", altered)).machines).toEqual(["m-1"]);
    });
  });
});
