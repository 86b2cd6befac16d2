// What a lab machine is made of: firmware, network card, disks and BMC, as a shopping list. Shapes
// only; start-lab.ts fills in the paths.

import type { SimulatorConfig } from "../bmc-simulator/simulator-config.ts";

/** A word of the chassis-control contract (chassis-server.ts); "pxe" is any network boot. */
export type BootDevice = "pxe" | "disk" | "cdrom" | "bios";

export interface DiskSpec {
  /** Unique in its machine; also the file's name. */
  readonly name: string;
  readonly bus: "virtio-scsi" | "nvme";
  readonly sizeMiB: number;
  readonly serial: string;
  /** 16 hexadecimal digits; the EUI-64 of NVMe, which then is a disk that nothing boots from. */
  readonly wwn?: string;
  readonly logicalSectorBytes?: 512 | 4096;
}

export interface BmcSpec {
  /** Debian's `ipmi_sim` (cipher suite 3 only) or our own simulator. */
  readonly kind: "ipmi_sim" | "simulator";
  /** An IPv4 address of the lab; each machine has its own. */
  readonly address: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** Faults and limits of our simulator; see simulator-config.ts. */
  readonly simulator?: Pick<
    Partial<SimulatorConfig>,
    "suites" | "sessionLimit" | "dropRate" | "powerDelayMs" | "stuckOff" | "refusedSuites"
  >;
}

export interface MachineSpec {
  /** Lower-case letters and digits, at most 10: it is part of interface names. */
  readonly name: string;
  readonly firmware: "bios" | "uefi";
  readonly nic: "virtio-net-pci" | "e1000e";
  /**
   * The card's own iPXE, as QEMU brings it; true by default. Without it only UEFI boots the network,
   * and only from virtio cards: with the firmware's own PXE and HTTP, as most servers do.
   */
  readonly nicRom?: boolean;
  readonly mac: string;
  readonly disks: readonly DiskSpec[];
  readonly memoryMiB: number;
  readonly cpus: number;
  /** SMBIOS type 1, as the inspection sees them. */
  readonly uuid: string;
  readonly serial: string;
  readonly manufacturer: string;
  readonly product: string;
  readonly bmc: BmcSpec;
  /** What the firmware tries when nothing overrides it; disk, then network by default. */
  readonly bootOrder?: readonly ("pxe" | "disk")[];
}

/** Where the files of a machine are; everything is below `directory`. */
export interface MachinePaths {
  readonly directory: string;
  /** Chassis-control socket: see chassis-server.ts. */
  readonly chassisSocket: string;
  /** A QMP monitor for tests while the machine is on; the runner has its own. */
  readonly qmpSocket: string;
  /** Serial console, all power cycles one after the other. */
  readonly serialLog: string;
  /** QEMU's own messages. */
  readonly qemuLog: string;
  /** One JSON object per line: MachineEvent. */
  readonly journal: string;
  /** UEFI variables, which survive power cycles. */
  readonly firmwareVariables: string;
}

export function machinePaths(labDirectory: string, machineName: string): MachinePaths {
  const directory = `${labDirectory}/${machineName}`;
  return {
    directory,
    chassisSocket: `${directory}/chassis`,
    qmpSocket: `${directory}/qmp`,
    serialLog: `${directory}/serial.log`,
    qemuLog: `${directory}/qemu.log`,
    journal: `${directory}/journal.jsonl`,
    firmwareVariables: `${directory}/variables.fd`,
  };
}

/** A disk's raw file. Read or write it only while its machine is off. */
export function diskPath(paths: MachinePaths, disk: DiskSpec): string {
  return `${paths.directory}/${disk.name}.raw`;
}

/** The tap that the machine's network card is plugged into. */
export function tapName(machineName: string): string {
  return `tap-${machineName}`;
}
