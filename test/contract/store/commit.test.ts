import { sql, type SQL } from "drizzle-orm";
import { expect, test } from "vitest";
import type { OutboxRow } from "../../../control-plane/ports.ts";
import {
  hostObject,
  memoryOf,
  newOperation,
  type StoreWorld,
} from "../../support/control-plane/store-world.ts";
import { onEachDatabase, onPostgres } from "./databases.ts";

async function withHosts(world: StoreWorld, ...uids: readonly string[]): Promise<number> {
  const { epoch } = await world.start();
  await world.watch(
    epoch,
    "10",
    uids.map((uid, index) => ({ type: "ADDED", object: hostObject(uid, `${11 + index}`) })),
  );
  return epoch;
}

interface EventDelivery {
  readonly write: { readonly message: string };
}

const eventRow = (uid: string, key: string | undefined, message: string): OutboxRow => ({
  link: "cluster:east",
  key,
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

const mac = { kind: "mac", value: "52:54:00:00:00:01" } as const;
const bmc = { kind: "bmc", value: "192.0.2.1:623" } as const;

onEachDatabase("commitHost", (held) => {
  test("writes memory, site, document and wake time when the version is that of the snapshot", async () => {
    const { world } = held();
    await withHosts(world, "a");
    const commit = await world.commit("a", { memory: memoryOf("inspecting"), wakeAtMs: 42 });
    expect(await world.store.commitHost(commit)).toEqual({ ok: true, value: [] });
    const rows = await world.store.loadHost("a");
    expect(rows?.host).toMatchObject({
      version: commit.version + 1,
      site: "lab",
      memory: memoryOf("inspecting"),
    });
    expect(await world.table("hosts")).toMatchObject([{ wake_at: 42 }]);
  });

  test("writes nothing when the version has moved on", async () => {
    const { world } = held();
    await withHosts(world, "a");
    const commit = await world.commit("a", {
      claims: [mac],
      operation: newOperation("a", "a.1"),
      outbox: [eventRow("a", undefined, "one")],
    });
    await world.store.commitHost(await world.commit("a", { memory: memoryOf("preparing") }));
    const outcome = await world.store.commitHost(commit);
    expect(outcome).toMatchObject({ ok: false, error: { kind: "stale" } });
    const rows = await world.store.loadHost("a");
    expect(rows?.host.memory).toEqual(memoryOf("preparing"));
    expect(rows?.operation).toBeUndefined();
    expect(await world.table("claims")).toEqual([]);
    expect(await world.table("outbox")).toEqual([]);
  });

  test("writes nothing and names the claim when another host holds it", async () => {
    const { world } = held();
    await withHosts(world, "a", "b");
    await world.store.commitHost(await world.commit("a", { claims: [bmc, mac] }));
    const commit = await world.commit("b", {
      claims: [mac],
      memory: memoryOf("inspecting"),
      operation: newOperation("b", "b.1"),
      outbox: [eventRow("b", undefined, "one")],
    });
    const outcome = await world.store.commitHost(commit);
    expect(outcome).toMatchObject({ ok: false, error: { kind: "claimed" } });
    expect(outcome.ok ? "" : outcome.error.message).toBe(
      'spec.bootMACAddress: MAC address 52:54:00:00:00:01 is used by host "name-a" of this namespace; correct it, or delete that host',
    );
    const rows = await world.store.loadHost("b");
    expect(rows?.host.memory).toBeUndefined();
    expect(rows?.operation).toBeUndefined();
    expect(await world.table("outbox")).toHaveLength(0);
  });

  test("does not name the other host when it is in another namespace", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    const elsewhere = { name: "secret-name", namespace: "secret", uid: "a", resourceVersion: "11" };
    await world.watch(epoch, "10", [
      { type: "ADDED", object: hostObject("a", "11", { metadata: elsewhere }) },
      { type: "ADDED", object: hostObject("b", "12") },
    ]);
    await world.store.commitHost(await world.commit("a", { claims: [bmc] }));
    const outcome = await world.store.commitHost(await world.commit("b", { claims: [bmc] }));
    expect(outcome.ok ? "" : outcome.error.message).toBe(
      "spec.bmc.address: BMC 192.0.2.1:623 is used by another host; correct it, or have that host removed",
    );
  });

  test("lets claims go that are not named, and wakes who waits for one", async () => {
    const { world } = held();
    await withHosts(world, "a", "b");
    await world.store.commitHost(await world.commit("a", { claims: [bmc, mac] }));
    await world.store.commitHost(await world.commit("b", { blocked: true }));
    world.clock.advance(60_000);
    await world.store.commitHost(await world.commit("a", { claims: undefined }));
    expect((await world.store.takeDue(1, 10)).hosts).toEqual([]);
    await world.store.commitHost(await world.commit("a", { claims: [bmc] }));
    world.clock.advance(2_000);
    expect((await world.store.takeDue(1, 10)).hosts).toEqual(["b"]);
    expect((await world.store.commitHost(await world.commit("b", { claims: [mac] }))).ok).toBe(
      true,
    );
  });

  test("takes a host from one claim to another in one statement", async () => {
    const { world } = held();
    await withHosts(world, "a", "b");
    await world.store.commitHost(await world.commit("a", { claims: [mac] }));
    const other = { kind: "mac", value: "52:54:00:00:00:02" } as const;
    expect((await world.store.commitHost(await world.commit("a", { claims: [other] }))).ok).toBe(
      true,
    );
    expect((await world.store.commitHost(await world.commit("b", { claims: [mac] }))).ok).toBe(
      true,
    );
  });

  test("opens an operation when the one before is consumed in the same commit", async () => {
    const { world } = held();
    await withHosts(world, "a");
    await world.store.commitHost(await world.commit("a", { operation: newOperation("a", "a.1") }));
    const row: OutboxRow = {
      link: "site:lab",
      key: "operation:a.1",
      hostUid: "a",
      delivery: { kind: "operation", operation: newOperation("a", "a.1").operation },
    };
    await world.store.commitHost(await world.commit("a", { cancel: "a.1", outbox: [row] }));
    expect((await world.store.loadHost("a"))?.operation).toMatchObject({
      id: "a.1",
      kind: "register",
      state: "pending",
      cancelled: true,
    });
    await world.store.commitHost(
      await world.commit("a", { consumed: "a.1", operation: newOperation("a", "a.2") }),
    );
    expect((await world.store.loadHost("a"))?.operation).toMatchObject({
      id: "a.2",
      cancelled: false,
    });
    expect(await world.table("outbox")).toHaveLength(0);
  });

  test("refuses a second open operation of a host", async () => {
    const { world } = held();
    await withHosts(world, "a");
    await world.store.commitHost(await world.commit("a", { operation: newOperation("a", "a.1") }));
    const second = await world.commit("a", { operation: newOperation("a", "a.2") });
    expect((await world.store.commitHost(second)).ok).toBe(false);
    expect((await world.store.loadHost("a"))?.operation?.id).toBe("a.1");
  });

  test("replaces a waiting row of the same key, and repeats an equal one never", async () => {
    const { world } = held();
    await withHosts(world, "a");
    const messages = async () => {
      const rows = await world.table("outbox");
      return rows.map(({ delivery }) => (delivery as EventDelivery).write.message);
    };
    const commit = async (...outbox: OutboxRow[]) =>
      await world.store.commitHost(await world.commit("a", { outbox }));
    await commit(eventRow("a", "k", "one"), eventRow("a", undefined, "free"));
    await commit(eventRow("a", "k", "one"), eventRow("a", undefined, "free"));
    expect(await messages()).toEqual(["one", "free", "free"]);
    await commit(eventRow("a", "k", "two"));
    expect((await messages()).at(-1)).toBe("two");
    expect(await messages()).toHaveLength(3);
  });

  test("removes the host with claims, operations and facts, and keeps what its links must still hear", async () => {
    const { world } = held();
    await withHosts(world, "a");
    await world.store.applySecrets("east", [
      { hostUid: "a", purpose: "bmc", name: "s", found: true },
    ]);
    const operation = newOperation("a", "a.1");
    const order: OutboxRow = {
      link: "site:lab",
      key: "operation:a.1",
      hostUid: "a",
      delivery: { kind: "operation", operation: operation.operation },
    };
    await world.store.commitHost(
      await world.commit("a", { claims: [mac], operation, outbox: [order] }),
    );
    const removal: OutboxRow = {
      link: "site:lab",
      key: "document:a",
      hostUid: "a",
      delivery: { kind: "remove-document", hostUid: "a", revision: 7 },
    };
    expect(
      (await world.store.commitHost(await world.commit("a", { gone: true, outbox: [removal] }))).ok,
    ).toBe(true);
    expect(await world.store.loadHost("a")).toBeUndefined();
    expect(await world.table("claims")).toHaveLength(0);
    expect(await world.table("operations")).toHaveLength(0);
    expect(await world.table("secret_facts")).toHaveLength(0);
    expect(await world.table("outbox")).toMatchObject([{ delivery: removal.delivery }]);
  });

  test("forgets what an old site said of power and BMC when the host moves", async () => {
    const { world } = held();
    const epoch = await withHosts(world, "a");
    await world.store.addSite("other");
    await world.store.commitHost(await world.commit("a"));
    await world.observe(
      "both",
      epoch,
      { kind: "power", hostUid: "a", on: true },
      { kind: "bmc", hostUid: "a", problem: "silent" },
    );
    expect((await world.store.loadHost("a"))?.host).toMatchObject({
      power: { on: true },
      bmcProblem: "silent",
    });
    await world.store.commitHost(await world.commit("a", { site: "other" }));
    const moved = (await world.store.loadHost("a"))?.host;
    expect([moved?.site, moved?.power, moved?.bmcProblem]).toEqual(["other", undefined, undefined]);
  });
});

onEachDatabase("takeDue, of hosts,", (held) => {
  test("takes what is due once, and again after the lease when nothing was committed", async () => {
    const { world } = held();
    await withHosts(world, "a", "b");
    expect((await world.store.takeDue(10_000, 10)).hosts).toEqual([]);
    world.clock.advance(2_000);
    expect([...(await world.store.takeDue(10_000, 1)).hosts]).toHaveLength(1);
    expect([...(await world.store.takeDue(10_000, 10)).hosts]).toHaveLength(1);
    expect((await world.store.takeDue(10_000, 10)).hosts).toEqual([]);
    world.clock.advance(10_000);
    expect((await world.store.takeDue(10_000, 10)).hosts).toHaveLength(2);
  });

  test("leaves a resting host alone unless something changed meanwhile", async () => {
    const { world } = held();
    const epoch = await withHosts(world, "a");
    const version = (await world.store.loadHost("a"))?.host.version ?? 0;
    await world.store.restHost("a", version);
    world.clock.advance(60_000);
    expect((await world.store.takeDue(1, 10)).hosts).toEqual([]);
    await world.watch(epoch, "11", [{ type: "MODIFIED", object: hostObject("a", "12") }]);
    await world.store.restHost("a", version);
    world.clock.advance(2_000);
    expect((await world.store.takeDue(1, 10)).hosts).toEqual(["a"]);
  });
});

onEachDatabase("forgetHost", (held) => {
  test("leaves of a host what Kubernetes shows, its site and its claims, if nobody was first", async () => {
    const { world } = held();
    await withHosts(world, "a", "b");
    const memory = memoryOf("available");
    await world.store.commitHost(
      await world.commit("a", { memory, outbox: [eventRow("a", undefined, "one")] }),
    );
    const before = await world.store.loadHost("a");
    const version = before?.host.version ?? 0;
    expect(await world.store.forgetHost("a", version - 1)).toEqual([]);
    expect((await world.store.loadHost("a"))?.host.memory).toBeDefined();
    expect(await world.store.forgetHost("a", version)).toEqual([]);
    const after = await world.store.loadHost("a");
    expect(after?.host).toMatchObject({ version: version + 1, site: before?.host.site });
    expect(after?.host.memory).toBeUndefined();
    expect(await world.table("outbox")).toEqual([]);
    expect(await world.table("operations")).toEqual([]);
    world.clock.advance(2_000);
    expect((await world.store.takeDue(1, 10)).hosts).toContain("a");
  });
});

onPostgres("racing commits", (held) => {
  test("let exactly one of fifty win, over three instances", async () => {
    const { world, database } = held();
    await withHosts(world, "a");
    const stores = [
      world.store,
      world.sibling(database.another()),
      world.sibling(database.another()),
    ];
    for (let round = 1; round <= 5; round += 1) {
      const commit = await world.commit("a");
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          stores[index % 3]!.commitHost({
            ...commit,
            consumed: round > 1 ? `a.${round - 1}` : undefined,
            operation: newOperation("a", `a.${round}`),
            memory: { ...memoryOf("inspecting"), operationCount: round, attempt: index },
            outbox: [eventRow("a", undefined, `round ${round} by ${index}`)],
          }),
        ),
      );
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
      const winner = outcomes.findIndex(({ ok }) => ok);
      expect((await world.store.loadHost("a"))?.host.memory?.attempt).toBe(winner);
      const last = sql`SELECT count(*)::int AS count, max(delivery->'write'->>'message') AS message FROM outbox`;
      expect(await database.database.rows(last)).toEqual([
        { count: round, message: `round ${round} by ${winner}` },
      ]);
    }
  });

  test("give a claim to one of many hosts that want it at the same moment", async () => {
    const { world, database } = held();
    const uids = Array.from({ length: 20 }, (_, index) => `host-${index}`);
    await withHosts(world, ...uids);
    const second = world.sibling(database.another());
    const commits = await Promise.all(
      uids.map((uid, index) =>
        // Named in opposite orders: the statement must not deadlock.
        world.commit(uid, { claims: index % 2 === 0 ? [bmc, mac] : [mac, bmc] }),
      ),
    );
    const outcomes = await Promise.all(
      commits.map((commit, index) => (index % 2 === 0 ? world.store : second).commitHost(commit)),
    );
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await database.database.rows(sql`SELECT DISTINCT host_uid FROM claims`)).toHaveLength(1);
    const losers = outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.error.kind]));
    expect(losers.every((kind) => kind === "stale" || kind === "claimed")).toBe(true);
    const loser = outcomes.findIndex(({ ok }) => !ok);
    expect(await world.store.commitHost(commits[loser]!)).toMatchObject({
      error: { kind: "claimed" },
    });
  });

  test("share out the due hosts between sweeping instances without giving one twice", async () => {
    const { world, database } = held();
    const uids = Array.from({ length: 60 }, (_, index) => `host-${index}`);
    await withHosts(world, ...uids);
    world.clock.advance(5_000);
    const stores = [world.store, world.sibling(database.another())];
    const taken = await Promise.all(
      Array.from({ length: 12 }, (_, index) => stores[index % 2]!.takeDue(60_000, 10)),
    );
    const rest = (await world.store.takeDue(60_000, 100)).hosts;
    const all = [...taken.flatMap(({ hosts }) => hosts), ...rest];
    expect(all).toHaveLength(60);
    expect(new Set(all).size).toBe(60);
  });

  test("leave a row whole when backends die in the middle of commits", async () => {
    const { world, database } = held();
    await withHosts(world, "a");
    const victim = world.sibling(database.another());
    const committing = sql`pg_stat_activity
      WHERE application_name = 'farrier' AND pid <> pg_backend_pid()
        AND state = 'active' AND query LIKE '%WITH target AS%'`;
    const count = async (wanted: SQL) => (await database.database.rows(wanted)).length;
    const kill = () => count(sql`SELECT pg_terminate_backend(pid) FROM ${committing}`);
    const attempt = async (kills: number) => {
      try {
        const rows = await victim.loadHost("a");
        const count = rows?.host.memory?.operationCount ?? 0;
        const commit = await world.commit("a", {
          version: rows?.host.version ?? 0,
          consumed: count === 0 ? undefined : `a.${count}`,
          memory: { ...memoryOf("inspecting"), operationCount: count + 1 },
          operation: newOperation("a", `a.${count + 1}`),
          outbox: [eventRow("a", undefined, `${count + 1}`)],
        });
        const killing = Array.from({ length: kills }, kill);
        const [outcome, ...killed] = await Promise.all([victim.commitHost(commit), ...killing]);
        return { won: outcome.ok ? 1 : 0, killed: killed.filter((count) => count > 0).length };
      } catch {
        // A dead connection: whether it was committed is seen in the row.
        return { won: 0, killed: 1 };
      }
    };
    let [won, killed] = [0, 0];
    for (let round = 0; round < 4_000 && (won < 20 || killed < 20); round += 1) {
      const outcome = await attempt(round % 2 === 0 ? 0 : 3);
      won += outcome.won;
      killed += outcome.killed;
    }
    expect(won).toBeGreaterThanOrEqual(20);
    expect(killed).toBeGreaterThanOrEqual(20);
    // One whose connection was lost may still be committing.
    while ((await count(sql`SELECT FROM ${committing}`)) > 0);
    const rows = await world.store.loadHost("a");
    const last = rows?.host.memory?.operationCount ?? 0;
    expect(rows?.operation?.id).toBe(`a.${last}`);
    const written = sql`SELECT count(*)::int AS count, max((delivery->'write'->>'message')::int) AS last FROM outbox`;
    expect(await database.database.rows(written)).toEqual([{ count: last, last }]);
    expect(await count(sql`SELECT FROM operations WHERE consumed`)).toBe(last - 1);
  });
});
