import { expect, test } from "vitest";
import { biosMachine, uefiMachine } from "../sample-machines.ts";
import { machinePaths } from "./machine-spec.ts";
import type { BootDevice, MachineSpec } from "./machine-spec.ts";
import { bootOrder } from "./machine.ts";
import { qemuArguments } from "./qemu-arguments.ts";

function argumentsFor(spec: MachineSpec, order: readonly BootDevice[], mediaPath?: string): string {
  const plan = mediaPath === undefined ? { order } : { order, mediaPath };
  return qemuArguments(spec, machinePaths("/lab", spec.name), plan).join(" ");
}

/** The devices that the firmware tries, first to last. */
function tried(commandLine: string): string[] {
  return [...commandLine.matchAll(/-device (\S+?),\S*bootindex=(\d+)/g)]
    .toSorted((a, b) => Number(a[2]) - Number(b[2]))
    .map((match) => match[1] ?? "");
}

test("qemuArguments lets the firmware try the card before all disks when the network comes first", () => {
  expect(tried(argumentsFor(biosMachine(1), ["pxe", "disk"]))).toEqual([
    "virtio-net-pci",
    "scsi-hd",
    "scsi-hd",
  ]);
  expect(tried(argumentsFor(biosMachine(1), ["disk"]))).toEqual(["scsi-hd", "scsi-hd"]);
});

test("qemuArguments gives no boot index to an NVMe disk when it has a WWN", () => {
  const commandLine = argumentsFor(uefiMachine(1), ["disk", "pxe"]);
  expect(tried(commandLine)).toEqual(["nvme", "e1000e"]);
  expect(commandLine).toContain("eui64=0x5000c500fa000102");
});

test("qemuArguments adds a CD drive only when there is a medium", () => {
  expect(argumentsFor(biosMachine(1), ["cdrom", "disk"])).not.toContain("ide-cd");
  expect(tried(argumentsFor(biosMachine(1), ["cdrom", "disk"], "/a.iso"))[0]).toBe("ide-cd");
});

test("qemuArguments keeps a comma in a name from starting an option of QEMU", () => {
  const spec = biosMachine(1, { product: "Pony, big" });
  expect(argumentsFor(spec, ["disk"])).toContain("product=Pony,, big,serial=");
});

test("bootOrder falls through to the machine's own order when an override is set", () => {
  const spec = biosMachine(1, { bootOrder: ["pxe", "disk"] });
  expect(bootOrder(spec, undefined)).toEqual(["pxe", "disk"]);
  expect(bootOrder(spec, "disk")).toEqual(["disk", "pxe"]);
  expect(bootOrder(spec, "cdrom")).toEqual(["cdrom", "pxe", "disk"]);
  expect(bootOrder(spec, "bios")).toEqual(["bios"]);
});
