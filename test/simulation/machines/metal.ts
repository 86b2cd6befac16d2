// The machine itself: power, firmware, what it boots and what then runs. Its BMC and other people switch it; what
// it does tells the world. Disks keep their content, and lose what was in their cache when the power goes.
import type { ChassisAction } from "../../../infra/lab/bmc-simulator/chassis.ts";
import type { Compression, Crypto, Log } from "../../../site-agent/ports.ts";
import { runRamdisk } from "../../../site-agent/ramdisk/program.ts";
import { bootableDisk } from "../../support/bootable-disk.ts";
import { bootFromNetwork } from "../../support/network-boot.ts";
import type { PluggedNic } from "../../support/simulated-machine.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { makeLife } from "../kernel/life.ts";
import type { CallHook, Life } from "../kernel/life.ts";
import type { Random } from "../kernel/random.ts";
import type { MachinePlan } from "../workload/scenario.ts";
import type { Happened, Place, Running } from "../world/events.ts";
import type { DiskShelf } from "./disks/disk-shelf.ts";
import { drawTimes } from "./machine-times.ts";
import type { MachineTimes } from "./machine-times.ts";
import type { Quirk } from "./quirks.table.ts";
import { makeRamdiskPorts } from "./ramdisk-ports.ts";
import type { BootEntries } from "./ramdisk-programs.ts";
import type { SimulatedDisk } from "./disks/simulated-disk.ts";
import { systemOn } from "./disks/system-image.ts";

type Why = Extract<Happened, { readonly kind: "power" }>["why"];

/** What the machine says of itself. */
export interface MachineIdentity {
  /** The first one boots. */
  readonly macs: readonly string[];
  /** Of a network card on USB, its BMC's. */
  readonly usbMac: string | undefined;
  readonly systemUuid: string;
  readonly serialNumber: string;
}

export interface MetalOptions {
  readonly plan: Pick<MachinePlan, "name" | "firmware" | "bootOrder" | "shuffledDisks">;
  readonly kernel: Kernel;
  readonly random: Random;
  readonly tell: (happened: Happened) => void;
  /** Called at each start. */
  readonly plug: () => PluggedNic;
  readonly crypto: Crypto;
  readonly compression: Compression;
  readonly identity: MachineIdentity;
  readonly shelf: DiskShelf;
  readonly quirk: Quirk;
  readonly onCall: CallHook | undefined;
}

type Origin = Pick<
  Extract<Happened, { readonly kind: "running" }>,
  "disk" | "system" | "commandLine"
>;

interface Boot {
  readonly number: number;
  readonly life: Life;
  readonly nic: PluggedNic;
  running: Running;
  system: string | undefined;
  ramdisk: Life | undefined;
}

export class Metal {
  readonly name: string;
  override: { readonly place: Place; readonly once: boolean } | undefined;
  readonly #options: MetalOptions;
  readonly #times: MachineTimes;
  readonly #entries: BootEntries = { list: [] };
  #boot: Boot | undefined;
  #boots = 0;
  #mainsBackMs = 0;

  constructor(options: MetalOptions) {
    this.#options = options;
    this.name = options.plan.name;
    this.#times = drawTimes(options.random.split("times"));
  }

  get on(): boolean {
    return this.#boot !== undefined;
  }

  get running(): Running {
    return this.#boot?.running ?? "nothing";
  }

  get system(): string | undefined {
    return this.#boot?.system;
  }

  /** Starts so far. */
  get boots(): number {
    return this.#boots;
  }

  get hasMains(): boolean {
    return this.#options.kernel.nowMs() >= this.#mainsBackMs;
  }

  command(action: ChassisAction, why: Why): void {
    if (!this.hasMains) return;
    switch (action) {
      case "on":
        return this.#powerOn(why);
      case "off":
        return this.#powerOff(why);
      case "cycle":
        return this.#cycle(why);
      case "reset":
        return this.#restart();
      case "soft":
        return this.#askToEnd();
    }
  }

