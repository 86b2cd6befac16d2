// The rows of the machine side: what is fed, what wakes them, what a snapshot is made of, what a decision commits.
import { expect, test } from "vitest";
import type { OutboxRow } from "../../../control-plane/ports.ts";
import type { FeedObject } from "../../../shared/protocol/feed.ts";
import { onEachDatabase } from "./databases.ts";
import { MachineWorld, ownedBy } from "./machine-world.ts";

const linked = { machineUid: "m-1", outcome: "linked", nodeName: "n" } as const;

const event = (uid: string, message: string): OutboxRow => ({
  link: "cluster:east",
  key: `k:${uid}`,
  hostUid: uid,
  delivery: {
    kind: "write",
    write: {
      kind: "event",
      namespace: "metal",
      name: uid,
      uid,
      eventName: "e",
      type: "Normal",
      reason: "Test",
      message,
      atMs: 0,
    },
  },
});

onEachDatabase("applyFeed of the machine side", (held) => {
  test("asks for a list when it hears of a resource first, and hosts do not wait for that", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [
      { type: "ADDED", object: { metadata: { name: "a", uid: "a", resourceVersion: "11" } } },
    ]);
    const sender = { agentId: "both", epoch, cluster: "east" };
    const probe = { fromResourceVersion: "?", toResourceVersion: "?", events: [] };
    const list = { listId: "l", resourceVersion: "20", items: [], last: true };
    const outcomes = [
      await world.store.applyFeed(sender, "metal3machines", { kind: "watch", ...probe }),
      await world.store.applyFeed(sender, "metal3machines", { kind: "list", ...list }),
      await world.store.applyFeed(sender, "metal3machines", { kind: "watch", ...probe }),
    ];
    expect(outcomes.map(({ kind, cursor }) => [kind, cursor])).toEqual([
      ["conflict", ""],
      ["stored", "20"],
      ["conflict", "20"],
    ]);
    expect((await world.store.loadHost("a"))?.feedsComplete).toBe(true);
  });

  test("is complete, and wakes every row, with the last resource that was listed whole", async () => {
    const { world } = held();
    await world.addAgent("both", { site: "lab", cluster: "east" });
    const { epoch } = await world.opened("both");
    const sender = { agentId: "both", epoch, cluster: "east" };
    const object = { metadata: { name: "m", namespace: "metal", uid: "m", resourceVersion: "9" } };
    const resources = [
      "metal3machines",
      "clusters.cluster.x-k8s.io",
      "machines.cluster.x-k8s.io",
      "metal3clusters",
      "namespaces",
      "hardwaredata",
      "baremetalhosts",
    ] as const;
    for (const resource of resources) {
      const items = resource === "metal3machines" ? [object] : [];
      const list = { kind: "list", listId: "l", resourceVersion: "20", items, last: true } as const;
      await world.store.applyFeed(sender, resource, {
        kind: "watch",
        fromResourceVersion: "?",
        toResourceVersion: "?",
        events: [],
      });
      const { kind, machines } = await world.store.applyFeed(sender, resource, list);
      expect([resource, kind, machines]).toEqual([resource, "stored", ["m"]]);
      const rows = await world.store.loadMachine("m");
      expect(rows?.feedsComplete).toBe(resource === resources.at(-1));
    }
    const { machines } = await world.store.applyFeed(sender, "namespaces", {
      kind: "list",
      listId: "m",
      resourceVersion: "21",
      items: [],
      last: true,
    });
    expect(machines).toEqual([]);
  });

  test("keeps rows as those of hosts: newer wins, a whole list and a deletion mark what is gone", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    const old = machines.object("m-1", { owner: ownedBy("1"), more: { spec: { old: true } } });
    const newer = machines.object("m-1", { owner: ownedBy("1") });
    expect((await machines.apply("metal3machines", newer)).machines).toEqual(["m-1"]);
    expect((await machines.apply("metal3machines", old)).machines).toEqual([]);
    expect((await machines.rows("m-1")).machine).toMatchObject({
      resource: "metal3machines",
      namespace: "metal",
      name: "m-1",
      version: 1,
      object: newer,
      deleted: false,
    });
    await machines.apply("metal3machines", machines.object("m-2"));
    const { machines: gone } = await machines.list("metal3machines", machines.object("m-1"));
    expect([...gone].toSorted()).toEqual(["m-1", "m-2"]);
    expect((await machines.rows("m-2")).machine.deleted).toBe(true);
    await machines.events("metal3machines", { type: "DELETED", object: machines.object("m-1") });
    expect((await machines.rows("m-1")).machine.deleted).toBe(true);
  });

  test("does not store an object whose uid another cluster or resource has", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1");
    const stolen = await machines.apply("metal3clusters", machines.object("m-1"));
    expect(stolen).toMatchObject({ kind: "stored", machines: [], foreign: 1 });
    expect((await machines.rows("m-1")).machine.resource).toBe("metal3machines");
  });

  test("wakes what a Machine, a Cluster or a Metal3Cluster is about, and nothing for a count in a status", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1", "2");
    await machines.apply("metal3machines", machines.object("m-alone"));
    const machineWith = (status: object) => ({ more: { spec: { clusterName: "c" }, status } });
    const machine = machineWith({ phase: "Running" });
    const woken = async (
      resource: Parameters<typeof machines.apply>[0],
      uid: string,
      more: object,
    ) => [...(await machines.apply(resource, machines.object(uid, more))).machines].toSorted();
    const cluster = { infrastructureRef: { kind: "Metal3Cluster", name: "k" } };
    const withStatus = (status: object) => ({ more: { spec: cluster, status } });
    const bootstrap = [{ type: "BootstrapReady", status: "True" }];
    const notReady = [{ type: "BootstrapReady", status: "False" }];
    for (const [status, rows] of [
      [{ phase: "Running" }, []],
      [{ initialization: { bootstrapDataSecretCreated: true } }, []],
      [{ deprecated: { v1beta1: { conditions: notReady } } }, []],
      [{ nodeRef: { name: "n" } }, ["m-1"]],
      [{ nodeRef: { name: "n" }, deprecated: { v1beta1: { conditions: bootstrap } } }, ["m-1"]],
    ] as const) {
      expect(await woken("machines.cluster.x-k8s.io", "w-1", machineWith(status))).toEqual(rows);
    }
    expect(await woken("machines.cluster.x-k8s.io", "w-3", machine)).toEqual(["k"]);
    expect(await woken("clusters.cluster.x-k8s.io", "c", withStatus({ workers: 1 }))).toEqual([]);
    const initialization = { infrastructureProvisioned: true };
    const ready = [{ type: "InfrastructureReady", status: "True" }];
    const other = [...ready, { type: "Available", status: "True" }];
    const deprecated = (conditions: readonly object[]) => ({
      initialization,
      deprecated: { v1beta1: { conditions } },
    });
    const all = ["k", "m-1", "m-2"];
    for (const [status, rows] of [
      [{ initialization }, all],
      [deprecated(ready), all],
      [deprecated(other), []],
      [deprecated([{ ...ready[0], status: "False" }]), all],
    ] as const) {
      expect(await woken("clusters.cluster.x-k8s.io", "c", withStatus(status))).toEqual(rows);
    }
    const owner = { kind: "Cluster", uid: "c", name: "c" };
    expect(await woken("metal3clusters", "k", { owner, more: { status: { x: 1 } } })).toEqual([
      "k",
    ]);
    const spec = { cloudProviderEnabled: true };
    expect(await woken("metal3clusters", "k", { owner, more: { spec } })).toEqual(all);
    const gone = await machines.events("machines.cluster.x-k8s.io", {
      type: "DELETED",
      object: machines.object("w-1", machine),
    });
    expect([...gone.machines].toSorted()).toEqual(["k", "m-1"]);
  });

  test("wakes the machines that were made from a template when that is another, and decides without any", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    const from = (
      name: string,
      kind = "Metal3MachineTemplate.infrastructure.cluster.x-k8s.io",
    ) => ({
      "cluster.x-k8s.io/cloned-from-name": name,
      "cluster.x-k8s.io/cloned-from-groupkind": kind,
    });
    await machines.apply(
      "metal3machines",
      machines.object("m-1", { annotations: from("t") }),
      machines.object("m-2", { annotations: from("other") }),
      machines.object("m-3", { annotations: from("t", "OtherTemplate.example.com") }),
      machines.object("m-4", { annotations: from("t"), namespace: "far" }),
    );
    expect(await machines.rows("m-1")).toMatchObject({ feedsComplete: true, template: undefined });
    const template = (mode: string) => machines.object("t", { more: { spec: { mode } } });
    const woken = async (object: FeedObject) =>
      (await machines.apply("metal3machinetemplates", object)).machines;
    expect(await woken(template("metadata"))).toEqual(["m-1"]);
    expect(await woken(template("metadata"))).toEqual([]);
    const newest = template("disabled");
    expect(await woken(newest)).toEqual(["m-1"]);
    expect((await machines.rows("m-1")).template).toEqual(newest);
    for (const uid of ["m-2", "m-3", "m-4"]) {
      expect((await machines.rows(uid)).template).toBeUndefined();
    }
    const { machines: left } = await machines.list("metal3machinetemplates");
    expect(left).toEqual(["m-1"]);
    expect((await machines.rows("m-1")).template).toBeUndefined();
  });

  test("wakes the machine of a host that is another, and those that wait when nobody has it", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1", "2", "3");
    await machines.addHosts("a", "b");
    await machines.claim("m-1", "a");
    for (const uid of ["m-1", "m-3"]) await machines.commitMachine(uid);
    await machines.commitMachine("m-2", { waiting: true });
    const woken = async (uid: string, more: object) =>
      (await machines.apply("baremetalhosts", machines.host(uid, more))).machines;
    expect(await woken("a", { status: { poweredOn: true } })).toEqual([]);
    expect(await woken("a", { spec: { online: false } })).toEqual(["m-1"]);
    expect(await woken("b", { spec: { online: true, image: { url: "u" } } })).toEqual(["m-2"]);
    expect((await machines.list("baremetalhosts")).machines.toSorted()).toEqual(["m-1", "m-2"]);
    expect((await machines.rows("m-1")).hosts).toMatchObject([{ uid: "a", deleted: true }]);
  });
});

