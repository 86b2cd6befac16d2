// Two kinds of machine that differ in all that matters on a boot path: an older one with BIOS,
// virtio and ipmi_sim, and a newer one with UEFI, an Intel card, NVMe and our own BMC simulator.

import type { DiskSpec, MachineSpec } from "./machine/machine-spec.ts";

/** Number 1 to 99 picks name (`m1`), MAC, BMC address (192.168.101.11 for 1), UUID and serials. */
export function biosMachine(number: number, changes: Partial<MachineSpec> = {}): MachineSpec {
  return {
    ...identity(number),
    firmware: "bios",
    nic: "virtio-net-pci",
    disks: [
      disk(number, { name: "root", bus: "virtio-scsi", sizeMiB: 4096 }),
      disk(number, { name: "data", bus: "virtio-scsi", sizeMiB: 1024 }),
    ],
    manufacturer: "Anvil Works",
    product: "Pony 100",
    bmc: { kind: "ipmi_sim", ...bmcLogin(number) },
    ...changes,
  };
}

/** See biosMachine. */
export function uefiMachine(number: number, changes: Partial<MachineSpec> = {}): MachineSpec {
  return {
    ...identity(number),
    firmware: "uefi",
    nic: "e1000e",
    disks: [
      disk(number, { name: "root", bus: "nvme", sizeMiB: 4096 }),
      disk(number, { name: "data", bus: "nvme", sizeMiB: 1024 }),
    ],
    manufacturer: "Anvil Works",
    product: "Shire 900",
    bmc: { kind: "simulator", ...bmcLogin(number) },
    ...changes,
  };
}

type Identity = Pick<
  MachineSpec,
  "name" | "mac" | "memoryMiB" | "cpus" | "uuid" | "serial" | "bootOrder"
>;

function identity(number: number): Identity {
  const digits = twoDigits(number);
  return {
    name: `m${number}`,
    mac: `52:54:00:fa:00:${digits}`,
    memoryMiB: 768,
    // A second one costs a fifth more of the host's CPU for the same boot.
    cpus: 1,
    uuid: `6fa59e1e-0000-4000-8000-0000000000${digits}`,
    serial: `SN-00${digits}`,
  };
}

function disk(number: number, spec: Pick<DiskSpec, "name" | "bus" | "sizeMiB">): DiskSpec {
  const digits = twoDigits(number);
  const place = spec.name === "root" ? "1" : "2";
  const named = { ...spec, serial: `DISK-${digits}-${place}` };
  if (spec.bus === "nvme" && spec.name === "root") return named;
  return { ...named, wwn: `5000c500fa00${digits}0${place}` };
}

function bmcLogin(number: number): Omit<MachineSpec["bmc"], "kind"> {
  return {
    address: `192.168.101.${10 + number}`,
    port: 623,
    username: "farrier",
    password: `horseshoe-${twoDigits(number)}`,
  };
}

function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}
