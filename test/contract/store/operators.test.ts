import { getTableColumns, getTableName, sql } from "drizzle-orm";
import { expect, test } from "vitest";
import { migrate, missingMigrations } from "../../../control-plane/store/migrate.ts";
import * as schema from "../../../control-plane/store/schema.ts";
import { sqlTier } from "../../support/control-plane/store-tier.ts";
import {
  hostObject,
  memoryOf,
  newOperation,
  StoreWorld,
} from "../../support/control-plane/store-world.ts";
import { onEachDatabase, onPostgres } from "./databases.ts";

const anybody = { cluster: undefined, site: undefined, afterUid: undefined };

function enrol(world: StoreWorld, tokenHash: string, name: string) {
  return world.store.enrol({
    tokenHash,
    id: `agent-${name}`,
    signingKey: `signing-${name}`,
    sealingKey: `sealing-${name}`,
    sealingFingerprint: `fingerprint-${name}`,
    hostname: name,
    programVersion: "1",
  });
}

onEachDatabase("enrol", (held) => {
  test("makes an agent of a token once; the same agent's repetition gets the same answer", async () => {
    const { world } = held();
    await world.store.addSite("lab");
    const token = { hash: "t", site: "lab", cluster: undefined, ttlMs: 60_000, autoApprove: false };
    expect(await world.store.addToken(token)).toBe(true);
    const first = await enrol(world, "t", "one");
    expect(first).toMatchObject({
      ok: true,
      value: { id: "agent-one", state: "pending", site: "lab" },
    });
    const repeated = await world.store.enrol({
      tokenHash: "t",
      id: "agent-anew",
      signingKey: "signing-one",
      sealingKey: "sealing-one",
      sealingFingerprint: "fingerprint-one",
      hostname: "one",
      programVersion: "1",
    });
    expect(repeated).toEqual(first);
    expect(await enrol(world, "t", "two")).toMatchObject({ error: { kind: "used" } });
    expect(await world.store.listAgents()).toHaveLength(1);
  });

  test("refuses a token that is unknown or expired", async () => {
    const { world } = held();
    await world.store.addSite("lab");
    const token = { hash: "t", site: "lab", cluster: undefined, ttlMs: 60_000, autoApprove: true };
    await world.store.addToken(token);
    expect(await enrol(world, "no", "one")).toMatchObject({ error: { kind: "unknown" } });
    world.clock.advance(60_000);
    expect(await enrol(world, "t", "one")).toMatchObject({ error: { kind: "expired" } });
    expect(await world.store.listAgents()).toEqual([]);
  });

  test("is not possible for a site that does not exist", async () => {
    const { world } = held();
    const token = { hash: "t", site: "lab", cluster: undefined, ttlMs: 60_000, autoApprove: true };
    expect(await world.store.addToken(token)).toBe(false);
  });
});

onEachDatabase("listings", (held) => {
  test("tell names once, and what is taken", async () => {
    const { world } = held();
    expect(await world.store.addSite("lab")).toBe(true);
    expect(await world.store.addSite("lab")).toBe(false);
    expect(await world.store.addCluster("east", "h")).toBe(true);
    expect(await world.store.addCluster("east", "other")).toBe(false);
    expect(await world.store.clusterOfAdmissionToken("h")).toBe("east");
    expect(await world.store.clusterOfAdmissionToken("other")).toBeUndefined();
    expect(await world.store.listSites()).toEqual([{ name: "lab", lastSeenMs: null }]);
  });

  test("wake the hosts that have no site when one is added", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [
      { type: "ADDED", object: hostObject("a", "11") },
      { type: "ADDED", object: hostObject("b", "12") },
    ]);
    await world.store.commitHost(await world.commit("a"));
    await world.store.commitHost(await world.commit("b", { site: undefined }));
    expect((await world.store.takeDue(1, 10)).hosts).toEqual([]);
    await world.store.addSite("other");
    expect((await world.store.takeDue(1, 10)).hosts).toEqual(["b"]);
  });

  test("tell who holds what, and what hosts do", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [
      { type: "ADDED", object: hostObject("b", "11") },
      { type: "ADDED", object: hostObject("a", "12") },
    ]);
    const operation = newOperation("a", "a.1", { atMs: 5 });
    await world.store.commitHost(
      await world.commit("a", { operation, memory: memoryOf("registering") }),
    );
    expect(await world.store.listAgents()).toMatchObject([
      { id: "both", state: "approved", holds: ["cluster:east", "site:lab"] },
    ]);
    expect(await world.store.listHosts(anybody)).toMatchObject([
      { uid: "a", site: "lab", state: "registering", operation: { id: "a.1", createdAtMs: 5 } },
      { uid: "b", site: null, state: null, operation: null },
    ]);
    expect(await world.store.listHosts({ ...anybody, afterUid: "a" })).toMatchObject([
      { uid: "b" },
    ]);
    expect(await world.store.listHosts({ ...anybody, site: "lab" })).toMatchObject([{ uid: "a" }]);
    expect(await world.store.listHosts({ ...anybody, cluster: "west" })).toEqual([]);
  });
});