onEachDatabase("commitHost", (held) => {
  test("wakes the machine that has the host when what it sees is another, or the host is gone", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1", "2");
    await machines.addHosts("a");
    await machines.claim("m-1", "a");
    await machines.commitMachine("m-2", { waiting: true });
    expect(await machines.commitHost("a", "available")).toEqual([]);
    const before = (await machines.rows("m-1")).machine.version;
    expect(await machines.commitHost("a", "provisioning")).toEqual(["m-1"]);
    expect((await machines.rows("m-1")).machine.version).toBe(before + 1);
    expect(await machines.commitHost("a", "available")).toEqual(["m-1"]);
    expect(await machines.commitHost("a", "available", { gone: true })).toEqual(["m-1"]);
    expect(await machines.rows("m-1")).toMatchObject({
      machine: { hostUid: undefined },
      hosts: [],
    });
  });

  test("wakes machines of the namespace that wait for a host when one becomes free", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1", "2");
    await machines.apply("metal3machines", machines.object("m-far", { namespace: "far" }));
    await machines.apply("baremetalhosts", machines.host("a"));
    for (const uid of ["m-1", "m-far"]) await machines.commitMachine(uid, { waiting: true });
    await machines.commitMachine("m-2");
    expect(await machines.commitHost("a", "inspecting")).toEqual([]);
    expect(await machines.commitHost("a", "available")).toEqual(["m-1"]);
    expect(await machines.commitHost("a", "available")).toEqual([]);
    world.clock.advance(60_000);
    expect([...(await world.store.takeDue(1, 10)).machines].toSorted()).toEqual(["k", "m-1"]);
  });

  test("makes a decision stale that is under way while a host becomes free, unless it has one or is to go", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1", "2");
    await machines.addHosts("a");
    await machines.claim("m-2", "a");
    const leaving = machines.object("m-3", { deletionTimestamp: "2026-01-01T00:00:00Z" });
    await machines.apply("metal3machines", leaving);
    await machines.apply("baremetalhosts", machines.host("b"));
    const nothingFree = await machines.commit("m-1", { waiting: true });
    expect(await machines.commitHost("b", "available")).toEqual(["m-1"]);
    expect(await world.store.commitMachine(nothingFree)).toMatchObject({
      error: { kind: "stale" },
    });
  });
});

