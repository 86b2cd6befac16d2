// A site around one simulated machine, for tests of the machine: the real IPMI client, boot network and ramdisk
// sessions of an agent in memory, and nobody who decides anything.
import type { RamdiskStep } from "../../../shared/protocol/ramdisk.ts";
import type { Bmc } from "../../../site-agent/bmc/port.ts";
import type { Clock } from "../../../site-agent/ports.ts";
import type { StepResult } from "../../../site-agent/sessions/port.ts";
import { makeBootSite } from "../../support/boot-site.ts";
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
  const site = await makeBootSite(agent, { clock, crypto });
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
  const bmcWith = (password: string): Bmc => site.bmc(bmcAddress, password);
  const bmc = bmcWith("first");
  const [mac = ""] = machine.macs;
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
      site.expectBoot(mac);
      const work = async (): Promise<void> => {
        await bmc.setBootDevice({ device: "pxe", persistent: false, uefi: true });
        await bmc.sendPower(machine.on ? "reset" : "on");
      };
      await kernel.until(work());
      const signal = new AbortController().signal;
      await kernel.until(site.sessions.waitFor("host-1", { timeoutMs: 600_000, signal }));
    },
    start: (step) => site.start(step),
    run: (step) => kernel.until(site.start(step)),
    async writeStep(image, serialNumber) {
      return {
        kind: "write",
        approvedDisks: machine.disks.map((disk) => ({
          name: disk.name,
          serialNumber: disk.serialNumber,
          sizeBytes: disk.sizeBytes,
        })),
        rootDeviceHints: { serialNumber },
        extentsPath: await site.offer(image),
        virtualBytes: image.length,
        bootMode: "UEFI",
        bytesPerSecond: 0,
      };
    },
  };
}
