// A feed that tells a decision nothing: the status that was just written comes back, and wakes nobody.
import { expect, test } from "vitest";
import type { HostMemory } from "../../../shared/host/snapshot.ts";
import { hostObject, memoryOf, type StoreWorld } from "../../support/control-plane/store-world.ts";
import { onEachDatabase } from "./databases.ts";
import { MachineWorld } from "./machine-world.ts";

function decided(state: string, more: Partial<HostMemory["status"]> = {}): HostMemory {
  const memory = memoryOf(state);
  return { ...memory, status: { ...memory.status, lastUpdated: "2026-11-30T00:00:00Z", ...more } };
}

/** A host whose decided status is shown, and that rests. */
async function shown(world: StoreWorld, memory: HostMemory) {
  const { epoch } = await world.start();
  let version = 10;
  const feed = async (object: object) => {
    version += 1;
    world.clock.advance(1);
    const event = { type: "MODIFIED", object: hostObject("a", String(version), object) } as const;
    return (await world.watch(epoch, String(version - 1), [event])).touched;
  };
  await feed({ status: memory.status });
  await world.store.commitHost(await world.commit("a", { memory, wakeAtMs: 90_000 }));
  return { feed };
}

onEachDatabase("applyFeed of a status", (held) => {
  test("that is the one that was decided wakes nobody, and leaves the host due when it was", async () => {
    const { world } = held();
    const memory = decided("available");
    const { feed } = await shown(world, memory);
    const before = await world.store.loadHost("a");
    expect(await feed({ status: memory.status })).toEqual([]);
    const after = await world.store.loadHost("a");
    expect(after?.host.object.metadata.resourceVersion).toBe("12");
    expect(after?.host.version).toBe((before?.host.version ?? 0) + 1);
    const [row] = await world.table("hosts");
    expect(Number(row?.["wake_at"])).toBe(90_000);
  });

  test("that is another wakes the host, unless the decided one is still to be written", async () => {
    const { world } = held();
    const memory = decided("available");
    const { feed } = await shown(world, memory);
    const other = { status: decided("available", { errorCount: 3 }).status };
    expect(await feed(other)).toEqual(["a"]);
    const { status } = memory;
    const write = { kind: "status", namespace: "metal", name: "name-a", uid: "a", status } as const;
    const row = {
      link: "cluster:east",
      key: "status:a:available",
      hostUid: "a",
      delivery: { kind: "write", write },
    } as const;
    await world.store.commitHost(await world.commit("a", { memory, outbox: [row] }));
    expect(await feed(other)).toEqual([]);
    const newer = decided("available", { errorCount: 4 });
    await world.store.commitHost(await world.commit("a", { memory: newer }));
    expect(await feed(other)).toEqual(["a"]);
  });

  test("wakes the host when it shows another state, or when anything else has changed", async () => {
    const { world } = held();
    const memory = decided("available");
    const { feed } = await shown(world, memory);
    const { status } = memory;
    expect(await feed({ status: decided("preparing").status })).toEqual(["a"]);
    expect(await feed({ status })).toEqual(["a"]);
    expect(await feed({ status, spec: { online: false } })).toEqual(["a"]);
    expect(await feed({ status, spec: { online: false } })).toEqual([]);
  });

  test("wakes a host that nobody has decided about, or only held", async () => {
    const { world } = held();
    const undated = memoryOf("available");
    const { feed } = await shown(world, undated);
    expect(await feed({ status: undated.status })).toEqual(["a"]);
  });
});

onEachDatabase("applyFeed of a Metal3Machine's status", (held) => {
  const ready = { ready: true };
  const metal3machine = (machines: MachineWorld, status: object, annotations = {}) =>
    machines.apply("metal3machines", machines.object("m-a", { more: { status }, annotations }));
  /** Decided, and the wake-ups that are told. */
  async function decidedMachine() {
    const machines = await MachineWorld.start(held().world);
    await metal3machine(machines, {}, {});
    const feed = async (status: object, annotations = {}) =>
      (await metal3machine(machines, status, annotations)).machines;
    return { machines, feed };
  }

  test("that is the one that was decided wakes nobody", async () => {
    const { machines, feed } = await decidedMachine();
    await machines.commitMachine("m-a", { memory: { status: ready }, wakeAtMs: 90_000 });
    expect(await feed(ready)).toEqual([]);
    const [row] = await held().world.table("machines");
    expect(Number(row?.["wake_at"])).toBe(90_000);
    expect(await feed({ ready: false })).toEqual(["m-a"]);
    expect(await feed({ ready: false }, { a: "b" })).toEqual(["m-a"]);
  });

  test("that another one is still to be written over wakes nobody", async () => {
    const { machines, feed } = await decidedMachine();
    const write = {
      kind: "provider-status",
      resource: "metal3machines",
      namespace: "metal",
      name: "m-a",
      uid: "m-a",
      status: ready,
    } as const;
    const row = {
      link: "cluster:east",
      key: "status:m-a",
      hostUid: "m-a",
      delivery: { kind: "write", write },
    } as const;
    await machines.commitMachine("m-a", { memory: { status: ready }, outbox: [row] });
    expect(await feed({ ready: false })).toEqual([]);
    await machines.commitMachine("m-a", { memory: { status: {} } });
    expect(await feed({ ready: false })).toEqual(["m-a"]);
  });

  test("wakes one that nobody has decided about", async () => {
    const { feed } = await decidedMachine();
    expect(await feed({})).toEqual(["m-a"]);
  });
});
