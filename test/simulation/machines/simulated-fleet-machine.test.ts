// A machine of the fleet with the real IPMI client, boot network and ramdisk around it.
import { describe, expect, test } from "vitest";
import { makeMachineWorld } from "./machine-world.ts";
import { makeSystemImage } from "./system-image.ts";

const mib = 1024 * 1024;
const image = makeSystemImage("image-1", 2 * mib);

describe("a machine of the fleet", () => {
  test("inspects, is written and erased by the real ramdisk, and runs the image in between", async () => {
    const world = await makeMachineWorld();
    const { machine } = world;
    await world.bootRamdisk();
    expect(await world.run({ kind: "inspect" })).toMatchObject({
      ok: true,
      outcome: {
        hardware: { storage: [{ serialNumber: "DISK-A" }, { serialNumber: "DISK-B" }] },
        identity: { systemUuid: machine.systemUuid, serialNumber: machine.serialNumber },
      },
    });
    const step = await world.writeStep(image, "DISK-B");
    expect(await world.run(step)).toMatchObject({ ok: true });
    expect(await world.run({ kind: "leave", how: "reboot" })).toMatchObject({ ok: true });
    await world.pass(60_000);
    expect(machine).toMatchObject({ running: "operating system", system: "image-1", boot: 2 });
    expect(world.seenOf("running").at(-1)).toMatchObject({ disk: "DISK-B", system: "image-1" });
    expect(new Set(world.seenOf("disk").map(({ disk }) => disk))).toEqual(new Set(["DISK-B"]));
    await world.bootRamdisk();
    const disks = machine.disks.map(({ name, serialNumber, sizeBytes }) => {
      return { name, serialNumber, sizeBytes };
    });
    expect(await world.run({ kind: "erase", mode: "metadata", disks })).toMatchObject({
      ok: true,
      outcome: { disks: [{ ok: true }, { ok: true }] },
    });
    expect(machine.disks.map((disk) => disk.isZero(0, mib))).toEqual([true, true]);
    await world.run({ kind: "leave", how: "power-off" });
    await world.pass(5_000);
    expect(machine).toMatchObject({ on: false, running: "nothing", system: undefined });
    expect(world.seenOf("power").at(-1)).toMatchObject({ on: false, why: "ramdisk" });
  });
});
