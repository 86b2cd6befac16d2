import { expect, test } from "vitest";
import type { FeedBatch } from "../../../shared/protocol/feed.ts";
import { hostObject } from "../../support/control-plane/store-world.ts";
import { onEachDatabase, onPostgres } from "./databases.ts";

onEachDatabase("applyFeed", (held) => {
  test("stores a watch batch and moves the cursor when it goes on from the cursor", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    const outcome = await world.watch(epoch, "10", [
      { type: "ADDED", object: hostObject("a", "11") },
    ]);
    expect(outcome).toEqual({
      kind: "stored",
      cursor: "11",
      touched: ["a"],
      machines: [],
      foreign: 0,
    });
    const rows = await world.store.loadHost("a");
    expect(rows?.host).toMatchObject({ name: "name-a", namespace: "metal", deleted: false });
    expect(rows?.host.object).toEqual(hostObject("a", "11"));
    expect(rows?.feedsComplete).toBe(true);
  });

  test("stores nothing and answers with the cursor when the batch is not from it", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    const outcome = await world.watch(epoch, "9", [
      { type: "ADDED", object: hostObject("a", "11") },
    ]);
    expect(outcome).toEqual({
      kind: "conflict",
      cursor: "10",
      touched: [],
      machines: [],
      foreign: 0,
    });
    expect(await world.store.loadHost("a")).toBeUndefined();
  });

  test("is fenced when a newer session of the agent is open", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.opened("both");
    const outcome = await world.watch(epoch, "10", [
      { type: "ADDED", object: hostObject("a", "11") },
    ]);
    expect(outcome.kind).toBe("fenced");
    expect(await world.store.loadHost("a")).toBeUndefined();
  });

  test("ignores versions that are older than or equal to the stored one, comparing numbers", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "100") }]);
    const before = await world.store.loadHost("a");
    const old = hostObject("a", "99", { spec: { online: false } });
    const outcome = await world.watch(epoch, "100", [
      { type: "MODIFIED", object: old },
      { type: "MODIFIED", object: hostObject("b", "101") },
    ]);
    expect(outcome.touched).toEqual(["b"]);
    expect(await world.store.loadHost("a")).toEqual(before);
    await world.watch(epoch, "101", [
      { type: "MODIFIED", object: { ...old, ...hostObject("a", "1000") } },
    ]);
    expect((await world.store.loadHost("a"))?.host.version).toBe((before?.host.version ?? 0) + 1);
  });

  test("keeps the last of several events about one object", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [
      { type: "ADDED", object: hostObject("a", "11") },
      { type: "MODIFIED", object: hostObject("a", "12", { spec: { online: false } }) },
      { type: "DELETED", object: hostObject("a", "13") },
      { type: "ADDED", object: hostObject("b", "14", {}) },
    ]);
    expect(await world.store.loadHost("a")).toBeUndefined();
    expect((await world.store.loadHost("b"))?.host.deleted).toBe(false);
  });

  test("marks a host as deleted and wakes it when the watch says so", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "11") }]);
    const outcome = await world.watch(epoch, "11", [
      { type: "DELETED", object: hostObject("a", "12") },
    ]);
    expect(outcome.touched).toEqual(["a"]);
    expect((await world.store.loadHost("a"))?.host.deleted).toBe(true);
  });

  test("marks what a whole list did not name, with its last page and not before", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [
      { type: "ADDED", object: hostObject("a", "11") },
      { type: "ADDED", object: hostObject("b", "12") },
      { type: "ADDED", object: hostObject("c", "13") },
    ]);
    const first = await world.list(epoch, "l1", {
      version: "20",
      items: [hostObject("a", "11")],
      last: false,
    });
    expect(first).toMatchObject({ kind: "stored", cursor: "13", touched: [] });
    expect((await world.store.loadHost("b"))?.host.deleted).toBe(false);
    const last = await world.list(epoch, "l1", {
      version: "20",
      items: [hostObject("c", "19")],
      last: true,
    });
    expect(last.cursor).toBe("20");
    expect([...last.touched].toSorted()).toEqual(["b", "c"]);
    const deleted = ["a", "b", "c"].map(
      async (uid) => (await world.store.loadHost(uid))?.host.deleted,
    );
    expect(await Promise.all(deleted)).toEqual([false, true, false]);
  });

  test("does not mark what an unfinished list named when the next list is whole", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.list(epoch, "l1", { version: "20", items: [hostObject("a", "11")], last: false });
    const last = await world.list(epoch, "l2", {
      version: "21",
      items: [hostObject("a", "11")],
      last: true,
    });
    expect(last.touched).toEqual([]);
    expect((await world.store.loadHost("a"))?.host.deleted).toBe(false);
  });

  test("takes no list that was made at another cursor: it was given up, and comes after a newer one", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "500") }]);
    const items = [hostObject("a", "300", { spec: { online: false } })];
    const list = { version: "400", items, last: true };
    const late = await world.list(epoch, "late", { ...list, replaces: "10" });
    expect(late).toMatchObject({ kind: "conflict", cursor: "500" });
    const meant = await world.list(epoch, "meant", { ...list, replaces: "500" });
    expect(meant).toMatchObject({ kind: "stored", cursor: "400" });
  });

  test("believes a list that is older than the cursor: the cluster was restored", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [
      { type: "ADDED", object: hostObject("a", "500") },
      { type: "ADDED", object: hostObject("b", "501") },
    ]);
    const restored = hostObject("a", "300", { spec: { online: false } });
    const outcome = await world.list(epoch, "l1", {
      version: "400",
      items: [restored],
      last: true,
    });
    expect(outcome.cursor).toBe("400");
    expect([...outcome.touched].toSorted()).toEqual(["a", "b"]);
    expect((await world.store.loadHost("a"))?.host.object).toEqual(restored);
    expect((await world.store.loadHost("b"))?.host.deleted).toBe(true);
  });

  test("marks the old object as deleted when its name has another uid", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    const named = (uid: string, version: string) =>
      hostObject(uid, version, {
        metadata: { name: "same", namespace: "metal", uid, resourceVersion: version },
      });
    await world.watch(epoch, "10", [{ type: "ADDED", object: named("a", "11") }]);
    const outcome = await world.watch(epoch, "11", [{ type: "ADDED", object: named("b", "12") }]);
    expect([...outcome.touched].toSorted()).toEqual(["a", "b"]);
    expect((await world.store.loadHost("a"))?.host.deleted).toBe(true);
  });

  test("does not store an object whose uid another cluster has", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "11") }]);
    await world.addAgent("west-link", { cluster: "west" });
    const west = await world.opened("west-link");
    const outcome = await world.store.applyFeed(
      { agentId: "west-link", epoch: west.epoch, cluster: "west" },
      "baremetalhosts",
      {
        kind: "list",
        listId: "w",
        resourceVersion: "99",
        items: [hostObject("a", "98")],
        last: true,
      },
    );
    expect(outcome).toMatchObject({ kind: "stored", touched: [], foreign: 1 });
    expect((await world.store.loadHost("a"))?.host.cluster).toBe("east");
  });

  test("stores text that jsonb refuses with a replacement", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    const object = hostObject("a", "11", { spec: { description: "nul \0 lone \uD800" } });
    const outcome = await world.watch(epoch, "10", [{ type: "ADDED", object }]);
    expect(outcome.kind).toBe("stored");
    expect((await world.store.loadHost("a"))?.host.object).toMatchObject({
      spec: { description: "nul \uFFFD lone \uFFFD" },
    });
  });

  test("wakes all hosts of a cluster with the first whole list of a resource, and none before", async () => {
    const { world } = held();
    await world.addAgent("both", { site: "lab", cluster: "east" });
    const { epoch } = await world.opened("both");
    await world.list(epoch, "l1", { version: "20", items: [hostObject("a", "11")], last: true });
    expect((await world.store.loadHost("a"))?.feedsComplete).toBe(false);
    const sender = { agentId: "both", epoch, cluster: "east" };
    const empty: FeedBatch = {
      kind: "list",
      listId: "l",
      resourceVersion: "20",
      items: [],
      last: true,
    };
    expect((await world.store.applyFeed(sender, "namespaces", empty)).touched).toEqual(["a"]);
    expect((await world.store.applyFeed(sender, "hardwaredata", empty)).touched).toEqual(["a"]);
    expect((await world.store.loadHost("a"))?.feedsComplete).toBe(true);
    expect((await world.store.applyFeed(sender, "hardwaredata", empty)).touched).toEqual([]);
  });

  test("wakes the hosts that a namespace or a HardwareData is about", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [
      { type: "ADDED", object: hostObject("a", "11") },
      {
        type: "ADDED",
        object: hostObject("b", "12", {
          metadata: { name: "b", namespace: "other", uid: "b", resourceVersion: "12" },
        }),
      },
    ]);
    const sender = { agentId: "both", epoch, cluster: "east" };
    const namespace = {
      metadata: {
        name: "metal",
        uid: "n",
        resourceVersion: "11",
        annotations: { "farrier.dev/site": "lab" },
      },
    };
    const named = await world.store.applyFeed(sender, "namespaces", {
      kind: "watch",
      fromResourceVersion: "10",
      toResourceVersion: "11",
      events: [{ type: "ADDED", object: namespace }],
    });
    expect(named.touched).toEqual(["a"]);
    expect((await world.store.loadHost("a"))?.namespaceKnown).toBe(true);
    expect((await world.store.loadHost("b"))?.namespaceKnown).toBe(false);
    const hardware = {
      metadata: { name: "b", namespace: "other", uid: "h", resourceVersion: "11" },
      spec: { hardware: {} },
    };
    const found = await world.store.applyFeed(sender, "hardwaredata", {
      kind: "watch",
      fromResourceVersion: "10",
      toResourceVersion: "11",
      events: [{ type: "ADDED", object: hardware }],
    });
    expect(found.touched).toEqual(["b"]);
    expect((await world.store.loadHost("a"))?.namespaceAnnotations).toEqual({
      "farrier.dev/site": "lab",
    });
    expect((await world.store.loadHost("b"))?.hardware).toEqual(hardware);
    const gone = await world.store.applyFeed(sender, "hardwaredata", {
      kind: "list",
      listId: "h2",
      resourceVersion: "12",
      items: [],
      last: true,
    });
    expect(gone.touched).toEqual(["b"]);
    expect((await world.store.loadHost("b"))?.hardware).toBeUndefined();
  });
});

