import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RootDeviceHints } from "../metal3/bare-metal-host.ts";
import type { Storage } from "../metal3/hardware-details.ts";
import { chooseRootDisk, givenHints } from "./root-device-hints.ts";

const gib = 1024 ** 3;

const hdd: Storage = {
  name: "/dev/disk/by-path/pci-0000:00:1f.2-ata-1.0",
  alternateNames: ["/dev/sda", "/dev/disk/by-path/pci-0000:00:1f.2-ata-1.0"],
  rotational: true,
  type: "HDD",
  sizeBytes: 2000 * gib,
  vendor: "ATA",
  model: "ST2000NM0055-1V4",
  serialNumber: "ZC2A0001",
  wwn: "0x5000c500a0000001",
  wwnWithExtension: "0x5000c500a0000001",
  hctl: "0:0:0:0",
};
const raid: Storage = {
  name: "/dev/sdb",
  alternateNames: ["/dev/sdb"],
  rotational: true,
  sizeBytes: 1000 * gib,
  vendor: "DELL",
  model: "PERC H730 Mini",
  serialNumber: "00aa11bb",
  wwn: "0x614187704e9c7700",
  wwnVendorExtension: "0x1db5eccb0f1d9ae8",
  wwnWithExtension: "0x614187704e9c77001db5eccb0f1d9ae8",
  hctl: "0:2:0:0",
};
const nvme: Storage = {
  name: "/dev/disk/by-path/pci-0000:5e:00.0-nvme-1",
  alternateNames: ["/dev/nvme0n1", "/dev/disk/by-path/pci-0000:5e:00.0-nvme-1"],
  type: "NVME",
  sizeBytes: 500 * gib,
  model: "SAMSUNG MZWLL1T6HAJQ-00005",
  serialNumber: "S4B0NX0M100001",
  wwn: "eui.333442304d100001",
};
const stick: Storage = { name: "/dev/sdc", sizeBytes: 2 * gib, vendor: "Kingston" };
const all = [hdd, raid, nvme, stick];

// What ironic-python-agent's find_devices_by_hints gives for the hints that baremetal-operator makes of these.
const table: readonly (readonly [RootDeviceHints, readonly Storage[]])[] = [
  [{ deviceName: "/dev/sda" }, [hdd]],
  [{ deviceName: "/dev/sd" }, []],
  [{ deviceName: "/dev/disk/by-path/pci-0000:5e:00.0-nvme-1" }, [nvme]],
  [{ hctl: "0:2:0:0" }, [raid]],
  [{ model: "perc" }, [raid]],
  [{ model: "MZWLL1T6HAJQ" }, [nvme]],
  [{ model: "mini PERC" }, []],
  [{ vendor: "ell" }, [raid]],
  [{ vendor: " dell " }, [raid]],
  [{ serialNumber: "zc2a0001" }, [hdd]],
  [{ serialNumber: "zc2a000" }, []],
  [{ minSizeGigabytes: 2000 }, [hdd]],
  [{ minSizeGigabytes: 2001 }, []],
  [{ minSizeGigabytes: 1000 }, [hdd, raid]],
  [{ wwn: "0x614187704E9C7700" }, [raid]],
  [{ wwnWithExtension: "0x614187704e9c77001db5eccb0f1d9ae8" }, [raid]],
  [{ wwnVendorExtension: "0x1db5eccb0f1d9ae8" }, [raid]],
  [{ rotational: true, minSizeGigabytes: 1001 }, [hdd]],
  [{ rotational: false, minSizeGigabytes: 4 }, [nvme]],
  [{ rotational: true }, [hdd, raid]],
  [{ model: "PERC", serialNumber: "ZC2A0001" }, []],
];

describe("root device hints", () => {
  test.each(table)(
    "choose as upstream matches, and one disk only, when they are %j",
    (hints, fit) => {
      const chosen = chooseRootDisk(hints, all);
      if (fit.length === 1) expect(chosen).toMatchObject({ ok: true, value: { disk: fit[0] } });
      else expect(chosen).toMatchObject({ ok: false, error: { kind: "no-disk" } });
    },
  );

  test("name each disk and the hint that failed when none fits", () => {
    const chosen = chooseRootDisk({ model: "PERC", minSizeGigabytes: 1500 }, [hdd, raid]);
    expect(chosen.ok ? "" : chosen.error.message).toBe(
      'No disk fits spec.rootDeviceHints: /dev/sda (serial ZC2A0001, 2000.0 GiB): model "PERC" is not ' +
        '"ST2000NM0055-1V4"; /dev/sdb (serial 00aa11bb, 1000.0 GiB): minSizeGigabytes 1500 is more than it has; ' +
        "correct the hints or add the disk",
    );
  });

  test("choose nothing and list the disks when several fit", () => {
    const chosen = chooseRootDisk({ rotational: true }, all);
    expect(chosen.ok ? "" : chosen.error.message).toContain(
      "fit 2 disks: /dev/sda (serial ZC2A0001, 2000.0 GiB); /dev/sdb (serial 00aa11bb, 1000.0 GiB)",
    );
  });

  test.each([undefined, {}, { model: "", minSizeGigabytes: 0 }])(
    "leave the choice to the smallest disk of at least 4 GiB when they are %j",
    (hints) => {
      expect(givenHints(hints)).toEqual([]);
      const chosen = chooseRootDisk(hints, all);
      expect(chosen).toMatchObject({ ok: true, value: { disk: nvme } });
    },
  );

  test("are not needed for a disk of exactly 4 GiB, but for a smaller one", () => {
    const exact = { name: "/dev/vda", sizeBytes: 4 * gib };
    expect(chooseRootDisk(undefined, [exact]).ok).toBe(true);
    expect(chooseRootDisk(undefined, [{ ...exact, sizeBytes: 4 * gib - 512 }]).ok).toBe(false);
  });

  test("choose the same disk whatever the order of the disks is", () => {
    const hints = fc.constantFrom(undefined, ...table.map(([each]) => each));
    const shuffled = fc.shuffledSubarray(all, { minLength: all.length });
    fc.assert(
      fc.property(hints, shuffled, (each, disks) => {
        const [one, other] = [chooseRootDisk(each, all), chooseRootDisk(each, disks)];
        expect(other.ok).toBe(one.ok);
        if (one.ok && other.ok) expect(other.value.disk).toBe(one.value.disk);
      }),
    );
  });

  test("never choose a disk that one of them excludes", () => {
    const word = fc.constantFrom("", "a", "PERC", "ZC2A0001", "0:0:0:0", "/dev/sda", "dell");
    const hints = fc.record(
      {
        deviceName: word,
        hctl: word,
        model: word,
        vendor: word,
        serialNumber: word,
        rotational: fc.boolean(),
        minSizeGigabytes: fc.nat(3000),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(hints, (each: RootDeviceHints) => {
        const chosen = chooseRootDisk(each, all);
        if (!chosen.ok || givenHints(each).length === 0) return;
        for (const name of givenHints(each)) {
          const alone = chooseRootDisk({ [name]: each[name] }, [chosen.value.disk]);
          expect(alone.ok).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});
