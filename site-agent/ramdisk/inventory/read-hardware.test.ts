import { describe, expect, test } from "vitest";
import { hardwareDetails } from "../../../shared/metal3/hardware-details.ts";
import { makeFakeSystemFiles } from "../../../test/support/fake-system-files.ts";
import { q35Tree } from "../../../test/support/machine-trees.table.ts";
import type { NetworkAddress } from "../ports.ts";
import { readHardware } from "./read-hardware.ts";
import { readIdentity } from "./read-identity.ts";
import { installedMebibytes } from "./read-memory.ts";

const system = makeFakeSystemFiles(() => q35Tree);
const bootMac = "52:54:00:aa:00:01";
const gib = 1024 ** 3;

function byPath(name: string): string {
  return `/dev/disk/by-path/${name}`;
}

describe("inventory", () => {
  test("is what the machine was built with when a q35 machine is read", async () => {
    const addresses: NetworkAddress[] = [
      { name: "lo", address: "127.0.0.1", family: "IPv4" },
      { name: "eth1", address: "10.0.2.15", family: "IPv4" },
      { name: "eth1", address: "fe80::5054:ff:feaa:1", family: "IPv6" },
    ];
    const hardware = await readHardware(system, addresses, bootMac);
    expect(hardwareDetails.parse(hardware)).toEqual(hardware);
    expect(hardware).toMatchObject({
      systemVendor: { manufacturer: "Farrier", productName: "Lab", serialNumber: "LAB-0001" },
      firmware: { bios: { vendor: "Acme", version: "1.2", date: "01/02/2026" } },
      ramMebibytes: 512,
      cpu: {
        arch: "x86_64",
        model: "QEMU Virtual CPU version 2.5+",
        clockMegahertz: 2600,
        count: 2,
      },
    });
    expect(hardware.hostname).toBeUndefined();
    expect(hardware.cpu?.flags?.slice(0, 3)).toEqual(["3dnowprefetch", "apic", "clflush"]);
    expect(hardware.nics).toEqual([
      {
        name: "eth0",
        model: "0x8086 0x10d3",
        mac: "52:54:00:aa:00:02",
        pxe: false,
        pciAddress: "0000:00:03.0",
      },
      {
        name: "eth1",
        model: "0x1af4 0x0001",
        mac: bootMac,
        ip: "10.0.2.15",
        pxe: true,
        pciAddress: "0000:00:02.0",
      },
    ]);
  });

  test("lists the disks with udev's names and no CD or virtual media when a q35 machine is read", async () => {
    const { storage } = await readHardware(system, [], bootMac);
    expect(storage).toEqual([
      {
        name: byPath("pci-0000:00:05.0-nvme-1"),
        alternateNames: ["/dev/nvme0n1", byPath("pci-0000:00:05.0-nvme-1")],
        rotational: false,
        type: "NVME",
        sizeBytes: 8 * gib,
        model: "QEMU NVMe Ctrl",
        serialNumber: "NVME-0001",
        wwn: "nvme.1b36-4e564d452d30303031-51454d55204e564d65204374726c-00000001",
      },
      {
        name: byPath("pci-0000:00:1f.2-ata-1.0"),
        alternateNames: [
          "/dev/sda",
          byPath("pci-0000:00:1f.2-ata-1.0"),
          byPath("pci-0000:00:1f.2-ata-1"),
        ],
        rotational: true,
        type: "HDD",
        sizeBytes: 9 * gib,
        vendor: "ATA",
        model: "QEMU HARDDISK",
        serialNumber: "SATA-0001",
        wwn: "0x5000c500bb000002",
        wwnWithExtension: "0x5000c500bb000002",
        hctl: "1:0:0:0",
      },
      {
        name: byPath("pci-0000:00:04.0-scsi-0:0:0:0"),
        alternateNames: ["/dev/sdb", byPath("pci-0000:00:04.0-scsi-0:0:0:0")],
        rotational: false,
        type: "SSD",
        sizeBytes: 6 * gib,
        vendor: "QEMU",
        model: "QEMU HARDDISK",
        serialNumber: "VSCSI-0001",
        wwn: "0x5000c500aa000001",
        wwnWithExtension: "0x5000c500aa000001",
        hctl: "8:0:0:0",
      },
      {
        name: byPath("pci-0000:00:04.0-scsi-0:0:1:0"),
        alternateNames: ["/dev/sdc", byPath("pci-0000:00:04.0-scsi-0:0:1:0")],
        rotational: true,
        type: "HDD",
        sizeBytes: 7 * gib,
        vendor: "QEMU",
        model: "QEMU HARDDISK",
        hctl: "8:0:1:0",
      },
      {
        name: byPath("pci-0000:00:06.0"),
        alternateNames: ["/dev/vda", byPath("pci-0000:00:06.0"), byPath("virtio-pci-0000:00:06.0")],
        rotational: true,
        type: "HDD",
        sizeBytes: 10 * gib,
        vendor: "0x1af4",
        serialNumber: "VBLK-0001",
      },
    ]);
  });

  test("gives a card two entries when it has an IPv4 and an IPv6 address", async () => {
    const addresses: NetworkAddress[] = [
      { name: "eth0", address: "192.0.2.7", family: "IPv4" },
      { name: "eth0", address: "2001:db8::7", family: "IPv6" },
    ];
    const { nics } = await readHardware(system, addresses, bootMac);
    const ips = nics?.filter(({ name }) => name === "eth0").map(({ ip }) => ip);
    expect(ips).toEqual(["192.0.2.7", "2001:db8::7"]);
  });

  test("falls back to the kernel's memory when there is no SMBIOS table", async () => {
    const { "/sys/firmware/dmi/tables/DMI": _, ...files } = q35Tree.files;
    const bare = makeFakeSystemFiles(() => ({ ...q35Tree, files }));
    const { ramMebibytes } = await readHardware(bare, [], bootMac);
    expect(ramMebibytes).toBe(Math.round(468108 / 1024));
  });

  test("survives a machine of which the kernel shows nothing", async () => {
    const nothing = makeFakeSystemFiles(() => ({ files: {}, links: {} }));
    const hardware = await readHardware(nothing, [], bootMac);
    expect(hardware).toEqual({
      systemVendor: {},
      firmware: { bios: {} },
      ramMebibytes: 0,
      nics: [],
      storage: [],
      cpu: { flags: [], count: 0 },
    });
  });
});

