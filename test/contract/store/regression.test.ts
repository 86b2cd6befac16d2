// A database that went back in time: the agent that has heard more than it knows proves it, and nothing that it
// believes about that agent's hosts is acted on any more.
import { expect, test } from "vitest";
import type { LinkName } from "../../../control-plane/ports.ts";
import {
  hostObject,
  memoryOf,
  newOperation,
  type StoreWorld,
} from "../../support/control-plane/store-world.ts";
import { onEachDatabase } from "./databases.ts";

const links: readonly LinkName[] = ["site:lab", "cluster:east"];

/** Host "a" with everything that is ever believed about one. */
async function withBelief(world: StoreWorld): Promise<number> {
  const { epoch } = await world.start();
  await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "11") }]);
  await world.store.applySecrets("east", [
    { hostUid: "a", purpose: "bmc", name: "secret", found: false },
  ]);
  await world.observe("both", epoch, { kind: "power", hostUid: "a", on: true });
  await world.store.commitHost(
    await world.commit("a", {
      operation: newOperation("a", "a.1"),
      claims: [{ kind: "bmc", value: "192.0.2.1" }],
      outbox: [
        {
          link: "site:lab",
          key: undefined,
          hostUid: "a",
          delivery: { kind: "remove-document", hostUid: "a", revision: 1 },
        },
      ],
    }),
  );
  return epoch;
}

onEachDatabase("a session", (held) => {
  test("takes its turns one after the other, and none that the database does not know of", async () => {
    const { world } = held();
    const epoch = await withBelief(world);
    const [session] = await world.table("sessions");
    const turn = Number(session?.["turn"]);
    const renew = (count: number) =>
      world.store.renewLease({ agentId: "both", epoch, turn: count, links: 2 });
    expect(await renew(turn + 1)).toBe("fenced");
    expect(await renew(turn)).toBe("held");
    expect(await renew(turn)).toBe("fenced");
    const take = (count: number) =>
      world.store.takeOutbox({ epoch, links, turn: { agentId: "both", count } }, 10);
    expect(await take(turn)).toBeUndefined();
    expect(await take(turn + 1)).toHaveLength(1);
    expect(await take(turn + 2)).toEqual([]);
    const body = { kind: "power", hostUid: "a", on: false } as const;
    const observe = (count: number) =>
      world.store.acceptObservations(
        { agentId: "both", epoch, turn: count },
        world.numbered([body]),
      );
    expect(await observe(turn + 3)).toBeUndefined();
    expect(await observe(turn + 2)).toMatchObject({ touched: ["a"] });
    expect(await renew(turn + 3)).toBe("held");
  });
});

onEachDatabase("openSession", (held) => {
  test("gives an agent an epoch above the one that it has heard, whatever the database knows [S25]", async () => {
    const { world } = held();
    await world.start();
    const { epoch } = await world.opened("both", { heard: { epoch: 700, turn: 0 } });
    expect(epoch).toBe(701);
    expect((await world.opened("both", { heard: { epoch: 701, turn: 0 } })).epoch).toBe(702);
  });

  test.each([
    ["an epoch", (epoch: number) => ({ epoch: epoch + 1, turn: 0 })],
    ["a turn", (epoch: number) => ({ epoch, turn: 99 })],
  ])("forgets what is believed of the hosts when %s was lost [S25]", async (_, heardOf) => {
    const { world } = held();
    const before = await withBelief(world);
    const { epoch, ...opened } = await world.opened("both", { heard: heardOf(before) });
    expect(opened).toMatchObject({ regressed: true, resync: true, touched: ["a"] });
    expect(await world.store.loadHost("a")).toMatchObject({
      host: { site: "lab", memory: undefined, power: undefined },
      feedsComplete: false,
      secrets: [],
      operation: undefined,
    });
    for (const table of ["operations", "outbox", "secret_facts"] as const) {
      expect(await world.table(table)).toEqual([]);
    }
    expect(await world.table("claims")).toMatchObject([{ value: "192.0.2.1", host_uid: "a" }]);
    await world.list(epoch, "again", { version: "30", items: [hostObject("a", "11")], last: true });
    expect((await world.opened("both", { heard: { epoch, turn: 0 } })).regressed).toBe(false);
  });

  test("forgets nothing for an agent that has heard as much as the database knows, or less", async () => {
    const { world } = held();
    const epoch = await withBelief(world);
    const [session] = await world.table("sessions");
    const turn = Number(session?.["turn"]);
    for (const heard of [
      { epoch, turn },
      { epoch, turn: 0 },
      { epoch: 0, turn: 999 },
    ]) {
      expect((await world.opened("both", { heard })).regressed).toBe(false);
    }
    expect((await world.store.loadHost("a"))?.operation?.id).toBe("a.1");
  });

  test("gives the site to the agent that was at work there since, and not to the one that was before", async () => {
    const { world } = held();
    await world.addAgent("one", { site: "lab" });
    await world.addAgent("two", { site: "lab" });
    const { epoch } = await world.opened("one");
    expect(await world.open("two")).toMatchObject({ error: { kind: "standby" } });
    expect((await world.open("two", { heard: { epoch: epoch + 5, turn: 3 } })).ok).toBe(true);
    const renewal = { agentId: "one", epoch, links: 1 };
    expect(await world.store.renewLease(renewal)).toBe("lost");
  });

  test("has the other end of its hosts' clusters connect and list again", async () => {
    const { world } = held();
    const epoch = await withBelief(world);
    await world.addAgent("near", { site: "lab" });
    await world.opened("near", { heard: { epoch: epoch + 5, turn: 0 } });
    const renewal = { agentId: "both", epoch, links: 2 };
    expect(await world.store.renewLease(renewal)).toBe("lost");
    const posted = await world.watch(epoch, "11", []);
    expect(posted).toMatchObject({ kind: "fenced", cursor: "" });
  });

  test("does not let an agent forget hosts of another site and cluster", async () => {
    const { world } = held();
    await withBelief(world);
    await world.addAgent("far", { site: "shed", cluster: "west" });
    expect(await world.opened("far", { heard: { epoch: 99, turn: 0 } })).toMatchObject({
      regressed: true,
      touched: [],
    });
    expect((await world.store.loadHost("a"))?.host.memory).toEqual(memoryOf("registering"));
  });
});