onEachDatabase("loadMachine", (held) => {
  test("has the owner, the Cluster, the Metal3Cluster, and all hosts of the namespace", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1", "2");
    await machines.addHosts("b", "a");
    const rows = await machines.rows("m-1");
    expect(rows).toMatchObject({
      feedsComplete: true,
      owner: { metadata: { uid: "w-1" } },
      coreCluster: { metadata: { uid: "c" } },
      metal3Cluster: { metadata: { uid: "k" } },
      machines: [],
      sites: [{ name: "lab" }],
    });
    expect(rows.hosts.map(({ uid }) => uid)).toEqual(["a", "b"]);
    expect(await machines.rows("k")).toMatchObject({
      owner: undefined,
      coreCluster: { metadata: { uid: "c" } },
      metal3Cluster: undefined,
      machines: ["w-1", "w-2"],
      hosts: [],
    });
  });

  test("names the Machines that are left when the Cluster itself is gone", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1");
    await machines.events("clusters.cluster.x-k8s.io", {
      type: "DELETED",
      object: machines.object("c"),
    });
    expect(await machines.rows("k")).toMatchObject({ coreCluster: undefined, machines: ["w-1"] });
  });

  test("has of a host what choosing looks at, and of the one that was chosen what its machine does", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1");
    const { metadata } = machines.host("a");
    const kept = { labels: { rack: "1" }, annotations: { note: "" } };
    const spec = { online: true, consumerRef: { name: "m" }, image: { url: "u" } };
    const object = machines.host("a", {
      metadata: { ...metadata, ...kept, managedFields: [{ manager: "kubectl" }] },
      spec: { ...spec, bootMACAddress: "52:54:00:00:00:01", raid: { disks: null } },
      status: { hardware: {} },
    });
    await machines.apply("baremetalhosts", object);
    expect((await machines.rows("m-1")).hosts[0]).toMatchObject({ status: undefined });
    const operation = { type: "farrier.dev/Operation", message: "waits" };
    const hardware = { hostname: "h", nics: [{ ip: "192.0.2.1" }] };
    const condition = { status: "True", reason: "R", lastTransitionTime: "2026-01-01T00:00:00Z" };
    const { status, ...memory } = (await world.commit("a")).memory;
    const conditions = [operation, { type: "Ready", message: "" }];
    await machines.commitHost("a", "available", {
      memory: {
        ...memory,
        status: {
          ...status,
          hardware: { ...hardware, ramMebibytes: 4096 },
          conditions: conditions.map((each) => ({ ...each, ...condition })),
        },
        identity: { systemUuid: "u-u-i-d", serialNumber: "s", macs: [] },
        power: { on: true, reportAtMs: 1 },
      },
    });
    const { errorMessage, operationalStatus, poweredOn } = status;
    const known = { uid: "a", namespace: "metal", name: "name-a", deleted: false, site: "lab" };
    const state = { provisioning: { state: "registering" }, errorMessage };
    expect((await machines.rows("m-1")).hosts).toEqual([
      {
        ...known,
        object: {
          ...object,
          metadata: { ...metadata, ...kept, resourceVersion: object.metadata.resourceVersion },
          spec: { ...spec, bootMACAddress: "52:54:00:00:00:01", raid: {} },
          status: undefined,
        },
        status: state,
      },
    ]);
    await machines.claim("m-1", "a");
    expect((await machines.rows("m-1")).hosts).toEqual([
      {
        ...known,
        object: { metadata: { name: "name-a", namespace: "metal", uid: "a", ...kept }, spec },
        status: {
          ...state,
          operationalStatus,
          poweredOn,
          hardware,
          conditions: [{ ...operation, ...condition }],
        },
        systemUuid: "u-u-i-d",
        isOn: true,
        claimedBy: "m-1",
      },
    ]);
  });
});

