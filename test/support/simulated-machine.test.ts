// A simulated machine on a network in memory with the agent's real boot network and ramdisk sessions, switched by
// the real IPMI client through the simulated BMC, on a virtual clock.
import { beforeEach, describe, expect, test } from "vitest";
import { startBmcSimulator } from "../../infra/lab/bmc-simulator/simulator.ts";
import type { RamdiskStep } from "../../shared/protocol/ramdisk.ts";
import { makeNodeClock } from "../../site-agent/adapters/node-clock.ts";
import { makeNodeCrypto } from "../../site-agent/adapters/node-crypto.ts";
import type { Bmc } from "../../site-agent/bmc/port.ts";
import type { Clock, Crypto } from "../../site-agent/ports.ts";
import type { StepResult } from "../../site-agent/sessions/port.ts";
import { makeBootSite } from "./boot-site.ts";
import { makeGptImage } from "./gpt-image.ts";
import { makeMemoryNetwork } from "./memory-network.ts";
import { makeSeededCrypto } from "./seeded-crypto.ts";
import { SimulatedMachine } from "./simulated-machine.ts";
import type { SimulatedMachineOptions } from "./simulated-machine.ts";
import { makeSimulatedTime } from "./simulated-time.ts";

const mib = 1024 * 1024;
const mac = "52:54:00:00:00:01";
const diskBytes = 32 * mib;
const agentAddress = "192.0.2.1";
const bmcAddress = "192.0.2.101";

async function makeWorld() {
  const time = makeSimulatedTime(Date.parse("2026-11-01T12:00:00Z"));
  const { clock } = time;
  const world = await makeWorldOn(clock, (whose) => makeSeededCrypto(whose, time));
  return { ...world, clock };
}

async function makeWorldOn(
  clock: Clock,
  cryptoOf: (whose: string) => Crypto,
  options: Partial<SimulatedMachineOptions> = {},
) {
  const network = makeMemoryNetwork();
  const site = await makeBootSite(network.join(agentAddress), {
    clock,
    crypto: cryptoOf("agent"),
  });
  const machine = new SimulatedMachine({
    clock,
    plug: () => network.join(),
    crypto: cryptoOf("machine"),
    macs: [mac],
    disks: [{ serialNumber: "DISK-A", sizeBytes: diskBytes }],
    serialNumber: "M-1",
    ...options,
  });
  await startBmcSimulator({
    address: bmcAddress,
    port: 623,
    users: [{ name: "admin", password: "secret", privilege: "administrator" }],
    guid: "00112233-4455-6677-8899-aabbccddeeff",
    chassis: machine,
    ports: { udp: network.join(bmcAddress).udp, clock, crypto: cryptoOf("bmc") },
  });
  return {
    ...site,
    machine,
    bmc: site.bmc(bmcAddress, "secret"),
    disk: machine.disks.get("sda")!,
    told: () => machine.events.map(({ kind, detail }) => `${kind} ${detail}`.trim()),
  };
}

type World = Awaited<ReturnType<typeof makeWorld>>;
let world: World;
beforeEach(async () => {
  world = await makeWorld();
});

async function send(action: Parameters<Bmc["sendPower"]>[0]): Promise<void> {
  expect(await world.clock.until(world.bmc.sendPower(action))).toEqual({
    ok: true,
    value: undefined,
  });
}

async function setBootDevice(device: "pxe" | "disk"): Promise<void> {
  const request = { device, persistent: false, uefi: false };
  expect(await world.clock.until(world.bmc.setBootDevice(request))).toMatchObject({ ok: true });
}

/** Boots the ramdisk over the network and returns when it has called. */
async function bootRamdisk(): Promise<void> {
  world.expectBoot(mac);
  await setBootDevice("pxe");
  await send("on");
  await world.clock.advance(30_000);
  expect(world.sessions.session("host-1")).toBeDefined();
}

function run(step: RamdiskStep): Promise<StepResult> {
  return world.start(step);
}

async function writeStep(bytesPerSecond = 0): Promise<Extract<RamdiskStep, { kind: "write" }>> {
  return {
    kind: "write",
    approvedDisks: [
      {
        name: "/dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:0:0",
        serialNumber: "DISK-A",
        sizeBytes: diskBytes,
      },
    ],
    rootDeviceHints: { serialNumber: "DISK-A" },
    extentsPath: await world.offer(makeGptImage()),
    virtualBytes: makeGptImage().length,
    bootMode: "legacy",
    bytesPerSecond,
  };
}

