// A machine of the fleet with the real IPMI client, boot network and ramdisk around it.
import { describe, expect, test } from "vitest";
import { forbidGlobals } from "../kernel/forbid-globals.ts";
import { makeMachineWorld } from "./machine-world.ts";
import type { MachineWorld } from "./machine-world.ts";
import { makeSystemImage } from "./disks/system-image.ts";

const mib = 1024 * 1024;
const image = makeSystemImage("image-1", 4 * mib);

function disksOf({ machine }: MachineWorld) {
  return machine.disks.map(({ name, serialNumber, sizeBytes }) => {
    return { name, serialNumber, sizeBytes };
  });
}

/** Serial numbers by kernel name, as an inspection finds them. */
async function inspect(world: MachineWorld): Promise<string> {
  await world.bootRamdisk();
  const inspected = await world.run({ kind: "inspect" });
  if (!inspected.ok || inspected.outcome.kind !== "inspect") throw new Error("not inspected");
  const { storage = [] } = inspected.outcome.hardware;
  return storage
    .map((disk) => `${disk.alternateNames?.[0] ?? ""} ${disk.serialNumber ?? ""}`)
    .join(", ");
}

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
    expect(await world.run(await world.writeStep(image, "DISK-B"))).toMatchObject({ ok: true });
    expect(await world.run({ kind: "leave", how: "reboot" })).toMatchObject({ ok: true });
    await world.pass(60_000);
    expect(machine).toMatchObject({ running: "operating system", system: "image-1", boot: 2 });
    expect(world.seenOf("running").at(-1)).toMatchObject({ disk: "DISK-B", system: "image-1" });
    expect(new Set(world.seenOf("disk").map(({ disk }) => disk))).toEqual(new Set(["DISK-B"]));
    await world.bootRamdisk();
    const erased = await world.run({ kind: "erase", mode: "metadata", disks: disksOf(world) });
    expect(erased).toMatchObject({ ok: true, outcome: { disks: [{ ok: true }, { ok: true }] } });
    expect(machine.disks.map((disk) => disk.isZero(0, mib))).toEqual([true, true]);
    await world.run({ kind: "leave", how: "power-off" });
    await world.pass(5_000);
    expect(machine).toMatchObject({ on: false, running: "nothing", system: undefined });
    expect(world.seenOf("power").at(-1)).toMatchObject({ on: false, why: "ramdisk" });
  });

  test("tells what ramdisk and agent say to each other", async () => {
    const world = await makeMachineWorld();
    await world.bootRamdisk();
    await world.run({ kind: "erase", mode: "metadata", disks: disksOf(world).slice(0, 1) });
    const said = world.seenOf("ramdisk-message").map((message) => {
      return [message.direction, message.type, message.step ?? message.operationId];
    });
    expect(said.filter(([, type]) => type !== "progress")).toEqual([
      ["to agent", "hello", undefined],
      ["to ramdisk", "run", "erase"],
      ["to agent", "may-destroy", "host-1.1"],
      ["to ramdisk", "go", "host-1.1"],
      ["to agent", "done", "erase"],
    ]);
  });

  test("runs the old system from its disk when it is switched on, and ends it when asked softly", async () => {
    const world = await makeMachineWorld({ content: "old" });
    world.machine.pressPowerButton();
    await world.pass(60_000);
    expect(world.machine).toMatchObject({ running: "operating system", system: "old" });
    world.machine.pressPowerButton();
    await world.pass(20_000);
    expect(world.machine.on).toBe(false);
    expect(world.seenOf("power").map(({ why }) => why)).toEqual(["button", "operating system"]);
    expect(world.seenOf("power-command").map(({ action, agent }) => [action, agent])).toEqual([
      ["on", undefined],
      ["soft", undefined],
    ]);
  });

  test("does not boot what was half written when the power went, and does when it is whole", async () => {
    let half = 0;
    for (let round = 0; round < 5; round += 1) {
      const world = await makeMachineWorld({}, `seed ${round}`);
      await world.bootRamdisk();
      const step = await world.writeStep(image, "DISK-A");
      const written = world.start(step);
      const changes = 5 * (round + 1);
      await world.kernel.run(Infinity, () => world.seenOf("disk").length >= changes);
      world.machine.powerLoss(1_000);
      expect(await world.kernel.until(written)).toMatchObject({ failure: { kind: "lost" } });
      expect(world.machine.on).toBe(false);
      world.machine.pressPowerButton();
      await world.pass(60_000);
      // The first MiB goes last: what boots is whole behind it.
      const [disk] = world.machine.disks;
      const body = image.subarray(mib, image.length - 64 * 1024);
      const isWhole = Buffer.compare(disk!.peek(mib, body.length), body) === 0;
      if (!isWhole) expect(world.machine.system).toBeUndefined();
      half += isWhole ? 0 : 1;
      await world.bootRamdisk();
      expect(await world.run(step)).toMatchObject({ ok: true });
      // Whatever the cache still held: a step that is done was flushed.
      world.machine.powerLoss(1_000);
      await world.pass(2_000);
      world.machine.pressPowerButton();
      await world.pass(60_000);
      expect(world.machine.system).toBe("image-1");
    }
    expect(half).toBeGreaterThan(0);
  });

  test("names its disks anew at each boot when they are shuffled, and writes the right one", async () => {
    const disks = ["A", "B", "C", "D"].map((letter) => {
      return { serialNumber: `DISK-${letter}`, sizeBytes: 64 * mib };
    });
    const world = await makeMachineWorld({ disks, shuffledDisks: true });
    const seen = new Set<string>();
    for (let boot = 0; boot < 3; boot += 1) seen.add(await inspect(world));
    expect(seen.size).toBe(3);
    const step = await world.writeStep(image, "DISK-C");
    await world.bootRamdisk();
    expect(await world.run(step)).toMatchObject({ ok: true });
    expect(new Set(world.seenOf("disk").map(({ disk }) => disk))).toEqual(new Set(["DISK-C"]));
  });

  test("keeps the names of its disks until they are renamed, once", async () => {
    const disks = ["A", "B", "C", "D"].map((letter) => {
      return { serialNumber: `DISK-${letter}`, sizeBytes: 64 * mib };
    });
    const world = await makeMachineWorld({ disks });
    const first = await inspect(world);
    expect(await inspect(world)).toBe(first);
    world.machine.renameDisks();
    expect(await inspect(world)).not.toBe(first);
  });

  test("shows a USB medium as soon as it is plugged in", async () => {
    const world = await makeMachineWorld();
    await world.bootRamdisk();
    world.machine.addUsbMedium("STICK", 16 * mib);
    const inspected = await world.run({ kind: "inspect" });
    expect(JSON.stringify(inspected)).toContain("STICK");
    world.machine.removeUsbMedia();
    expect(JSON.stringify(await world.run({ kind: "inspect" }))).not.toContain("STICK");
  });

  test("fails a write on a bad disk, and as many changes as it is told to", async () => {
    const world = await makeMachineWorld();
    await world.bootRamdisk();
    world.machine.failDisk("DISK-A", mib);
    const step = await world.writeStep(image, "DISK-A");
    expect(await world.run(step)).toMatchObject({ ok: false, failure: { kind: "io" } });
    world.machine.mendDisks();
    world.machine.failChanges(1);
    expect(await world.run(step)).toMatchObject({ ok: false, failure: { kind: "io" } });
    expect(await world.run(step)).toMatchObject({ ok: true });
  });

  test.each(["hangs", "restarts"] as const)(
    "changes no disk after its ramdisk died and it %s",
    async (then) => {
      const world = await makeMachineWorld();
      await world.bootRamdisk();
      const written = world.start(await world.writeStep(image, "DISK-A"));
      await world.kernel.run(Infinity, () => world.seenOf("disk").length >= 3);
      world.machine.killRamdisk(then);
      const changes = world.seenOf("disk").length;
      await world.pass(120_000);
      expect(await written).toMatchObject({ failure: { kind: "lost" } });
      expect(world.seenOf("disk").length).toBe(changes);
      expect(world.machine.boot).toBe(then === "restarts" ? 2 : 1);
      expect(world.machine.on).toBe(true);
    },
  );

  test("says of itself what its quirks say, and keeps the BMC's card out of its identity", async () => {
    const world = await makeMachineWorld({ quirks: ["vendor-uuid", "usb-card"] });
    await world.bootRamdisk();
    const inspected = await world.run({ kind: "inspect" });
    expect(world.machine.systemUuid).toBe("03000200-0400-0500-0006-000700080009");
    expect(inspected).toMatchObject({
      outcome: { identity: { systemUuid: world.machine.systemUuid, macs: world.machine.macs } },
    });
    expect(JSON.stringify(inspected)).toContain("be:3a:f2:b6:05:9f");
  });

  test("is on by itself after an outage when it comes back, and off otherwise", async () => {
    for (const [quirks, on] of [
      [["comes-back"], true],
      [[], false],
    ] as const) {
      const world = await makeMachineWorld({ quirks });
      world.machine.pressPowerButton();
      world.machine.powerLoss(30_000);
      world.machine.pressPowerButton();
      expect(world.machine.on).toBe(false);
      await world.pass(60_000);
      expect(world.machine.on).toBe(on);
    }
  });

  test("does the same at the same times in every run of a seed, and something else in another", async () => {
    const live = async (seed: string): Promise<string> => {
      const giveBack = forbidGlobals();
      const world = await makeMachineWorld({ content: "old", quirks: ["loses-packets"] }, seed);
      await world.bootRamdisk();
      await world.run(await world.writeStep(image, "DISK-B"));
      await world.run({ kind: "leave", how: "reboot" });
      await world.pass(60_000);
      giveBack();
      return JSON.stringify([world.kernel.nowMs(), world.kernel.events, world.seen]);
    };
    expect(await live("1")).toBe(await live("1"));
    expect(await live("1")).not.toBe(await live("2"));
  });
});
