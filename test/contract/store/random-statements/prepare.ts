// What random statements begin with.
import type { Store } from "../../../../control-plane/ports.ts";
import type { ManualClock } from "../../../support/control-plane/manual-clock.ts";
import { enrolAgent } from "../../../support/control-plane/store-world.ts";

/** A world in which statements mean something. */
export async function prepare(store: Store, clock: ManualClock): Promise<void> {
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