onEachDatabase("commitMachine", (held) => {
  test("writes memory, wake time and outbox when the version is that of the snapshot", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1");
    const commit = await machines.commit("m-1", {
      memory: { status: { ready: true }, told: "x" },
      outbox: [event("m-1", "one")],
      wakeAtMs: 42,
    });
    expect(await world.store.commitMachine(commit)).toEqual({ ok: true, value: [] });
    expect((await machines.rows("m-1")).machine).toMatchObject({
      version: commit.version + 1,
      memory: commit.memory,
    });
    expect(await world.table("machines")).toMatchObject([
      { uid: "k" },
      { uid: "m-1", wake_at: 42 },
    ]);
    const stale = { ...commit, outbox: [event("m-1", "two")], gone: true };
    expect(await world.store.commitMachine(stale)).toMatchObject({ error: { kind: "stale" } });
    expect(await world.table("outbox")).toMatchObject([
      { host_uid: "m-1", delivery: { write: { message: "one" } } },
    ]);
  });

  test("lets the host go and wakes who waits for one", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1", "2", "3");
    await machines.addHosts("a");
    await machines.claim("m-1", "a");
    await world.store.applyNodes("east", [linked]);
    await machines.commitMachine("m-2", { waiting: true });
    await machines.commitMachine("m-3");
    expect(await machines.commitMachine("m-1", { release: true })).toEqual(["m-2"]);
    expect((await machines.rows("m-1")).machine).toMatchObject({
      hostUid: undefined,
      node: undefined,
    });
    expect(await machines.commitMachine("m-1", { release: true })).toEqual([]);
    expect(await machines.claim("m-2", "a")).toMatchObject({ ok: true, value: { uid: "a" } });
    await machines.commitMachine("m-2");
    await machines.commitMachine("m-3", { waiting: true });
    expect(await machines.commitMachine("m-2", { gone: true })).toEqual(["m-3"]);
    expect(await world.store.loadMachine("m-2")).toBeUndefined();
    expect(await machines.claim("m-3", "a")).toMatchObject({ ok: true, value: { uid: "a" } });
  });
});