  /** The mains fail: the BMC is gone, too. */
  loseMains(ms: number): void {
    const { kernel, quirk } = this.#options;
    const wasOn = this.on;
    this.#mainsBackMs = Math.max(this.#mainsBackMs, kernel.nowMs() + ms);
    this.#powerOff("outage");
    if (quirk.comesBack !== true || !wasOn) return;
    kernel.timer(ms + this.#times.offMs, () => {
      if (this.hasMains) this.#powerOn("outage");
    });
  }

  /** A short press. Without an operating system to hear it the machine is off at once. */
  pressButton(): void {
    const action = !this.on ? "on" : this.running === "operating system" ? "soft" : "off";
    const { name: machine } = this;
    this.#options.tell({
      kind: "power-command",
      machine,
      action,
      agent: undefined,
      done: this.hasMains,
    });
    this.command(action, "button");
  }

  /** The program ends as if its kernel had; the machine stands still, or starts anew. */
  killRamdisk(then: "hangs" | "restarts"): void {
    if (this.#boot?.ramdisk === undefined) return;
    this.#boot.ramdisk.end();
    if (then === "restarts") this.#restart();
  }

  #powerOn(why: Why): void {
    if (this.#boot !== undefined) return;
    this.#options.tell({ kind: "power", machine: this.name, on: true, why });
    this.#start();
  }

  #powerOff(why: Why): void {
    if (this.#boot === undefined) return;
    this.#end();
    for (const disk of this.#options.shelf.disks) disk.losePower();
    this.#options.tell({ kind: "power", machine: this.name, on: false, why });
    this.#tellRunning("nothing", {});
  }

  #cycle(why: Why): void {
    if (this.#boot === undefined) return;
    const boots = this.#boots;
    this.#powerOff(why);
    this.#options.kernel.timer(this.#times.offMs, () => {
      if (this.#boots === boots && this.hasMains) this.#powerOn(why);
    });
  }

  /** Disks keep power. */
  #restart(): void {
    if (this.#boot === undefined) return;
    this.#end();
    this.#start();
  }

  #askToEnd(): void {
    const boot = this.#boot;
    if (boot?.running !== "operating system" || this.#options.quirk.ignoresSoft === true) return;
    boot.life.clock.timer(this.#times.shutdownMs, () => {
      for (const disk of this.#options.shelf.disks) disk.flush();
      this.#powerOff("operating system");
    });
  }

  #start(): void {
    const { kernel, plan, plug, shelf, onCall } = this.#options;
    this.#boots += 1;
    const number = this.#boots;
    shelf.dealNames(plan.shuffledDisks);
    const boot: Boot = {
      number,
      life: makeLife({ kernel, name: `machine:${this.name}`, incarnation: number, onCall }),
      nic: plug(),
      running: "firmware",
      system: undefined,
      ramdisk: undefined,
    };
    this.#boot = boot;
    this.#tellRunning("firmware", {});
    void this.#run(boot);
  }

  #end(): void {
    const boot = this.#boot;
    this.#boot = undefined;
    boot?.ramdisk?.end();
    boot?.life.end();
    boot?.nic.leave();
    for (const disk of this.#options.shelf.disks) disk.isOpen = false;
  }

  #tellRunning(running: Running, from: Origin): void {
    const { name: machine } = this;
    this.#options.tell({ kind: "running", machine, boot: this.#boots, running, ...from });
  }

  /** Of a machine that has ended nothing goes on: its clock never comes back. */
  async #run(boot: Boot): Promise<void> {
    const { clock } = boot.life;
    await clock.sleep(this.#times.firmwareMs);
    for (;;) {
      for (const place of this.#places()) {
        const began = place === "disk" ? this.#bootDisk(boot) : await this.#bootNetwork(boot);
        if (began) return;
      }
      if (this.#options.quirk.looksOnce === true) return;
      await clock.sleep(this.#times.againMs);
    }
  }

  /** The override first; one for a single boot is used up by this. */
  #places(): readonly Place[] {
    const { bootOrder } = this.#options.plan;
    const hasEntry = this.#entries.list.length > 0;
    const order: readonly Place[] = hasEntry ? ["disk", ...bootOrder] : bootOrder;
    const { override } = this;
    if (override?.once === true) this.override = undefined;
    return [...new Set(override === undefined ? order : [override.place, ...order])];
  }

  #bootDisk(boot: Boot): boolean {
    const found = this.#bootDisks().find((disk) => bootableDisk(disk).ok);
    if (found === undefined) return false;
    const system = systemOn(found);
    boot.running = "operating system";
    boot.system = system;
    const disk = found.serialNumber;
    this.#tellRunning("operating system", { disk, ...(system === undefined ? {} : { system }) });
    return true;
  }

  /** Those with an entry in the firmware first. */
  #bootDisks(): readonly SimulatedDisk[] {
    const disks = this.#options.shelf.disks.filter(({ bus }) => bus !== "usb");
    const entered = this.#entries.list.flatMap(({ disk }) =>
      disks.filter(({ serialNumber }) => serialNumber === disk),
    );
    return [...new Set([...entered, ...disks.toSorted((a, b) => a.slot - b.slot)])];
  }

  /** False when the network has nothing for this machine. */
  async #bootNetwork(boot: Boot): Promise<boolean> {
    const { identity, plan } = this.#options;
    const { clock } = boot.life;
    const got = await bootFromNetwork({
      nic: boot.nic,
      clock,
      mac: identity.macs[0] ?? "",
      firmware: plan.firmware,
      onStep: () => {},
    });
    if (!got.ok) return false;
    await clock.sleep(this.#times.kernelMs);
    if (!boot.life.alive) return true;
    boot.running = "ramdisk";
    const { commandLine } = got.value;
    this.#tellRunning("ramdisk", { commandLine });
    void this.#runRamdisk(boot, commandLine);
    return true;
  }

  async #runRamdisk(boot: Boot, commandLine: string): Promise<void> {
    const { kernel, shelf, onCall, plan, tell, identity, random } = this.#options;
    const { name } = this;
    const life = makeLife({ kernel, name: `ramdisk:${name}`, incarnation: boot.number, onCall });
    boot.ramdisk = life;
    const ports = makeRamdiskPorts({
      life,
      machine: { ...identity, firmware: plan.firmware },
      nic: boot.nic,
      crypto: this.#options.crypto,
      compression: this.#options.compression,
      random: random.split(`disk commands of boot ${boot.number}`),
      commandLine,
      log: this.#console(life),
      kernelMs: this.#times.kernelMs,
      diskCommandMs: this.#times.diskCommandMs,
      disks: shelf.disks,
      entries: this.#entries,
      leave: (how) => (how === "reboot" ? this.#restart() : this.#powerOff("ramdisk")),
      onMessage: (message) =>
        tell({ kind: "ramdisk-message", machine: name, boot: boot.number, ...message }),
    });
    // What it throws is a bug of it; the init script does the same whatever it was.
    await runRamdisk(ports, life.signal).catch((thrown: unknown) => {
      ports.log.error("the ramdisk program threw", { error: String(thrown) });
    });
    if (life.alive) this.#restart();
  }

  #console(life: Life): Log {
    const line =
      (level: keyof Log): Log["info"] =>
      (message, fields = {}) => {
        if (!life.alive) return;
        this.#options.tell({ kind: "log", process: life.name, level, message, fields });
      };
    return { info: line("info"), warn: line("warn"), error: line("error") };
  }
}
