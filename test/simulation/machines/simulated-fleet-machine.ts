// One machine of the simulated fleet with its BMC, for the assembly of a world: what judges may look at, and the
// knobs by which faults are made. What it does by itself is metal.ts; its BMC is simulated-bmc.ts.
import type { Compression, Crypto, Udp, UdpAddress } from "../../../site-agent/ports.ts";
import type { PluggedNic } from "../../support/simulated-machine.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { CallHook } from "../kernel/life.ts";
import type { Random } from "../kernel/random.ts";
import type { MachinePlan } from "../workload/scenario.ts";
import type { Happened } from "../world/events.ts";
import type { DiskTruth, MachineTruth } from "../world/truth.ts";
import type { BmcFaults } from "./bmc/bmc-faults.ts";
import { DiskShelf } from "./disks/disk-shelf.ts";
import type { LoginTrials } from "./bmc/login-trials.ts";
import { Metal } from "./metal.ts";
import { quirksOf } from "./quirks.table.ts";
import { uuidOf } from "./crypto/seeded-crypto.ts";
import { startSimulatedBmc } from "./bmc/simulated-bmc.ts";
import type { SimulatedBmc } from "./bmc/simulated-bmc.ts";
import { storedCompression } from "./crypto/stored-compression.ts";

export interface MachineOptions {
  readonly plan: MachinePlan;
  readonly kernel: Kernel;
  /** The machine's own stream. */
  readonly random: Random;
  readonly tell: (happened: Happened) => void;
  /** Puts a cable into its boot network; called at each start. */
  readonly plug: () => PluggedNic;
  /** Where its BMC listens, at the host of `bmcAddress`. */
  readonly bmcUdp: Udp;
  /** As "10.1.0.11:623". */
  readonly bmcAddress: string;
  /** The first one boots. */
  readonly macs: readonly string[];
  readonly user: string;
  /** The first one; at most 20 bytes. */
  readonly password: string;
  /** One for each who draws randomness. */
  readonly crypto: (whose: string) => Crypto;
  /** The same as the agents'; stored-compression.ts when absent. */
  readonly compression?: Compression;
  /** Whose packets come from there; undefined: a stranger's. */
  readonly agentOf: (from: UdpAddress) => string | undefined;
  /** What the Crypto of agents tells; without it a wrong password that is tried stays unseen. */
  readonly trials?: LoginTrials;
  /** Told of each call of a port of the ramdisk. */
  readonly onCall?: CallHook | undefined;
}

/**
 * `name` is the metal: power, boots and disks are its own, and `bmcAddress` is that of the BMC whose cable leads to
 * it. Password, logins and sessions are of the BMC that came with it, as are the knobs of `bmc`.
 */
export interface SimulatedFleetMachine extends MachineTruth {
  /** Knobs of its BMC. */
  readonly bmc: BmcFaults;
  /** Knobs of its BMC back to its personality, or to an honest BMC; nothing that has happened is undone. */
  heal(to?: "personality" | "honest"): void;
  restartBmc(awayMs: number): void;
  /** Returns its number. */
  changePassword(password: string): number;
  /** The mains are away so long, and the BMC with them. */
  powerLoss(ms: number): void;
  pressPowerButton(): void;
  /** Somebody puts a system of his own on its first disk. */
  installSystem(): void;
  killRamdisk(then?: "hangs" | "restarts"): void;
  /** Everything from this byte on fails from now. */
  failDisk(serialNumber: string, fromByte: number): void;
  /** The next changes of any of its disks fail. */
  failChanges(count: number): void;
  mendDisks(): void;
  /** Another mainboard, with the same network cards and disks; somebody has pulled the plug for it. */
  replaceBoard(): void;
  /** Disks change slots and names with the next boot. */
  renameDisks(): void;
  addUsbMedium(serialNumber: string, sizeBytes: number): void;
  removeUsbMedia(): void;
  /** The two BMCs' cables are exchanged: each switches the other's metal. Again: as before. */
  exchangeCables(other: SimulatedFleetMachine): void;
}

export async function makeMachine(options: MachineOptions): Promise<SimulatedFleetMachine> {
  const { plan, kernel, random, tell } = options;
  const { name } = plan;
  const quirk = quirksOf(plan.quirks);
  const draws = random.split("identity");
  const board = () => ({
    systemUuid: uuidOf(draws.bytes(16)),
    serialNumber: `SN-${name}-${draws.between(1000, 9999)}`,
    ...quirk.identity,
  });
  const identity = { macs: options.macs, usbMac: undefined, ...board() };
  const shelf = new DiskShelf({
    plan,
    random: random.split("disks"),
    onChange: (disk, change) =>
      tell({ kind: "disk", machine: name, boot: metal.boots, disk: disk.serialNumber, ...change }),
  });
  const metal = new Metal({
    ...options,
    crypto: options.crypto(`ramdisk ${name}`),
    random: random.split("metal"),
    compression: options.compression ?? storedCompression,
    identity,
    shelf,
    quirk,
    onCall: options.onCall,
  });
  const bmc = await startSimulatedBmc(
    {
      ...options,
      name,
      kernel,
      random: random.split("bmc"),
      udp: options.bmcUdp,
      address: options.bmcAddress,
      crypto: options.crypto(`bmc ${name}`),
      guid: identity.systemUuid,
      suite: plan.cipherSuite,
      quirk,
      trials: options.trials,
    },
    metal,
  );
  return new FleetMachine({ plan, metal, shelf, bmc, identity, board });
}