onEachDatabase("applyNodes", (held) => {
  test("keeps the newest word of the cluster's own machines, and wakes nobody for the same again", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1");
    const missing = { ...linked, outcome: "missing" } as const;
    expect(await world.store.applyNodes("west", [linked])).toEqual([]);
    expect(await world.store.applyNodes("east", [missing, linked])).toEqual(["m-1"]);
    expect((await machines.rows("m-1")).machine.node).toEqual(linked);
    expect(await world.store.applyNodes("east", [linked])).toEqual([]);
    const others = ["k", "nobody"].map((machineUid) => ({ ...linked, machineUid }));
    expect(await world.store.applyNodes("east", others)).toEqual([]);
  });
});

onEachDatabase("takeDue, of machines,", (held) => {
  test("takes what is due once, and leaves a resting row alone unless something changed", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.apply("metal3machines", machines.object("m-1"));
    expect((await world.store.takeDue(10_000, 10)).machines).toEqual([]);
    world.clock.advance(2_000);
    expect((await world.store.takeDue(10_000, 10)).machines).toEqual(["m-1"]);
    expect((await world.store.takeDue(10_000, 10)).machines).toEqual([]);
    const { version } = (await machines.rows("m-1")).machine;
    await world.store.restMachine("m-1", version);
    world.clock.advance(60_000);
    expect((await world.store.takeDue(10_000, 10)).machines).toEqual([]);
    await machines.apply("metal3machines", machines.object("m-1"));
    await world.store.restMachine("m-1", version);
    world.clock.advance(2_000);
    expect((await world.store.takeDue(10_000, 10)).machines).toEqual(["m-1"]);
  });
});

onEachDatabase("openSession of a database that went back in time", (held) => {
  test("forgets what is believed of machines, and their hosts are nobody's until Kubernetes shows whose", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1");
    await machines.addHosts("a", "b");
    await world.store.addSite("other");
    await machines.commitHost("a", "available", { site: "other" });
    await machines.claim("m-1", "a");
    await world.store.applyNodes("east", [linked]);
    await machines.commitMachine("m-1", { waiting: true, outbox: [event("m-1", "one")] });
    const { version } = (await machines.rows("m-1")).machine;
    // Only its site is the agent's own: the cluster is that of a host there.
    await world.addAgent("near", { site: "lab" });
    await world.opened("near", { heard: { epoch: machines.epoch + 5, turn: 0 } });
    expect(await machines.rows("m-1")).toMatchObject({
      machine: { version: version + 1, memory: undefined, hostUid: undefined, node: undefined },
      feedsComplete: false,
      hosts: [{ claimedBy: undefined }, { claimedBy: undefined }],
    });
    expect(await world.table("outbox")).toEqual([]);
    expect((await machines.list("metal3machines")).kind).toBe("fenced");
  });
});
