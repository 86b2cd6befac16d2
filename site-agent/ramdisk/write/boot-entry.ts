// What makes the machine boot the disk that was written: on UEFI an entry of its own, first in the order, for
// the loader that every image has for the firmware to find (UEFI 2.10 section 3.5.1.1); elsewhere the
// firmware's order. Never fails: such machines boot the disk by the agent's boot device.
import { readGpt } from "../../../shared/wire/gpt/gpt.ts";
import type { DiskPiece } from "../../../shared/wire/gpt/disk-pieces.ts";
import { protectiveType, readMbr } from "../../../shared/wire/gpt/mbr.ts";
import { toHex } from "../../../shared/bytes.ts";
import { readText } from "../inventory/read-text.ts";
import type { RamdiskPorts } from "../ports.ts";

const label = "Farrier";
const timeoutMs = 60_000;
/** C12A7328-F81F-11D2-BA4B-00A0C93EC93B as it stands on a disk. */
const espGuid = "28732ac11ff8d211ba4b00a0c93ec93b";
const espMbrType = 0xef;

const loaders: Readonly<Record<string, string>> = {
  x86_64: "BOOTX64.EFI",
  aarch64: "BOOTAA64.EFI",
};

export interface WrittenDisk {
  readonly devicePath: string;
  readonly sectorBytes: number;
  /** The disk's first MiB. */
  readonly head: DiskPiece;
}

/** What was done, for people. */
export async function addBootEntry(
  { system, programs }: Pick<RamdiskPorts, "system" | "programs">,
  disk: WrittenDisk,
): Promise<string> {
  const isUefi = (await system.list("/sys/firmware/efi")).length > 0;
  if (!isUefi) return "BIOS: the firmware's boot order";
  const partition = findEsp(disk);
  if (partition === undefined) {
    return "UEFI: the image has no EFI system partition; the firmware's boot order";
  }
  const arch = (await readText(system, "/proc/sys/kernel/arch")) ?? "x86_64";
  const loader = `\\EFI\\BOOT\\${loaders[arch] ?? "BOOTX64.EFI"}`;
  const removable = `UEFI: ${loader} on partition ${partition}, found by the firmware`;
  const variables = await system.list("/sys/firmware/efi/efivars");
  if (variables.length === 0) return `${removable}; this firmware keeps no variables`;
  const run = async (...args: readonly string[]): Promise<string | undefined> => {
    const ran = await programs.run(["efibootmgr", ...args], { timeoutMs });
    return ran.ok && ran.value.code === 0 ? ran.value.stdout : undefined;
  };
  // Entries of earlier deployments point at partitions that are gone.
  for (const number of entriesOf((await run()) ?? "")) {
    await run("--quiet", "--delete-bootnum", "--bootnum", number);
  }
  const place = ["--disk", disk.devicePath, "--part", `${partition}`];
  const created = await run("--create", ...place, "--label", label, "--loader", loader);
  if (created === undefined) return `${removable}; efibootmgr could not add an entry`;
  const number = entriesOf(created)[0] ?? "";
  return `UEFI: entry Boot${number} ${label}, first in the order, ${loader} on partition ${partition}`;
}

/** Numbers of our entries in efibootmgr's list: `Boot0003* Farrier<tab>HD(…)`, a blank for inactive ones. */
function entriesOf(listing: string): readonly string[] {
  const line = new RegExp(`^Boot([0-9A-F]{4})[* ] ${label}(?:\\t|$)`, "gm");
  return [...listing.matchAll(line)].map(([, number = ""]) => number);
}

/** The number of the EFI system partition, from 1. */
function findEsp({ head, sectorBytes }: WrittenDisk): number | undefined {
  const entries = readMbr(head.bytes.subarray(0, 512));
  const isGpt = entries?.some(({ type }) => type === protectiveType) ?? false;
  if (!isGpt) {
    const esp = entries?.find(({ type }) => type === espMbrType);
    return esp === undefined ? undefined : esp.index + 1;
  }
  const gpt = readGpt([head], 1, sectorBytes);
  if (!gpt.ok) return undefined;
  const { table, header } = gpt.value;
  const esp = gpt.value.entries.find(({ index }) => {
    const at = index * header.entryBytes;
    return toHex(table.subarray(at, at + 16)) === espGuid;
  });
  return esp === undefined ? undefined : esp.index + 1;
}
