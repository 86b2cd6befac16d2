// What somebody else was given at a site, and the agent that takes the site after that has not heard of.
import { expect, test } from "vitest";
import {
  hostObject,
  newOperation,
  type StoreWorld,
} from "../../support/control-plane/store-world.ts";
import { onEachDatabase } from "./databases.ts";

/** Operation a.1 was given in the first turn of the session. */
async function withGiven(world: StoreWorld): Promise<number> {
  const { epoch } = await world.start();
  await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "11") }]);
  const { operation } = newOperation("a", "a.1");
  const delivery = { kind: "operation", operation } as const;
  const row = { link: "site:lab", key: "operation:a.1", hostUid: "a", delivery } as const;
  await world.store.commitHost(await world.commit("a", { outbox: [row] }));
  const turn = { agentId: "both", count: 0 };
  const links = ["site:lab", "cluster:east"] as const;
  expect(await world.store.takeOutbox({ epoch, links, turn }, 10)).toHaveLength(1);
  return epoch;
}

onEachDatabase("openSession", (held) => {
  test("tells when somebody was heard last who was given operations that the agent has not heard of", async () => {
    const { world } = held();
    const epoch = await withGiven(world);
    await world.addAgent("two", { site: "lab" });
    const seenAt = async (agentId: string, bootId: string, turn: number) => {
      world.clock.advance(30_000);
      const heard = { epoch: agentId === "both" ? epoch : 0, turn };
      return (await world.opened(agentId, { bootId, heard })).othersSeenAtMs;
    };
    expect(await seenAt("both", "boot-1", 0)).toBe(0);
    expect(await seenAt("both", "boot-2", 1)).toBe(0);
    const lastMs = world.clock.nowMs();
    expect(await seenAt("both", "boot-3", 0)).toBe(lastMs);
    expect(await seenAt("both", "boot-3", 1)).toBe(lastMs);
    const beforeTwoMs = world.clock.nowMs();
    expect(await seenAt("two", "boot-1", 0)).toBe(beforeTwoMs);
    expect(await seenAt("both", "boot-4", 1)).toBe(beforeTwoMs);
  });
});
