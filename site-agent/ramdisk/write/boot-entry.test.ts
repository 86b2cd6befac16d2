import { describe, expect, test } from "vitest";
import { ok } from "../../../shared/result.ts";
import { makeFakeSystemFiles } from "../../../test/support/fake-system-files.ts";
import type { Programs } from "../../ports.ts";
import { addBootEntry } from "./boot-entry.ts";

const mib = 1024 * 1024;

/** MBR disk whose second partition is an EFI system partition. */
function mbrHead(type = 0xef): Uint8Array {
  const bytes = new Uint8Array(mib);
  const view = new DataView(bytes.buffer);
  for (const [at, kind] of [
    [446, 0x83],
    [462, type],
  ] as const) {
    bytes[at + 4] = kind;
    view.setUint32(at + 8, 2048 * (at === 446 ? 1 : 9), true);
    view.setUint32(at + 12, 2048, true);
  }
  bytes.set([0x55, 0xaa], 510);
  return bytes;
}

/** What efibootmgr 17 of Debian 12 prints. */
const listing = `BootCurrent: 0004
Timeout: 0 seconds
BootOrder: 0004,0001,0003
Boot0001* Farrier
Boot0003* UEFI QEMU HARDDISK
Boot0004* UEFI PXEv4 (MAC:525400AA0001)
Boot0005  Farrier
Boot0006* Farrier of another
`;
const created = `BootOrder: 0001,0004,0003
Boot0003* UEFI QEMU HARDDISK
Boot0004* UEFI PXEv4 (MAC:525400AA0001)
Boot0001* Farrier
`;

function machine(files: Record<string, string>, fails = false) {
  const ran: string[] = [];
  const programs: Programs = {
    run(argv) {
      ran.push(argv.join(" "));
      const stdout = argv.includes("--create") ? created : listing;
      return Promise.resolve(ok({ code: fails ? 1 : 0, stdout, stderr: "" }));
    },
  };
  return { ran, programs, system: makeFakeSystemFiles(() => ({ files, links: {} })) };
}

const uefi = { "/sys/firmware/efi/efivars/BootOrder-8be4df61": "x" };

function disk(bytes: Uint8Array) {
  return { devicePath: "/dev/sda", sectorBytes: 512, head: { offset: 0, bytes } };
}

describe("a boot entry", () => {
  test("replaces older ones of its name and goes first when the firmware is UEFI", async () => {
    const { ran, ...ports } = machine(uefi);
    expect(await addBootEntry(ports, disk(mbrHead()))).toBe(
      "UEFI: entry Boot0001 Farrier, first in the order, \\EFI\\BOOT\\BOOTX64.EFI on partition 2",
    );
    expect(ran).toEqual([
      "efibootmgr",
      "efibootmgr --quiet --delete-bootnum --bootnum 0001",
      "efibootmgr --quiet --delete-bootnum --bootnum 0005",
      "efibootmgr --create --disk /dev/sda --part 2 --label Farrier --loader \\EFI\\BOOT\\BOOTX64.EFI",
    ]);
  });

  test("names the loader of the machine's processor", async () => {
    const { ran, ...ports } = machine({ ...uefi, "/proc/sys/kernel/arch": "aarch64\n" });
    await addBootEntry(ports, disk(mbrHead()));
    expect(ran.at(-1)).toContain("BOOTAA64.EFI");
  });

  test.each([
    ["is a BIOS", {}, mbrHead(), "BIOS: the firmware's boot order"],
    ["finds no EFI system partition", uefi, mbrHead(0x83), "no EFI system partition"],
    ["finds no partition table", uefi, new Uint8Array(mib), "no EFI system partition"],
    [
      "keeps no variables",
      { "/sys/firmware/efi/runtime": "" },
      mbrHead(),
      "on partition 2, found by the firmware; this firmware keeps no variables",
    ],
  ])("is left to the firmware when it %s", async (_, files, head, said) => {
    const { ran, ...ports } = machine(files);
    expect(await addBootEntry(ports, disk(head))).toContain(said);
    expect(ran).toEqual([]);
  });

  test("is left to the firmware when efibootmgr fails", async () => {
    const { programs, system } = machine(uefi, true);
    expect(await addBootEntry({ programs, system }, disk(mbrHead()))).toContain(
      "found by the firmware; efibootmgr could not add an entry",
    );
  });
});
