// What a random sequence begins with, on the store in memory and on a real one.
import type { Store } from "../../../../control-plane/ports.ts";
import { makeRandom, type Random } from "../../../simulation/kernel/random.ts";
import { MemoryDatabase } from "../../../simulation/store/memory-database.ts";
import { makeManualClock, type ManualClock } from "../../../support/control-plane/manual-clock.ts";
import { memoryTier, type StoreTier } from "../../../support/control-plane/store-tier.ts";
import { enrolAgent } from "../../../support/control-plane/store-world.ts";
import type { Draw } from "./draw.ts";

/** A world in which statements mean something. */
async function prepare(store: Store, clock: ManualClock): Promise<void> {
  await store.addSite("lab");
  await store.addSite("shed");
  await store.addCluster("east", "hash-0");
  await store.addCluster("west", "hash-1");
  const roles = [
    ["one", { site: "lab", cluster: "east" }],
    ["two", { site: "shed", cluster: "west" }],
    ["three", { site: "lab" }],
  ] as const;
  for (const [id, role] of roles) {
    clock.advance(1);
    await enrolAgent(store, id, role);
  }
}

export interface Sequence {
  readonly memory: MemoryDatabase;
  /** In memory, and the real one. */
  readonly tiers: readonly [StoreTier, StoreTier];
  readonly clock: ManualClock;
  readonly random: Random;
  readonly draw: Draw;
}

/** `real` must be empty. The same name draws the same statements. */
export async function beginSequence(name: string, real: StoreTier): Promise<Sequence> {
  const memory = new MemoryDatabase();
  const tiers = [memoryTier(memory), real] as const;
  for (const tier of tiers) {
    const early = makeManualClock();
    await prepare(tier.store(early), early);
  }
  const clock = makeManualClock();
  clock.advance(1_000);
  const random = makeRandom(name);
  let number = 100;
  const draw: Draw = {
    random,
    get tables() {
      return memory.tables;
    },
    nowMs: () => clock.nowMs(),
    next: () => ++number,
  };
  return { memory, tiers, clock, random, draw };
}
