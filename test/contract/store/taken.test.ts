// An annotation that was acted on counts again once a version without it was there, whoever has seen that.
import { expect, test } from "vitest";
import {
  annotationRemoval,
  hostObject,
  memoryOf,
  type StoreWorld,
} from "../../support/control-plane/store-world.ts";
import { onEachDatabase } from "./databases.ts";

const annotated = (...names: readonly string[]) => ({
  metadata: {
    name: "name-a",
    namespace: "metal",
    uid: "a",
    annotations: Object.fromEntries(names.map((name) => [name, ""])),
  },
});

onEachDatabase("applyFeed of annotations that were acted on", (held) => {
  /** One batch of these versions, from 11 on; what is still held as acted on. */
  async function takenAfter(world: StoreWorld, ...forms: readonly (readonly string[])[]) {
    const { epoch } = await world.start();
    const versioned = (version: number, names: readonly string[]) => {
      const { metadata } = annotated(...names);
      const object = hostObject("a", String(version), {
        metadata: { ...metadata, resourceVersion: String(version) },
      });
      return { type: "MODIFIED", object } as const;
    };
    await world.watch(epoch, "10", [versioned(12, ["reboot", "inspect"])]);
    const memory = { ...memoryOf("available"), taken: ["reboot", "inspect"] };
    await world.store.commitHost(await world.commit("a", { memory }));
    await world.watch(
      epoch,
      "12",
      forms.map((names, at) => versioned(11 + at, names)),
    );
    return (await world.store.loadHost("a"))?.host.memory?.taken;
  }

  test("forgets one that went and came again within a batch, and no other", async () => {
    const { world } = held();
    const both = ["reboot", "inspect"];
    expect(await takenAfter(world, both, both, ["inspect"], both)).toEqual(["inspect"]);
  });

  test("takes no older version for a sign that it went", async () => {
    const { world } = held();
    const both = ["reboot", "inspect"];
    expect(await takenAfter(world, [], [], both)).toEqual(both);
  });

  test("removes none that was seen to be gone: people may ask for it anew", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    const version = (at: number, ...names: readonly string[]) => {
      const { metadata } = annotated(...names);
      const object = hostObject("a", String(at), {
        metadata: { ...metadata, resourceVersion: String(at) },
      });
      return { type: "MODIFIED", object } as const;
    };
    await world.watch(epoch, "10", [version(12, "reboot", "inspect")]);
    const outbox = ["reboot", "inspect"].map((name) => annotationRemoval("a", name));
    await world.store.commitHost(await world.commit("a", { outbox }));
    const waiting = async () => (await world.table("outbox")).map((row) => row["key"]);
    await world.watch(epoch, "12", [version(11), version(13, "reboot", "inspect")]);
    expect(await waiting()).toEqual(["write:a:reboot", "write:a:inspect"]);
    await world.watch(epoch, "13", [version(14, "inspect"), version(15, "reboot", "inspect")]);
    expect(await waiting()).toEqual(["write:a:inspect"]);
  });

  test("forgets all with a version that has none", async () => {
    const { world } = held();
    expect(await takenAfter(world, [], [], [])).toEqual([]);
  });
});