onEachDatabase("history", (held) => {
  test("is listed newest first, and pruned after a month when it was taken in", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "11") }]);
    const at = (id: string) => newOperation("a", id, { atMs: world.clock.nowMs() });
    await world.store.commitHost(await world.commit("a", { operation: at("a.1") }));
    world.clock.advance(1_000);
    const next = { consumed: "a.1", operation: at("a.2") };
    await world.store.commitHost(await world.commit("a", next));
    const ids = async (openOnly: boolean) => {
      const listed = await world.store.listOperations({ hostUid: "a", openOnly });
      return listed.map(({ operation }) => operation.id);
    };
    expect(await ids(false)).toEqual(["a.2", "a.1"]);
    expect(await ids(true)).toEqual(["a.2"]);
    world.clock.advance(29 * 24 * 3600_000);
    await world.store.prune();
    expect(await ids(false)).toEqual(["a.2", "a.1"]);
    expect(await world.table("tokens")).toEqual([]);
    world.clock.advance(2 * 24 * 3600_000);
    await world.store.prune();
    expect(await ids(false)).toEqual(["a.2"]);
  });
});

onEachDatabase("what admission asks", (held) => {
  test("is answered with surroundings and claimants, for a host that is stored and one that is not", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "11") }]);
    const mac = { kind: "mac", value: "52:54:00:00:00:01" } as const;
    await world.store.commitHost(
      await world.commit("a", { claims: [mac], memory: memoryOf("registering") }),
    );
    const place = { cluster: "east", namespace: "metal", name: "name-a" };
    const known = await world.store.surroundings({ ...place, uid: "a" });
    expect(known.memory).toEqual(memoryOf("registering"));
    expect(known.sites).toEqual([{ name: "lab", lastSeenMs: world.clock.nowMs() }]);
    const other = await world.store.surroundings({ ...place, uid: undefined });
    expect([other.memory, other.secrets, other.hardware]).toEqual([undefined, [], undefined]);
    const holder = { claim: mac, cluster: "east", namespace: "metal", name: "name-a" };
    expect(await world.store.claimants("lab", [mac], undefined)).toEqual([holder]);
    expect(await world.store.claimants("lab", [mac], "a")).toEqual([]);
    expect(await world.store.claimants("other", [mac], undefined)).toEqual([]);
  });
});

onPostgres("racing enrolments", (held) => {
  test("use a token once, and tell all others that it is used", async () => {
    const { world, database } = held();
    await world.store.addSite("lab");
    const second = new StoreWorld(sqlTier(database.another()));
    for (let round = 0; round < 5; round += 1) {
      const hash = `t-${round}`;
      const token = { hash, site: "lab", cluster: undefined, ttlMs: 60_000, autoApprove: true };
      await world.store.addToken(token);
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          enrol(index % 2 === 0 ? world : second, hash, `${round}-${index}`),
        ),
      );
      const kinds = outcomes.map((outcome) => (outcome.ok ? "enrolled" : outcome.error.kind));
      expect(kinds.filter((kind) => kind === "enrolled")).toHaveLength(1);
      expect(kinds.filter((kind) => kind === "used")).toHaveLength(11);
    }
    expect(await world.store.listAgents()).toHaveLength(5);
  });
});

onPostgres("migrate", (held) => {
  test("can be run by many instances at once, and again", async () => {
    const { database } = held();
    await database.database.rows(sql`DROP SCHEMA public CASCADE`);
    await database.database.rows(sql`CREATE SCHEMA public`);
    expect(await missingMigrations(database.database)).toContain("0001-first");
    const pools = [database.database, database.another(), database.another()];
    await Promise.all([...pools, ...pools].map((pool) => migrate(pool)));
    expect(await missingMigrations(database.database)).toEqual([]);
    await migrate(database.database);
  });

  test("makes the columns that the query builder names", async () => {
    const { database } = held();
    const rows = await database.database.rows(
      sql`SELECT table_name || '.' || column_name AS name FROM information_schema.columns`,
    );
    const found = new Set(rows.map((row) => (row as { name: string }).name));
    const named = Object.values(schema).flatMap((table) =>
      Object.values(getTableColumns(table)).map(
        (column) => `${getTableName(table)}.${column.name}`,
      ),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !found.has(name))).toEqual([]);
  });
});