/** Whoever replaces a board pulls the plug for so long. */
const plugMs = 5_000;

interface Parts {
  readonly plan: MachinePlan;
  readonly metal: Metal;
  readonly shelf: DiskShelf;
  readonly bmc: SimulatedBmc;
  /** Of now: the board may be replaced. */
  readonly identity: { readonly macs: readonly string[] } & Board;
  readonly board: () => Board;
}

interface Board {
  systemUuid: string;
  serialNumber: string;
}

class FleetMachine implements SimulatedFleetMachine {
  readonly name: string;
  readonly site: string;
  readonly macs: readonly string[];
  readonly disks: readonly DiskTruth[];
  /** Whose cable leads here. */
  wired: SimulatedBmc;
  readonly quirks: readonly string[];
  readonly #parts: Parts;

  constructor(parts: Parts) {
    const { plan, identity, shelf, bmc } = parts;
    this.#parts = parts;
    this.name = plan.name;
    this.site = plan.site;
    this.quirks = plan.quirks;
    this.macs = identity.macs;
    this.disks = shelf.disks;
    this.wired = bmc;
  }

  get systemUuid(): string {
    return this.#parts.identity.systemUuid;
  }
  get serialNumber(): string {
    return this.#parts.identity.serialNumber;
  }
  get bmcAddress(): string {
    return this.wired.address;
  }
  get on(): boolean {
    return this.#parts.metal.on;
  }
  get running() {
    return this.#parts.metal.running;
  }
  get system(): string | undefined {
    return this.#parts.metal.system;
  }
  get boot(): number {
    return this.#parts.metal.boots;
  }
  get override() {
    return this.#parts.metal.override;
  }
  get passwordNumber(): number {
    return this.#parts.bmc.logins.passwordNumber;
  }
  get password(): string {
    return this.#parts.bmc.logins.password;
  }
  get failedLogins(): number {
    return this.#parts.bmc.logins.failed;
  }
  get lockedOut(): boolean {
    return this.#parts.bmc.logins.lockedOut;
  }
  get openSessions(): number {
    return this.#parts.bmc.openSessions;
  }
  get bmc(): BmcFaults {
    return this.#parts.bmc.faults;
  }

  heal(to: "personality" | "honest" = "personality"): void {
    this.#parts.bmc.heal(to);
  }
  restartBmc(awayMs: number): void {
    this.#parts.bmc.restart(awayMs);
  }
  changePassword(password: string): number {
    return this.#parts.bmc.changePassword(password);
  }
  powerLoss(ms: number): void {
    this.#parts.metal.loseMains(ms);
    this.wired.restart(ms);
  }
  pressPowerButton(): void {
    this.#parts.metal.pressButton();
  }
  installSystem(): void {
    this.#parts.shelf.installSystem();
  }
  killRamdisk(then: "hangs" | "restarts" = "hangs"): void {
    this.#parts.metal.killRamdisk(then);
  }
  failDisk(serialNumber: string, fromByte: number): void {
    this.#parts.shelf.get(serialNumber).badFromByte = fromByte;
  }
  failChanges(count: number): void {
    this.#parts.shelf.failingChanges = count;
  }
  mendDisks(): void {
    this.#parts.shelf.failingChanges = 0;
    for (const disk of this.#parts.shelf.disks) disk.badFromByte = undefined;
  }
  replaceBoard(): void {
    const { board, identity } = this.#parts;
    this.powerLoss(plugMs);
    Object.assign(identity, board());
  }
  renameDisks(): void {
    this.#parts.shelf.rename();
  }
  addUsbMedium(serialNumber: string, sizeBytes: number): void {
    this.#parts.shelf.addUsb(serialNumber, sizeBytes);
  }
  removeUsbMedia(): void {
    this.#parts.shelf.removeUsb();
  }

  exchangeCables(other: SimulatedFleetMachine): void {
    if (!(other instanceof FleetMachine)) throw new Error(`${other.name} is of another kind`);
    [this.wired, other.wired] = [other.wired, this.wired];
    this.wired.metal = this.#parts.metal;
    other.wired.metal = other.#parts.metal;
  }
}
