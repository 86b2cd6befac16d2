// A bare-metal machine in memory, behind the chassis that the simulated BMC switches: power, boot device, firmware
// that boots from disk or network, the real ramdisk program on disks in memory, and an operating system that only
// says that it runs. Takes its time from the clock that it is given: virtual, or real.
import type { Chassis, ChassisAction } from "../../infra/lab/bmc-simulator/chassis.ts";
import { bootSelector } from "../../shared/wire/ipmi/chassis-commands.ts";
import type { Clock, Crypto, Duplex, DuplexClient, Log, Programs } from "../../site-agent/ports.ts";
import type { RamdiskPorts } from "../../site-agent/ramdisk/ports.ts";
import { runRamdisk } from "../../site-agent/ramdisk/program.ts";
import { bootableDisk } from "./bootable-disk.ts";
import type { FakeDisk } from "./fake-disk.ts";
import { makeFakeMachine } from "./fake-machine.ts";
import type { FakeMachine, FakeMachineOptions } from "./fake-machine.ts";
import { mortalPorts } from "./mortal-ports.ts";
import { bootFromNetwork } from "./network-boot.ts";
import type { Nic } from "./network-boot.ts";

/** The cable of one boot: pulled out when the power goes. */
export interface PluggedNic extends Nic {
  readonly duplexes: DuplexClient;
  /** Who accepted the connection, where several agents may be. */
  readonly agentOf?: (duplex: Duplex) => string | undefined;
  leave(): void;
}

export type Place = "disk" | "network";

export type MachineEventKind =
  | "power-on"
  | "power-off"
  | "reset"
  | "boot-device"
  | "boot-failed"
  | "network-boot"
  | "ramdisk"
  | "operating-system"
  | "nothing-to-boot";

export interface MachineEvent {
  readonly atMs: number;
  readonly kind: MachineEventKind;
  /** For people. */
  readonly detail: string;
}

export interface SimulatedMachineOptions extends Omit<FakeMachineOptions, "log"> {
  readonly clock: Clock;
  /** Called at each start. */
  readonly plug: () => PluggedNic;
  /** The ramdisk's; the platform's when absent. */
  readonly crypto?: Crypto;
  /** Where the firmware looks without an override; disk, then network, when absent. */
  readonly bootOrder?: readonly Place[];
  readonly times?: Partial<MachineTimes>;
  readonly onEvent?: (event: MachineEvent) => void;
  /** The ramdisk program's console. */
  readonly console?: Log;
}

export interface MachineTimes {
  /** From power-on until the firmware looks for something to boot. */
  readonly firmwareMs: number;
  /** From the loaded kernel until the ramdisk program runs. */
  readonly kernelMs: number;
  /** From a soft power-off until the operating system has ended. */
  readonly shutdownMs: number;
}

const usualTimes: MachineTimes = { firmwareMs: 10_000, kernelMs: 15_000, shutdownMs: 5_000 };

export type Running = "nothing" | "firmware" | "ramdisk" | "operating system";

/** Where an override leads; others are ignored, as firmware does with devices that are not there. */
const overrides: Readonly<Record<number, Place>> = {
  [bootSelector.pxe]: "network",
  [bootSelector.disk]: "disk",
};

interface Boot {
  readonly death: AbortController;
  readonly nic: PluggedNic;
  running: Running;
}

export class SimulatedMachine implements Chassis {
  /** By kernel name, as sda; their content stays when the power goes. */
  readonly disks: ReadonlyMap<string, FakeDisk>;
  readonly events: MachineEvent[] = [];
  readonly #options: SimulatedMachineOptions;
  readonly #hardware: FakeMachine;
  readonly #times: MachineTimes;
  #override: { readonly place: Place | undefined; readonly persistent: boolean } | undefined;
  #boot: Boot | undefined;

