import { describe, expect, test } from "vitest";
import { makeFakeSystemFiles } from "../../../test/support/fake-system-files.ts";
import { diskPathNames } from "./disk-path.ts";
import { wwnOf } from "./disk-wwn.ts";

const hba = "/sys/devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0";
const direct = `${hba}/host0/port-0:3/end_device-0:3`;
const expander = `${hba}/host0/port-0:0/expander-0:0/port-0:0:7/end_device-0:0:7`;
const wide = `${hba}/host0/port-0:4/end_device-0:4`;

const system = makeFakeSystemFiles(() => ({
  files: {
    [`${hba}/host0/port-0:3/sas_port/port-0:3/num_phys`]: "1\n",
    [`${direct}/sas_device/end_device-0:3/phy_identifier`]: "3\n",
    [`${hba}/host0/port-0:0/expander-0:0/port-0:0:7/sas_port/port-0:0:7/num_phys`]: "1\n",
    [`${expander}/sas_device/end_device-0:0:7/phy_identifier`]: "7\n",
    [`${hba}/host0/port-0:0/expander-0:0/sas_device/expander-0:0/sas_address`]:
      "0x500304801e8b3dbf\n",
    [`${hba}/host0/port-0:4/sas_port/port-0:4/num_phys`]: "4\n",
    [`${wide}/sas_device/end_device-0:4/sas_address`]: "0x5000c500a1b2c3d5\n",
    "/sys/devices/pci0000:00/0000:00:17.0/ata5/ata_port/ata5/port_no": "3\n",
    "/sys/devices/pci0000:5d/0000:5d:02.0/0000:5e:00.0/nvme/nvme3/nvme3n2/nsid": "2\n",
  },
  links: {
    a: "/sys/devices/pci0000:00/0000:00:10.0/host2",
    b: "/sys/devices/pci0000:00/0000:00:10.0/host3",
    c: "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4.2/1-4.2:1.0/host6",
  },
}));

// Names as systemd 252 gives them for these places.
const table = [
  [
    "SAS disk of the controller",
    `${direct}/target0:0:3/0:0:3:0/block/sdd`,
    ["pci-0000:3b:00.0-sas-phy3-lun-0"],
  ],
  [
    "SAS disk behind an expander",
    `${expander}/target0:0:9/0:0:9:0/block/sdh`,
    ["pci-0000:3b:00.0-sas-exp0x500304801e8b3dbf-phy7-lun-0"],
  ],
  [
    "SAS disk on a wide port",
    `${wide}/target0:0:4/0:0:4:1/block/sde`,
    ["pci-0000:3b:00.0-sas-0x5000c500a1b2c3d5-lun-1"],
  ],
  [
    "RAID volume",
    "/sys/devices/pci0000:17/0000:17:00.0/0000:18:00.0/host0/target0:2:0/0:2:0:0/block/sda",
    ["pci-0000:18:00.0-scsi-0:2:0:0"],
  ],
  [
    "disk of a controller's second host",
    "/sys/devices/pci0000:00/0000:00:10.0/host3/target3:0:1/3:0:1:0/block/sdb",
    ["pci-0000:00:10.0-scsi-1:0:1:0"],
  ],
  [
    "SATA disk",
    "/sys/devices/pci0000:00/0000:00:17.0/ata5/host4/target4:0:0/4:0:0:0/block/sda",
    ["pci-0000:00:17.0-ata-3.0", "pci-0000:00:17.0-ata-3"],
  ],
  [
    "SATA disk behind a port multiplier",
    "/sys/devices/pci0000:00/0000:00:17.0/ata5/host4/target4:2:0/4:2:0:0/block/sda",
    ["pci-0000:00:17.0-ata-3.2.0", "pci-0000:00:17.0-ata-3"],
  ],
  [
    "NVMe namespace behind a bridge",
    "/sys/devices/pci0000:5d/0000:5d:02.0/0000:5e:00.0/nvme/nvme3/nvme3n2",
    ["pci-0000:5e:00.0-nvme-2"],
  ],
  [
    "USB stick",
    "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4.2/1-4.2:1.0/host6/target6:0:0/6:0:0:0/block/sdc",
    ["pci-0000:00:14.0-usb-0:4.2:1.0-scsi-0:0:0:0"],
  ],
  ["Fibre Channel disk", `${hba}/host7/rport-7:0-2/target7:0:0/7:0:0:0/block/sdf`, []],
  ["multipath NVMe namespace", "/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1", []],
] as const;

describe("by-path name", () => {
  test.each(table)("is udev's when the disk is a %s", async (_, realPath, names) => {
    const found = await diskPathNames(system, realPath);
    expect(found).toEqual(names.map((name) => `/dev/disk/by-path/${name}`));
  });
});

describe("world wide name", () => {
  test.each([
    ["naa.5000c500a1b2c3d4", { wwn: "0x5000c500a1b2c3d4", wwnWithExtension: "0x5000c500a1b2c3d4" }],
    [
      "naa.614187704e9c77001db5eccb0f1d9ae8",
      {
        wwn: "0x614187704e9c7700",
        wwnVendorExtension: "0x1db5eccb0f1d9ae8",
        wwnWithExtension: "0x614187704e9c77001db5eccb0f1d9ae8",
      },
    ],
    ["eui.0025385b71b03a61", { wwn: "eui.0025385b71b03a61" }],
    ["t10.ATA     QEMU HARDDISK   QM00001", {}],
    [undefined, {}],
  ])("is read as udev reads it when the kernel says %s", (wwid, expected) => {
    expect(wwnOf(wwid)).toEqual(expected);
  });
});
