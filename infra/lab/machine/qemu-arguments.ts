// A machine as QEMU's command line. Software emulation only: KVM may exist and hang. No user-mode
// network: the card is on a tap of the lab's bridge.

import type { BootDevice, DiskSpec, MachinePaths, MachineSpec } from "./machine-spec.ts";
import { diskPath, tapName } from "./machine-spec.ts";

/** From Debian's package ovmf; without Secure Boot. */
export const uefiCodePath = "/usr/share/OVMF/OVMF_CODE_4M.fd";
export const uefiVariablesPath = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/**
 * No AVX: emulated, it makes hashing, ciphers and decompression in the guest two to four times slower than
 * the plain code that programs choose without it.
 */
const cpuModel = "Nehalem,+aes,+pclmulqdq";

export interface BootPlan {
  /** What the firmware tries; devices that are not named are not tried. */
  readonly order: readonly BootDevice[];
  /** An image in the virtual CD drive, or no drive. */
  readonly mediaPath?: string;
}

export function qemuArguments(spec: MachineSpec, paths: MachinePaths, plan: BootPlan): string[] {
  const index = bootIndexes(spec, plan.order);
  const rom = spec.nicRom === false ? ",romfile=" : "";
  const isScsi = spec.disks.some((disk) => disk.bus === "virtio-scsi");
  return [
    ["-name", spec.name, "-nodefaults", "-no-user-config"],
    ["-machine", "q35,graphics=off", "-accel", "tcg,thread=multi", "-cpu", cpuModel],
    ["-smp", String(spec.cpus), "-m", String(spec.memoryMiB)],
    ["-display", "none", "-vga", "none"],
    // A restart of the guest ends QEMU, and the runner starts it anew with what then is the order.
    ["-no-reboot"],
    ["-boot", plan.order[0] === "bios" ? "strict=on,menu=on,splash-time=65000" : "strict=on"],
    ["-uuid", spec.uuid, "-smbios", smbios(spec)],
    ["-chardev", `file,id=serial,path=${escaped(paths.serialLog)},append=on`],
    ["-serial", "chardev:serial"],
    ["-chardev", "stdio,id=monitor,signal=off", "-mon", "chardev=monitor,mode=control"],
    ["-qmp", `unix:${escaped(paths.qmpSocket)},server=on,wait=off`],
    spec.firmware === "uefi" ? uefiArguments(paths) : [],
    ["-netdev", `tap,id=net0,ifname=${tapName(spec.name)},script=no,downscript=no`],
    ["-device", `${spec.nic},netdev=net0,mac=${spec.mac}${rom}${index("pxe", 0)}`],
    isScsi ? ["-device", "virtio-scsi-pci,id=scsi0"] : [],
    ...spec.disks.map((disk, position) =>
      diskArguments(disk, diskPath(paths, disk), index("disk", position)),
    ),
    plan.mediaPath === undefined ? [] : mediaArguments(plan.mediaPath, index("cdrom", 0)),
  ].flat();
}

// QEMU wants one number per device: all disks count as one entry of the order, in their own order.
// Number 0 is left to a kernel that a test loads directly.
function bootIndexes(
  spec: MachineSpec,
  order: readonly BootDevice[],
): (device: BootDevice, position: number) => string {
  return (device, position) => {
    const place = order.indexOf(device);
    return place < 0 ? "" : `,bootindex=${1 + place * (spec.disks.length + 1) + position}`;
  };
}

function smbios(spec: MachineSpec): string {
  const fields = { manufacturer: spec.manufacturer, product: spec.product, serial: spec.serial };
  const texts = Object.entries(fields).map(([name, value]) => `${name}=${escaped(value)}`);
  return ["type=1", ...texts].join(",");
}

function uefiArguments(paths: MachinePaths): string[] {
  const flash = "if=pflash,format=raw";
  const code = `${flash},unit=0,readonly=on,file=${uefiCodePath}`;
  const variables = `${flash},unit=1,file=${escaped(paths.firmwareVariables)}`;
  // OVMF has no network boot without a source of randomness.
  return ["-drive", code, "-drive", variables, "-device", "virtio-rng-pci"];
}

function diskArguments(disk: DiskSpec, path: string, bootIndex: string): string[] {
  const id = `disk-${disk.name}`;
  // The host's page cache outlives a killed QEMU, so flushing it to the platter proves nothing.
  const drive = `if=none,id=${id},file=${escaped(path)},format=raw,cache=unsafe,discard=unmap`;
  const sector = disk.logicalSectorBytes ?? 512;
  const block = `drive=${id},logical_block_size=${sector},physical_block_size=${sector}`;
  const serial = `serial=${escaped(disk.serial)}`;
  if (disk.bus === "nvme") {
    const controller = `nvme,id=nvme-${disk.name},${serial}`;
    if (disk.wwn === undefined) {
      return ["-drive", drive, "-device", `${controller},${block}${bootIndex}`];
    }
    // No boot index here: QEMU's path for such a device makes OVMF ignore the whole boot order.
    const namespace = `nvme-ns,bus=nvme-${disk.name},nsid=1,${block},eui64=0x${disk.wwn}`;
    return ["-drive", drive, "-device", controller, "-device", namespace];
  }
  const wwn = disk.wwn === undefined ? "" : `,wwn=0x${disk.wwn}`;
  return ["-drive", drive, "-device", `scsi-hd,bus=scsi0.0,${serial},${block}${wwn}${bootIndex}`];
}

function mediaArguments(path: string, bootIndex: string): string[] {
  const drive = `if=none,id=media,file=${escaped(path)},format=raw,readonly=on,media=cdrom`;
  return ["-drive", drive, "-device", `ide-cd,drive=media,bus=ide.0${bootIndex}`];
}

// QEMU splits options at commas; a doubled one stands for itself.
function escaped(value: string): string {
  return value.replaceAll(",", ",,");
}
