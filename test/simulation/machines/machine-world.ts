// A site around one simulated machine, for tests of the machine: the real IPMI client, boot network and ramdisk
// sessions of an agent in memory, and nobody who decides anything.
import type { RamdiskStep } from "../../../shared/protocol/ramdisk.ts";
import { encodeFrame } from "../../../shared/protocol/extent-stream.ts";
import { makeBmcFleet } from "../../../site-agent/bmc/bmc-fleet.ts";
import type { Bmc } from "../../../site-agent/bmc/port.ts";
import { makeNetboot } from "../../../site-agent/netboot/netboot.ts";
import type { Clock, Log } from "../../../site-agent/ports.ts";
import { makeExtentOffers } from "../../../site-agent/sessions/extent-offers.ts";
import type { StepResult } from "../../../site-agent/sessions/port.ts";
import { makeRamdiskSessions } from "../../../site-agent/sessions/ramdisk-sessions.ts";
import { makeExtentSource } from "../../support/extent-source.ts";
import { makeFakeFiles } from "../../support/fake-files.ts";
import { makeMemoryNetwork } from "../../support/memory-network.ts";
import { makeKernel } from "../kernel/kernel.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { MachinePlan } from "../workload/scenario.ts";
import type { Happened } from "../world/events.ts";
import { makeLoginTrials } from "./bmc/login-trials.ts";
import { makeSeededCrypto } from "./crypto/seeded-crypto.ts";
import { makeMachine } from "./simulated-fleet-machine.ts";
import type { SimulatedFleetMachine } from "./simulated-fleet-machine.ts";

const gib = 1024 ** 3;
export const agentAddress = "10.1.0.1";
const bmcAddress = "10.1.0.11";
const bootToken = "b007".repeat(16);
const operationToken = "0be7".repeat(16);
// No certificate at all: the network in memory compares digests and encrypts nothing.
const certPem = `-----BEGIN CERTIFICATE-----\n${"AAAA".repeat(16)}\n-----END CERTIFICATE-----\n`;
const fingerprint = "17b0761f87b081d5cf10757ccc89f12be355c70e2e29df288b65b30710dcbcd1";
const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} };
const site = {
  address: agentAddress,
  prefixLength: 24,
  rangeFrom: "10.1.0.100",
  rangeTo: "10.1.0.200",
  httpPort: 8080,
  bootFiles: { bios: "/boot/undionly.kpxe", uefi: "/boot/snponly.efi" },
  kernelPath: "/boot/vmlinuz",
  initrdPaths: ["/boot/base.cpio"],
};

export interface MachineWorld {
  readonly kernel: Kernel;
  readonly machine: SimulatedFleetMachine;
  readonly seen: Happened[];
  /** Events of these kinds, in order. */
  seenOf<K extends Happened["kind"]>(kind: K): Extract<Happened, { readonly kind: K }>[];
  /** The agent's, with this password. */
  bmcWith(password: string): Bmc;
  readonly bmc: Bmc;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
  /** Boots the ramdisk from the network and returns when it has called. */
  bootRamdisk(): Promise<void>;
  /** Returns when the step has ended. */
  run(step: RamdiskStep): Promise<StepResult>;
  /** Begins the step, and lets no time pass. */
  start(step: RamdiskStep): Promise<StepResult>;
  /** A write of this image to the disk with this serial number. */
  writeStep(image: Uint8Array, serialNumber: string): Promise<RamdiskStep>;
}