  constructor(options: SimulatedMachineOptions) {
    const { console, ...hardware } = options;
    this.#options = options;
    this.#times = { ...usualTimes, ...options.times };
    this.#hardware = makeFakeMachine({
      ...hardware,
      ...(console === undefined ? {} : { log: console }),
    });
    this.disks = this.#hardware.disks;
  }

  /** What runs on it now. */
  get running(): Running {
    return this.#boot?.running ?? "nothing";
  }

  async power(): Promise<{ readonly on: boolean }> {
    return { on: this.#boot !== undefined };
  }

  async set(action: ChassisAction): Promise<void> {
    switch (action) {
      case "on":
        if (this.#boot === undefined) this.#start("power-on", "");
        return;
      case "off":
        this.#stop("");
        return;
      case "cycle":
        this.#stop("");
        this.#start("power-on", "");
        return;
      case "reset":
        this.#restart("by the BMC");
        return;
      case "soft":
        this.#askToEnd();
    }
  }

  async bootDevice({ selector, persistent, uefi }: Parameters<Chassis["bootDevice"]>[0]) {
    const place = overrides[selector];
    this.#override = selector === bootSelector.none ? undefined : { place, persistent };
    const which = selector === bootSelector.none ? "none" : (place ?? `selector ${selector}`);
    const kind = `${persistent ? ", until changed" : ", once"}${uefi ? ", UEFI" : ""}`;
    this.#tell("boot-device", selector === bootSelector.none ? which : `${which}${kind}`);
  }

  #tell(kind: MachineEventKind, detail: string): void {
    const event = { atMs: this.#options.clock.nowMs(), kind, detail };
    this.events.push(event);
    this.#options.onEvent?.(event);
  }

  #start(kind: "power-on" | "reset", detail: string): void {
    const boot: Boot = {
      death: new AbortController(),
      nic: this.#options.plug(),
      running: "firmware",
    };
    this.#boot = boot;
    this.#tell(kind, detail);
    void this.#run(boot);
  }

  #end(): void {
    const boot = this.#boot;
    this.#boot = undefined;
    boot?.death.abort();
    boot?.nic.leave();
    for (const disk of this.disks.values()) disk.isOpen = false;
  }

  #stop(detail: string): void {
    if (this.#boot === undefined) return;
    this.#end();
    this.#tell("power-off", detail);
  }

  #restart(detail: string): void {
    if (this.#boot === undefined) return;
    this.#end();
    this.#start("reset", detail);
  }

  /** Only an operating system hears the power button. */
  #askToEnd(): void {
    const boot = this.#boot;
    if (boot?.running !== "operating system") return;
    this.#options.clock.timer(this.#times.shutdownMs, () => {
      if (this.#boot === boot) this.#stop("by its operating system");
    });
  }

  async #run(boot: Boot): Promise<void> {
    await this.#sleep(boot, this.#times.firmwareMs);
    if (boot.death.signal.aborted) return;
    for (const place of this.#places()) {
      const began = place === "disk" ? this.#bootDisk(boot) : await this.#bootNetwork(boot);
      if (began || boot.death.signal.aborted) return;
    }
    this.#tell("nothing-to-boot", "");
  }

  /** The override first; a single-use one is used up by this. */
  #places(): readonly Place[] {
    const order = this.#options.bootOrder ?? ["disk", "network"];
    const override = this.#override;
    if (override?.persistent === false) this.#override = undefined;
    if (override?.place === undefined) return order;
    return [override.place, ...order.filter((place) => place !== override.place)];
  }

  #bootDisk(boot: Boot): boolean {
    for (const [name, disk] of this.disks) {
      const found = bootableDisk(disk);
      if (!found.ok) {
        this.#tell("boot-failed", `${name}: ${found.error.message}`);
        continue;
      }
      boot.running = "operating system";
      this.#tell("operating-system", `from ${name}: ${found.value}`);
      return true;
    }
    return false;
  }

  /** False when the network has nothing for this machine. */
  async #bootNetwork(boot: Boot): Promise<boolean> {
    const { clock, macs, firmware = "BIOS" } = this.#options;
    const { signal } = boot.death;
    const got = await bootFromNetwork({
      nic: boot.nic,
      clock,
      mac: macs[0] ?? "",
      firmware,
      onStep: (step) => {
        if (!signal.aborted) this.#tell("network-boot", step);
      },
    });
    if (signal.aborted) return false;
    if (!got.ok) {
      this.#tell("boot-failed", `network: ${got.error.message}`);
      return false;
    }
    await this.#sleep(boot, this.#times.kernelMs);
    if (signal.aborted) return false;
    boot.running = "ramdisk";
    this.#tell("ramdisk", "");
    void this.#runRamdisk(boot, got.value.commandLine);
    return true;
  }

  async #runRamdisk(boot: Boot, commandLine: string): Promise<void> {
    const { signal } = boot.death;
    const { http, duplexes } = boot.nic;
    const ports = this.#hardware.ports(commandLine, { http, duplexes });
    const { crypto = ports.crypto } = this.#options;
    const programs = this.#programs(ports);
    const ended = await runRamdisk(mortalPorts({ ...ports, crypto, programs }, signal), signal);
    // As the init script does when the program ends by itself.
    if (!signal.aborted) this.#restart(ended.ok ? "by the ramdisk" : ended.error.message);
  }

  /** Those that end the machine do it at once. */
  #programs({ programs }: RamdiskPorts): Programs {
    return {
      run: async (argv, options) => {
        const outcome = await programs.run(argv, options);
        if (argv[0] === "reboot") this.#restart("by the ramdisk");
        if (argv[0] === "poweroff") this.#stop("by the ramdisk");
        return outcome;
      },
    };
  }

  #sleep(boot: Boot, ms: number): Promise<void> {
    return this.#options.clock.sleep(ms, boot.death.signal);
  }
}