onEachDatabase("applySecrets", (held) => {
  test("stores facts of the cluster's own hosts, and removes one whose name is empty", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "11") }]);
    const fact = { hostUid: "a", purpose: "bmc", name: "secret", found: true } as const;
    expect(await world.store.applySecrets("west", [fact])).toEqual([]);
    expect(await world.store.applySecrets("east", [fact, { ...fact, hostUid: "x" }])).toEqual([
      "a",
    ]);
    expect((await world.store.loadHost("a"))?.secrets).toEqual([fact]);
    const [hostUid, purpose] = ["a", "bmc"];
    expect(await world.store.knownFacts("east")).toEqual([{ hostUid, purpose }]);
    const digest = "d1";
    await world.store.applySecrets("east", [{ ...fact, digest }]);
    expect(await world.store.knownFacts("east")).toEqual([{ hostUid, purpose, digest }]);
    expect(await world.store.knownFacts("west")).toEqual([]);
    expect(await world.store.applySecrets("east", [{ ...fact, name: "", found: false }])).toEqual([
      "a",
    ]);
    expect((await world.store.loadHost("a"))?.secrets).toEqual([]);
  });
});

onPostgres("racing feeds", (held) => {
  test("take one of many batches that go on from the same cursor", async () => {
    const { world, database } = held();
    const { epoch } = await world.start();
    const siblings = [world.sibling(database.another()), world.sibling(database.another())];
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        siblings[index % 2]!.applyFeed(
          { agentId: "both", epoch, cluster: "east" },
          "baremetalhosts",
          {
            kind: "watch",
            fromResourceVersion: "10",
            toResourceVersion: `${100 + index}`,
            events: [{ type: "ADDED", object: hostObject(`host-${index}`, `${100 + index}`) }],
          },
        ),
      ),
    );
    expect(outcomes.filter(({ kind }) => kind === "stored")).toHaveLength(1);
    expect(
      await world.store.listHosts({ cluster: undefined, site: undefined, afterUid: undefined }),
    ).toHaveLength(1);
  });
});
