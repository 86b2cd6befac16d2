// One lab machine behind its power button: owns the QEMU process, remembers the boot device that
// the BMC asked for, and starts the firmware anew on each reset with what then is the boot order.
// It journals what happens and believes nobody else's record.

import { rmSync } from "node:fs";
import { appendMachineEvent } from "./machine-events.ts";
import type { MachineEventBody, StartCause } from "./machine-events.ts";
import type { BootDevice, MachinePaths, MachineSpec } from "./machine-spec.ts";
import { qemuArguments } from "./qemu-arguments.ts";
import { startQemu } from "./qemu-process.ts";
import type { QemuProcess } from "./qemu-process.ts";

export interface BootOverride {
  readonly device: BootDevice;
  /** Otherwise the next start of the firmware uses it up. */
  readonly persistent: boolean;
  /** Recorded only: the lab's firmwares know one way to boot each. */
  readonly efi: boolean;
}

export class Machine {
  readonly spec: MachineSpec;
  readonly paths: MachinePaths;
  #qemu: QemuProcess | undefined;
  #override: BootOverride | undefined;
  #mediaPath: string | undefined;

  constructor(spec: MachineSpec, paths: MachinePaths) {
    this.spec = spec;
    this.paths = paths;
  }

  get isOn(): boolean {
    return this.#qemu !== undefined;
  }

  get bootOverride(): BootOverride | undefined {
    return this.#override;
  }

  get mediaPath(): string | undefined {
    return this.#mediaPath;
  }

  setBootOverride(override: BootOverride | undefined): void {
    this.#override = override;
    const { device, persistent, efi } = override ?? noOverride;
    this.#record({ event: "boot-device-set", device, persistent, efi });
  }

  /** Takes effect when the firmware starts next. */
  setMedia(path: string | undefined): void {
    this.#mediaPath = path;
    this.#record({ event: "media-set", path: path ?? null });
  }

  powerOn(): void {
    this.#record({ event: "power-on-requested" });
    if (!this.isOn) this.#start("power-on");
  }

  async powerOff(): Promise<void> {
    this.#record({ event: "power-off-requested" });
    await this.#pullPlug();
  }

  /** Restarts the firmware; nothing happens to a machine that is off. */
  async reset(): Promise<void> {
    this.#record({ event: "reset-requested" });
    if (!this.isOn) return;
    await this.#pullPlug();
    this.#start("bmc-reset");
  }

  pressPowerButton(): void {
    this.#record({ event: "soft-off-requested" });
    this.#qemu?.pressPowerButton();
  }

  #start(cause: StartCause): void {
    const override = this.#override;
    if (override?.persistent === false) this.#override = undefined;
    const order = bootOrder(this.spec, override?.device);
    this.#record({ event: "started", cause, order, override: override?.device ?? null });
    rmSync(this.paths.qmpSocket, { force: true });
    const plan = this.#mediaPath === undefined ? { order } : { order, mediaPath: this.#mediaPath };
    const qemu = startQemu(qemuArguments(this.spec, this.paths, plan), this.paths.qemuLog);
    this.#qemu = qemu;
    void qemu.ended.then((end) => {
      this.#qemu = undefined;
      if (end === "failed") this.#record({ event: "stopped", cause: end, message: this.#seeLog() });
      else this.#record({ event: "stopped", cause: end === "killed" ? "bmc" : end });
      if (end === "guest-reset") this.#start("guest-reset");
    });
  }

  async #pullPlug(): Promise<void> {
    const qemu = this.#qemu;
    qemu?.kill();
    await qemu?.ended;
  }

  #seeLog(): string {
    return `QEMU ended by itself; see ${this.paths.qemuLog}`;
  }

  #record(body: MachineEventBody): void {
    appendMachineEvent(this.paths.journal, body);
  }
}

const noOverride = { device: "none", persistent: false, efi: false } as const;

/** The override first, then the machine's own order: a failed network boot falls through to disk. */
export function bootOrder(spec: MachineSpec, override: BootDevice | undefined): BootDevice[] {
  const own = spec.bootOrder ?? ["disk", "pxe"];
  if (override === undefined) return [...own];
  if (override === "bios") return ["bios"];
  return [override, ...own.filter((device) => device !== override)];
}
