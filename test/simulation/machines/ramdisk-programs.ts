// The programs that the ramdisk runs, as far as they do anything to a simulated machine: wipefs, efibootmgr, sync, and
// the two that end it.
import { ok } from "../../../shared/result.ts";
import type { ProgramResult, Programs } from "../../../site-agent/ports.ts";
import type { Life } from "../kernel/life.ts";
import type { SimulatedDisk } from "./disks/simulated-disk.ts";

/** Entries that firmware keeps for an operating system, the first one first. */
export interface BootEntries {
  list: readonly { readonly number: number; readonly label: string; readonly disk: string }[];
}

export interface ProgramsOptions {
  /** Of the ramdisk: with it ends what it had started. */
  readonly life: Life;
  readonly disks: readonly SimulatedDisk[];
  readonly entries: BootEntries;
  readonly leave: (how: "reboot" | "power-off") => void;
}

export function makePrograms({ life, disks, entries, leave }: ProgramsOptions): Programs {
  const programs: Readonly<Record<string, (argv: readonly string[]) => string>> = {
    wipefs: (argv) => wipefs(life, disks, argv),
    efibootmgr: (argv) => efibootmgr(disks, entries, argv),
    sync() {
      for (const disk of disks) disk.flush();
      return "";
    },
    reboot() {
      leave("reboot");
      return "";
    },
    poweroff() {
      leave("power-off");
      return "";
    },
  };
  return {
    run(argv) {
      const stdout = programs[argv[0] ?? ""]?.(argv) ?? "";
      const result: ProgramResult = { code: 0, stdout, stderr: "" };
      return Promise.resolve(ok(result));
    },
  };
}

const sector = 512;
const gptSignature = "EFI PART";

/** Places of the signatures of partition tables, as wipefs knows them. File systems have none here. */
function signatures(disk: SimulatedDisk): readonly { readonly offset: number; length: number }[] {
  const gpt = [sector, disk.sizeBytes - sector].filter(
    (at) => Buffer.from(disk.peek(at, 8)).toString("latin1") === gptSignature,
  );
  const mbr = disk.peek(510, 2);
  return [
    ...gpt.map((offset) => ({ offset, length: 8 })),
    ...(mbr[0] === 0x55 && mbr[1] === 0xaa ? [{ offset: 510, length: 2 }] : []),
  ];
}

function wipefs(life: Life, disks: readonly SimulatedDisk[], argv: readonly string[]): string {
  const disk = disks.find(({ name }) => `/dev/${name}` === argv.at(-1));
  if (disk === undefined) return "";
  const found = signatures(disk);
  if (argv.includes("--no-act")) {
    return found.map(({ offset }) => `0x${offset.toString(16)},gpt\n`).join("");
  }
  for (const place of found) if (life.alive) disk.change({ change: "zero", ...place });
  return "";
}

function efibootmgr(
  disks: readonly SimulatedDisk[],
  entries: BootEntries,
  argv: readonly string[],
): string {
  const valueOf = (option: string): string => argv[argv.indexOf(option) + 1] ?? "";
  if (argv.includes("--delete-bootnum")) {
    const number = Number.parseInt(valueOf("--bootnum"), 16);
    entries.list = entries.list.filter((entry) => entry.number !== number);
  }
  if (argv.includes("--create")) {
    const disk = disks.find(({ name }) => `/dev/${name}` === valueOf("--disk"));
    const number = 1 + Math.max(0, ...entries.list.map((entry) => entry.number));
    const made = { number, label: valueOf("--label"), disk: disk?.serialNumber ?? "" };
    entries.list = [made, ...entries.list];
  }
  const hex = (number: number): string => number.toString(16).toUpperCase().padStart(4, "0");
  const order = entries.list.map(({ number }) => hex(number)).join(",");
  const lines = entries.list.map(({ number, label }) => `Boot${hex(number)}* ${label}\n`);
  return `BootOrder: ${order}\n${lines.join("")}`;
}
