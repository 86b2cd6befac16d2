// OpenShift's Machines and MachineSets in the store: Machines claim hosts, and their MachineSets are woken by what they
// count.
import { expect, test } from "vitest";
import type { NodeFact } from "../../../shared/protocol/facts/node-fact.ts";
import { onEachDatabase } from "./databases.ts";
import { MachineWorld } from "./machine-world.ts";

const machines = "machines.machine.openshift.io";
const sets = "machinesets.machine.openshift.io";
const set = "set-a";

onEachDatabase("the store with OpenShift's machines", (held) => {
  async function start(...names: readonly string[]): Promise<MachineWorld> {
    const world = await MachineWorld.start(held().world);
    await world.apply(sets, world.object(set), world.object("far", { namespace: "other" }));
    if (names.length > 0) await world.apply(machines, ...names.map((name) => world.object(name)));
    await world.commitMachine(set);
    return world;
  }

  test("wakes the MachineSets of its namespace when a Machine comes, changes or goes, and for no status", async () => {
    const world = await start();
    const object = (more: object = {}) => world.object("m-1", { more });
    expect((await world.apply(machines, object())).machines).toEqual(["m-1", set]);
    expect(
      (await world.apply(machines, object({ status: { phase: "Running" } }))).machines,
    ).toEqual(["m-1"]);
    expect((await world.apply(machines, object({ spec: { providerID: "x" } }))).machines).toEqual([
      "m-1",
      set,
    ]);
    const gone = await world.events(machines, { type: "DELETED", object: object() });
    expect(gone.machines).toEqual(["m-1", set]);
  });

  test("shows a MachineSet the Machines of its namespace that are not gone, with their Nodes", async () => {
    const world = await start("m-1", "m-2", "m-3");
    await world.apply(machines, world.object("elsewhere", { namespace: "other" }));
    await world.events(machines, { type: "DELETED", object: world.object("m-3") });
    const fact: NodeFact = { machineUid: "m-2", outcome: "linked", nodeUid: "n" };
    expect(await held().world.store.applyNodes("east", [fact])).toEqual(["m-2", set]);
    expect(await held().world.store.applyNodes("east", [fact])).toEqual([]);
    const { members, hosts } = await world.rows(set);
    expect(members.map(({ node }) => node)).toEqual([undefined, fact]);
    expect(members).toMatchObject([{ object: { metadata: { uid: "m-1" } } }, {}]);
    expect(hosts).toEqual([]);
    expect((await world.rows("m-1")).members).toEqual([]);
  });

  test("lets a Machine claim a host, and wakes it when it waits and one becomes free", async () => {
    const world = await start("m-1");
    await world.commitMachine("m-1", { waiting: true });
    await world.apply("baremetalhosts", world.host("h-1"));
    expect(await world.commitHost("h-1", "available")).toEqual(["m-1"]);
    expect(await world.claim(set, "h-1")).toMatchObject({ ok: false });
    expect(await world.claim("m-1", "h-1")).toMatchObject({ ok: true, value: { uid: "h-1" } });
    expect((await world.rows("m-1")).hosts).toMatchObject([{ uid: "h-1", claimedBy: "m-1" }]);
  });

  test("shows the hosts to a MachineSet that follows them, and wakes it for one that is free", async () => {
    const world = await start();
    const metadata = { annotations: { "metal3.io/autoscale-to-hosts": "" } };
    const object = world.object(set);
    await world.apply(sets, { ...object, metadata: { ...object.metadata, ...metadata } });
    await world.commitMachine(set, { waiting: true });
    await world.apply("baremetalhosts", world.host("h-1"));
    expect(await world.commitHost("h-1", "available")).toEqual([set]);
    expect((await world.rows(set)).hosts).toMatchObject([{ uid: "h-1" }]);
  });

  test("decides about a Machine when its own feed is complete, whatever cluster-api's is", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    const sender = { agentId: "both", epoch, cluster: "east" };
    const items = [{ metadata: { name: "m", namespace: "metal", uid: "m", resourceVersion: "9" } }];
    const list = { kind: "list", listId: "l", resourceVersion: "20", items, last: true } as const;
    const probe = {
      kind: "watch",
      fromResourceVersion: "?",
      toResourceVersion: "?",
      events: [],
    } as const;
    await world.store.applyFeed(sender, machines, { ...probe, events: [] });
    await world.store.applyFeed(sender, machines, { ...list, items });
    expect(await world.store.loadMachine("m")).toMatchObject({ feedsComplete: true });
  });
});
