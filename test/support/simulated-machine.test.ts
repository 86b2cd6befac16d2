// A simulated machine on a network in memory with the agent's real boot network and ramdisk sessions, switched by
// the real IPMI client through the simulated BMC, on a virtual clock.
import { beforeEach, describe, expect, test } from "vitest";
import { startBmcSimulator } from "../../infra/lab/bmc-simulator/simulator.ts";
import { encodeFrame } from "../../shared/protocol/extent-stream.ts";
import type { RamdiskStep } from "../../shared/protocol/ramdisk.ts";
import { makeNodeClock } from "../../site-agent/adapters/node-clock.ts";
import { makeNodeCrypto } from "../../site-agent/adapters/node-crypto.ts";
import { makeBmcFleet } from "../../site-agent/bmc/bmc-fleet.ts";
import type { Bmc } from "../../site-agent/bmc/port.ts";
import { makeNetboot } from "../../site-agent/netboot/netboot.ts";
import type { Clock, Crypto, Log } from "../../site-agent/ports.ts";
import { makeExtentOffers } from "../../site-agent/sessions/extent-offers.ts";
import type { StepResult } from "../../site-agent/sessions/port.ts";
import { makeRamdiskSessions } from "../../site-agent/sessions/ramdisk-sessions.ts";
import { makeExtentSource } from "./extent-source.ts";
import { makeFakeFiles } from "./fake-files.ts";
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
const bootToken = "b007".repeat(16);
const operationToken = "0be7".repeat(16);
// No certificate at all: the network in memory compares digests and encrypts nothing.
const certPem = `-----BEGIN CERTIFICATE-----\n${"AAAA".repeat(16)}\n-----END CERTIFICATE-----\n`;
const fingerprint = "17b0761f87b081d5cf10757ccc89f12be355c70e2e29df288b65b30710dcbcd1";
const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} };
const site = {
  address: agentAddress,
  prefixLength: 24,
  rangeFrom: "192.0.2.10",
  rangeTo: "192.0.2.20",
  httpPort: 8080,
  bootFiles: { bios: "/boot/undionly.kpxe", uefi: "/boot/snponly.efi" },
  kernelPath: "/boot/vmlinuz",
  initrdPaths: ["/boot/base.cpio", "/boot/program.cpio"],
};

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
  const agent = network.join(agentAddress);
  const tools = { clock, crypto: cryptoOf("agent"), log: quiet, udp: agent.udp };
  const files = makeFakeFiles();
  for (const path of [...Object.values(site.bootFiles), site.kernelPath, ...site.initrdPaths]) {
    await files.writeFile(path, new TextEncoder().encode(`content of ${path} `.repeat(99)));
  }
  const netboot = makeNetboot({ ...tools, files, config: site });
  const sessions = makeRamdiskSessions(tools);
  const extents = makeExtentOffers();
  await netboot.start();
  await agent.server.listen({
    address: agentAddress,
    port: site.httpPort,
    handle: (request) => netboot.handleHttp(request),
  });
  await agent.server.listen({
    address: agentAddress,
    port: 8443,
    tls: { keyPem: "", certPem },
    handle: async (request) => extents.handle(request) ?? { status: 404 },
    upgrade: (request, duplex) => sessions.upgrade(request, duplex),
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
  const bmc = makeBmcFleet(tools).bmc({
    address: `ipmi://${bmcAddress}`,
    username: "admin",
    password: "secret",
    credentialsVersion: "1",
  });
  if (!bmc.ok) throw new Error(bmc.error.message);
  return {
    machine,
    bmc: bmc.value,
    netboot,
    sessions,
    extents,
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

function allow({ sessions, netboot }: Pick<World, "sessions" | "netboot"> = world): void {
  sessions.expect({ hostUid: "host-1", mac, bootToken });
  netboot.allow({
    hostUid: "host-1",
    operationId: "host-1.1",
    mac,
    kernelParameters: [
      { name: "farrier.agent", value: `https://${agentAddress}:8443` },
      { name: "farrier.fingerprint", value: fingerprint },
      { name: "farrier.token", value: bootToken },
      { name: "farrier.mac", value: mac },
    ],
  });
}

/** Boots the ramdisk over the network and returns when it has called. */
async function bootRamdisk(): Promise<void> {
  allow();
  await setBootDevice("pxe");
  await send("on");
  await world.clock.advance(30_000);
  expect(world.sessions.session("host-1")).toBeDefined();
}

function run(step: RamdiskStep): Promise<StepResult> {
  const session = world.sessions.session("host-1");
  if (session === undefined) throw new Error("the ramdisk has not connected");
  return session.run(step, {
    operationId: "host-1.1",
    operationToken,
    mayDestroy: async () => ({ go: true }),
    onProgress: () => {},
    signal: new AbortController().signal,
  });
}

async function writeStep(bytesPerSecond = 0): Promise<Extract<RamdiskStep, { kind: "write" }>> {
  const source = await makeExtentSource(makeGptImage());
  const { path } = world.extents.offer(operationToken, async function* () {
    for (const frame of source.frames) yield encodeFrame(frame);
  });
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
    extentsPath: path,
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
      "network-boot DHCP as firmware: 192.0.2.10",
      "network-boot TFTP undionly.kpxe",
      "network-boot DHCP as ipxe: 192.0.2.10",
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
    allow();
    await setBootDevice("pxe");
    await send("reset");
    await world.clock.advance(30_000);
    expect(world.sessions.session("host-1")).toBeDefined();
  });

  test("boots the ramdisk in real time, too", async () => {
    const real = await makeWorldOn(makeNodeClock(), makeNodeCrypto, {
      times: { firmwareMs: 5, kernelMs: 5, shutdownMs: 5 },
    });
    allow(real);
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