describe("installed memory", () => {
  /** A type 17 structure up to the extended size, without strings. */
  function device(size: number, extended = 0): number[] {
    const bytes = new Uint8Array(0x22 + 2);
    const view = new DataView(bytes.buffer);
    bytes[0] = 17;
    bytes[1] = 0x22;
    view.setUint16(0x0c, size, true);
    view.setUint32(0x1c, extended, true);
    return [...bytes];
  }

  test.each([
    ["a module of 16 GiB", device(16384), 16384],
    ["an empty slot and one of unknown size", [...device(0), ...device(0xffff)], 0],
    ["64 GiB in the extended field", device(0x7fff, 65536), 65536],
    ["two modules of 512 KiB", [...device(0x8200), ...device(0x8200)], 1],
    ["a structure that claims to be longer than the table", [17, 0x28, 0, 0, 0], 0],
    ["a structure of impossible length", [17, 0, 0, 0], 0],
  ])("is counted when the table has %s", (_, table, mebibytes) => {
    expect(installedMebibytes(Uint8Array.from(table))).toBe(mebibytes);
  });
});

describe("identity", () => {
  test("has UUID, serial number and permanent addresses when a q35 machine is read", async () => {
    expect(await readIdentity(system, bootMac)).toEqual({
      systemUuid: "11111111-2222-3333-4444-555555555555",
      serialNumber: "LAB-0001",
      macs: ["52:54:00:aa:00:01", "52:54:00:aa:00:02"],
    });
  });

  test.each(["00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"])(
    "has no UUID when the firmware left it at %s",
    async (uuid) => {
      const files = { ...q35Tree.files, "/sys/class/dmi/id/product_uuid": `${uuid}\n` };
      const bare = makeFakeSystemFiles(() => ({ ...q35Tree, files }));
      expect((await readIdentity(bare, bootMac)).systemUuid).toBeUndefined();
    },
  );

  test("leaves out a card on USB unless the machine booted from it", async () => {
    const tree = {
      files: { ...q35Tree.files, "/sys/class/net/usb0/address": "02:00:00:00:00:99\n" },
      links: {
        ...q35Tree.links,
        "/sys/class/net/usb0/device": "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-14/1-14:1.0",
      },
    };
    const withUsb = makeFakeSystemFiles(() => tree);
    expect((await readIdentity(withUsb, bootMac)).macs).not.toContain("02:00:00:00:00:99");
    expect((await readIdentity(withUsb, "02:00:00:00:00:99")).macs).toContain("02:00:00:00:00:99");
  });
});