export async function makeMachineWorld(
  plan: Partial<MachinePlan> = {},
  seed = "a seed",
): Promise<MachineWorld> {
  const kernel = makeKernel(seed, Date.parse("2026-11-01T12:00:00Z"));
  const clock: Clock = {
    nowMs: () => kernel.nowMs(),
    monotonicMs: () => kernel.nowMs(),
    sleep: (ms, signal) => kernel.sleep(ms, signal),
    timer: (ms, run) => kernel.timer(ms, run),
  };
  const network = makeMemoryNetwork((run) => void kernel.ordered(1, run));
  const agent = network.join(agentAddress);
  const trials = makeLoginTrials();
  const crypto = makeSeededCrypto(kernel.random.split("agent"), (key, data) => {
    trials.heard(key, data);
  });
  const tools = { clock, crypto, log: quiet, udp: agent.udp };
  const seen: Happened[] = [];
  const machine = await makeMachine({
    plan: {
      name: "m1",
      site: "site-1",
      firmware: "UEFI",
      cipherSuite: 17,
      disks: [
        { serialNumber: "DISK-A", sizeBytes: 8 * gib },
        { serialNumber: "DISK-B", sizeBytes: 8 * gib },
      ],
      content: "empty",
      bootOrder: ["disk", "network"],
      quirks: [],
      shuffledDisks: false,
      ...plan,
    },
    kernel,
    random: kernel.random.split("machine m1"),
    tell: (happened) => void seen.push(happened),
    plug: () => network.join(),
    bmcUdp: network.join(bmcAddress).udp,
    bmcAddress: `${bmcAddress}:623`,
    macs: ["52:54:00:00:00:01", "52:54:00:00:00:02"],
    user: "admin",
    password: "first",
    crypto: (whose) => makeSeededCrypto(kernel.random.split(whose)),
    agentOf: ({ address }) => (address === agentAddress ? "agent-1" : undefined),
    trials,
  });
  const files = makeFakeFiles();
  for (const path of [...Object.values(site.bootFiles), site.kernelPath, ...site.initrdPaths]) {
    await files.writeFile(path, new Uint8Array(1500).fill(path.length));
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
  const bmcWith = (password: string): Bmc => {
    const made = makeBmcFleet(tools).bmc({
      address: `ipmi://${bmcAddress}`,
      username: "admin",
      password,
      credentialsVersion: password,
    });
    if (!made.ok) throw new Error(made.error.message);
    return made.value;
  };
  const bmc = bmcWith("first");
  const [mac = ""] = machine.macs;
  let operations = 0;
  const start = (step: RamdiskStep): Promise<StepResult> => {
    const session = sessions.session("host-1");
    if (session === undefined) throw new Error("the ramdisk has not connected");
    operations += 1;
    return session.run(step, {
      operationId: `host-1.${operations}`,
      operationToken,
      mayDestroy: async () => ({ go: true }),
      onProgress: () => {},
      signal: new AbortController().signal,
    });
  };
  return {
    kernel,
    machine,
    seen,
    seenOf: <K extends Happened["kind"]>(kind: K) =>
      seen.filter((each): each is Extract<Happened, { readonly kind: K }> => each.kind === kind),
    bmcWith,
    bmc,
    pass: (ms) => kernel.run(kernel.nowMs() + ms),
    async bootRamdisk() {
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
      const work = async (): Promise<void> => {
        await bmc.setBootDevice({ device: "pxe", persistent: false, uefi: true });
        await bmc.sendPower(machine.on ? "reset" : "on");
      };
      await kernel.until(work());
      const signal = new AbortController().signal;
      await kernel.until(sessions.waitFor("host-1", { timeoutMs: 600_000, signal }));
    },
    start,
    run: (step) => kernel.until(start(step)),
    async writeStep(image, serialNumber) {
      const source = await makeExtentSource(image);
      const { path } = extents.offer(operationToken, async function* () {
        for (const frame of source.frames) yield encodeFrame(frame);
      });
      return {
        kind: "write",
        approvedDisks: machine.disks.map((disk) => ({
          name: disk.name,
          serialNumber: disk.serialNumber,
          sizeBytes: disk.sizeBytes,
        })),
        rootDeviceHints: { serialNumber },
        extentsPath: path,
        virtualBytes: image.length,
        bootMode: "UEFI",
        bytesPerSecond: 0,
      };
    },
  };
}
