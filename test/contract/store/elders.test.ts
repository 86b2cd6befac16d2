// Which hosts a new one has to come after: those that show that they hold a machine and are not adopted yet.
import { expect, test } from "vitest";
import { hostObject, memoryOf } from "../../support/control-plane/store-world.ts";
import { onEachDatabase } from "./databases.ts";

const showing = (uid: string, version: string, state: string) =>
  hostObject(uid, version, {
    metadata: {
      name: uid,
      namespace: "metal",
      uid,
      resourceVersion: version,
      ...(uid === "b" ? { labels: { rack: "1" } } : {}),
    },
    spec: { bmc: { address: "ipmi://192.0.2.1" } },
    ...(state === "" ? {} : { status: { provisioning: { state } } }),
  });

onEachDatabase("loadHost", (held) => {
  test("tells a host that holds nothing of those that do and have no memory, and no other", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    const added = (uid: string, version: string, state: string) =>
      ({ type: "ADDED", object: showing(uid, version, state) }) as const;
    await world.watch(epoch, "10", [
      added("a", "11", ""),
      added("b", "12", "provisioned"),
      added("c", "13", "registering"),
      added("d", "14", "available"),
    ]);
    const elders = async (uid: string) => (await world.store.loadHost(uid))?.elders;
    const elder = {
      cluster: "east",
      namespace: "metal",
      site: undefined,
      labels: {},
      namespaceAnnotations: {},
      bmcAddress: "ipmi://192.0.2.1",
      bootMACAddress: "",
    };
    const [b, d] = [
      { ...elder, name: "b", labels: { rack: "1" } },
      { ...elder, name: "d" },
    ];
    expect(await elders("a")).toEqual([b, d]);
    expect(await elders("b")).toEqual([]);
    expect(await elders("c")).toEqual([b, d]);
    await world.store.commitHost(await world.commit("d", { memory: memoryOf("available") }));
    expect(await elders("a")).toEqual([b]);
    await world.store.commitHost(await world.commit("a", { memory: memoryOf("registering") }));
    expect(await elders("a")).toEqual([b]);
    await world.store.commitHost(await world.commit("a", { memory: memoryOf("inspecting") }));
    expect(await elders("a")).toEqual([]);
  });
});