describe("a simulated machine", () => {
  test("boots the ramdisk by DHCP, TFTP and HTTP when its BMC says network", async () => {
    await bootRamdisk();
    expect(world.told()).toEqual([
      "boot-device network, once",
      "power-on",
      "network-boot DHCP as firmware: 192.0.2.208",
      "network-boot TFTP undionly.kpxe",
      "network-boot DHCP as ipxe: 192.0.2.208",
      "network-boot script /boot/52-54-00-00-00-01/script.ipxe",
      "network-boot kernel and 2 initrds",
      "ramdisk",
    ]);
    expect(world.netboot.sightings(mac, 0).map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["dhcp-discover", "dhcp-ack", "bootloader", "script", "kernel"]),
    );
    const inspected = await world.clock.until(run({ kind: "inspect" }));
    expect(inspected).toMatchObject({
      ok: true,
      outcome: { hardware: { storage: [{ serialNumber: "DISK-A", sizeBytes: diskBytes }] } },
    });
  });

  test("finds nothing to boot when its disk is empty and the network does not know it", async () => {
    await send("on");
    await world.clock.advance(60_000);
    expect(world.told()).toEqual([
      "power-on",
      "boot-failed sda: no boot signature",
      "boot-failed network: no DHCP answer",
      "nothing-to-boot",
    ]);
    expect(world.netboot.strangers(0)).toEqual([mac]);
  });

  test("runs the operating system after the image was written and it was told to reboot", async () => {
    await bootRamdisk();
    expect(await world.clock.until(run(await writeStep()))).toMatchObject({ ok: true });
    expect(await world.clock.until(run({ kind: "leave", how: "reboot" }))).toMatchObject({
      ok: true,
    });
    await world.clock.advance(20_000);
    expect(world.told().slice(-2)).toEqual([
      "reset by the ramdisk",
      "operating-system from sda: GPT, partitions EFI, root",
    ]);
    expect(world.machine.running).toBe("operating system");
    await send("soft");
    await world.clock.advance(10_000);
    expect(world.told().at(-1)).toBe("power-off by its operating system");
  });

  test("writes nothing more when the power goes in the middle of a write, and does not boot after", async () => {
    await bootRamdisk();
    const step = await writeStep(mib / 64);
    const written = run(step);
    await world.clock.advance(2_000);
    const changes = world.disk.changes.length;
    expect(changes).toBeGreaterThan(0);
    await send("off");
    await world.clock.advance(20_000);
    expect(world.disk.changes.length).toBe(changes);
    expect(world.machine.running).toBe("nothing");
    expect(await world.clock.until(written)).toMatchObject({
      ok: false,
      failure: { kind: "lost" },
    });
    world.netboot.withdraw(mac);
    await send("on");
    await world.clock.advance(60_000);
    expect(world.told()).toContain("boot-failed sda: no boot signature");
    expect(world.told().at(-1)).toBe("nothing-to-boot");
  });

  test("is another boot for its agent when it was reset", async () => {
    await bootRamdisk();
    await send("reset");
    await world.clock.advance(10 * 60_000);
    // The token was used: a second boot with it is refused, although the network still answers.
    expect(world.sessions.session("host-1")).toBeUndefined();
    world.expectBoot(mac);
    await setBootDevice("pxe");
    await send("reset");
    await world.clock.advance(30_000);
    expect(world.sessions.session("host-1")).toBeDefined();
  });

  test("boots the ramdisk in real time, too", async () => {
    const real = await makeWorldOn(makeNodeClock(), makeNodeCrypto, {
      times: { firmwareMs: 5, kernelMs: 5, shutdownMs: 5 },
    });
    real.expectBoot(mac);
    await real.bmc.setBootDevice({ device: "pxe", persistent: false, uefi: false });
    await real.bmc.sendPower("on");
    const signal = new AbortController().signal;
    const arrived = await real.sessions.waitFor("host-1", { timeoutMs: 10_000, signal });
    expect(arrived).toMatchObject({ ok: true, value: { hostUid: "host-1" } });
    await real.bmc.sendPower("off");
    real.sessions.forget("host-1");
    expect(real.machine.running).toBe("nothing");
  });

  test("does the same at the same times in every run", async () => {
    const runs: unknown[] = [];
    for (let round = 0; round < 2; round += 1) {
      world = await makeWorld();
      await bootRamdisk();
      await world.clock.until(run(await writeStep(mib)));
      await world.clock.until(run({ kind: "leave", how: "power-off" }));
      runs.push([world.machine.events, world.disk.changes, world.clock.nowMs()]);
    }
    expect(runs[0]).toEqual(runs[1]);
  });
});
