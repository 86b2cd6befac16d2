// What an operator is told of machines.
import { expect, test } from "vitest";
import { memoryOf } from "../../support/control-plane/store-world.ts";
import { onEachDatabase } from "./databases.ts";
import { MachineWorld } from "./machine-world.ts";

onEachDatabase("listMachines", (held) => {
  test("tells which host each has, what that does, and what the machine waits for since when", async () => {
    const { world } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1", "2", "3");
    await machines.addHosts("a");
    await machines.claim("m-2", "a");
    const none = {
      type: "AssociateBareMetalHost",
      reason: "AssociateBareMetalHostFailed",
      message: "none is free",
      lastTransitionTime: "2026-01-01T03:00:00Z",
    };
    const conditions = [
      { ...none, type: "Ready", status: "False" },
      { ...none, status: "False" },
      { type: "Paused", status: "False" },
      { ...none, type: "Metal3DataReady", status: "True" },
    ];
    await machines.commitMachine("m-1", { waiting: true, memory: { status: { conditions } } });
    await machines.commitMachine("m-2");
    const { status, ...memory } = memoryOf("provisioning");
    const operation = {
      type: "farrier.dev/Operation",
      status: "True",
      reason: "Writing",
      message: "30 %",
      lastTransitionTime: "2026-01-01T03:00:00Z",
    } as const;
    await machines.commitHost("a", "provisioning", {
      memory: { ...memory, status: { ...status, conditions: [operation] } },
    });
    const all = { cluster: undefined, afterUid: undefined };
    const [one, two, three] = await world.store.listMachines(all);
    expect(one).toMatchObject({ uid: "m-1", cluster: "east", namespace: "metal", host: null });
    expect(one?.unmet).toEqual([none]);
    expect(two).toMatchObject({
      host: { name: "name-a", state: "provisioning", operation: "30 %" },
      isDeleting: false,
      unmet: [],
    });
    expect(three).toMatchObject({ uid: "m-3", unmet: [] });
    expect(await world.store.listMachines({ ...all, afterUid: "m-2" })).toEqual([three]);
    expect(await world.store.listMachines({ ...all, cluster: "west" })).toEqual([]);
  });
});
