// The disks of one machine: in which slot each is, and what the kernel of this boot calls it.
import type { Random } from "../../kernel/random.ts";
import type { MachinePlan } from "../../workload/scenario.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import type { DiskChange } from "./simulated-disk.ts";
import { makeOldSystem } from "./system-image.ts";

export interface ShelfOptions {
  readonly plan: Pick<MachinePlan, "disks" | "content">;
  readonly random: Random;
  readonly onChange: (disk: SimulatedDisk, change: DiskChange) => void;
}

/** Of machines, that have NVMe disks. */
const nvmeChance = 0.3;

export class DiskShelf {
  readonly disks: SimulatedDisk[];
  /** So many changes of any of them fail from now. */
  failingChanges = 0;
  readonly #options: ShelfOptions;
  readonly #names: Random;
  #renameOnce = false;

  constructor(options: ShelfOptions) {
    const { plan, random } = options;
    const bus = random.split("bus").chance(nvmeChance) ? "nvme" : "scsi";
    this.#options = options;
    this.#names = random.split("names");
    this.disks = plan.disks.map((disk, slot) => this.#make({ ...disk, bus, slot }));
    if (plan.content === "old") this.installSystem();
    this.dealNames(false);
  }

  get(serialNumber: string): SimulatedDisk {
    const found = this.disks.find((disk) => disk.serialNumber === serialNumber);
    if (found === undefined) throw new Error(`there is no disk ${serialNumber}`);
    return found;
  }

  /** One that is not Farrier's, on the first disk. */
  installSystem(): void {
    const [first] = this.disks;
    if (first === undefined) return;
    for (const { offset, bytes } of makeOldSystem(first.sizeBytes)) first.poke(offset, bytes);
  }

  /** Kernel names for a new boot, by slot or in any order. */
  dealNames(shuffled: boolean): void {
    const bySlot = this.disks.toSorted((a, b) => a.slot - b.slot);
    const order = shuffled || this.#renameOnce ? this.#names.shuffle(bySlot) : bySlot;
    this.#renameOnce = false;
    let scsi = 0;
    let nvme = 0;
    for (const disk of order) {
      disk.name = disk.bus === "nvme" ? `nvme${nvme++}n1` : `sd${String.fromCharCode(97 + scsi++)}`;
    }
  }

  /** Disks change their slots; names are dealt anew at the next boot. */
  rename(): void {
    const fixed = this.disks.filter(({ bus }) => bus !== "usb");
    const slots = this.#names.shuffle(fixed.map(({ slot }) => slot));
    for (const [index, disk] of fixed.entries()) disk.slot = slots[index] ?? 0;
    this.#renameOnce = true;
  }

  /** Plugged in now, and seen at once. */
  addUsb(serialNumber: string, sizeBytes: number): SimulatedDisk {
    const disk = this.#make({ serialNumber, sizeBytes, bus: "usb", slot: 9 });
    const scsi = this.disks.filter(({ bus }) => bus !== "nvme").length;
    disk.name = `sd${String.fromCharCode(97 + scsi)}`;
    this.disks.push(disk);
    return disk;
  }

  removeUsb(): void {
    const left = this.disks.filter(({ bus }) => bus !== "usb");
    this.disks.splice(0, Infinity, ...left);
  }

  #make(disk: Pick<SimulatedDisk, "serialNumber" | "sizeBytes" | "bus" | "slot">): SimulatedDisk {
    const { random, onChange } = this.#options;
    return new SimulatedDisk({
      ...disk,
      random: random.split(disk.serialNumber),
      onChange,
      failsNow: () => {
        const fails = this.failingChanges > 0;
        if (fails) this.failingChanges -= 1;
        return fails;
      },
    });
  }
}
