import { mkdtemp, open, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { ensureDebianPackages } from "../../../infra/preparation/debian-packages.ts";
import { silentProgress } from "../../../infra/preparation/progress.ts";
import { runProgram } from "../../../infra/preparation/run-program.ts";
import { err, ok } from "../../../shared/result.ts";
import { makeFileMachine } from "../../../test/support/file-machine.ts";
import type { FileMachine } from "../../../test/support/file-machine.ts";
import { readDisks } from "../inventory/read-disks.ts";
import type { Disk } from "../ports.ts";
import { eraseDisk } from "./erase-disk.ts";
import { mergeRanges, signaturePlaces } from "./signature-places.ts";
import { signatures } from "../../../test/support/signatures.table.ts";

// Programs are started for every disk.
vi.setConfig({ testTimeout: 30_000 });

const mib = 1024 * 1024;
let folder = "";
let file = "";

beforeAll(async () => {
  await ensureDebianPackages(["util-linux", "fdisk", "e2fsprogs", "dosfstools"], silentProgress);
  folder = await mkdtemp(join(tmpdir(), "farrier-erase-"));
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const diskBytes = 64 * mib;
beforeEach(async () => {
  file = join(folder, "disk.img");
  await rm(file, { force: true });
  await writeFile(file, "");
  await truncate(file, diskBytes);
});

async function erase(machine: FileMachine) {
  const [listed] = await readDisks(machine.system);
  if (listed === undefined) throw new Error("no disk");
  return eraseDisk(machine, listed, () => {});
}

/** What libblkid finds in the file, or in a part of it: at its beginning and at its end. */
async function signaturesIn(part?: readonly [offset: number, length: number]): Promise<string> {
  let target = file;
  if (part !== undefined) {
    target = join(folder, "part.img");
    const [skip, count] = [part[0] / mib, part[1] / mib];
    const place = ["bs=1M", `skip=${skip}`, `count=${count}`, "conv=sparse", "status=none"];
    await runProgram("dd", [`if=${file}`, `of=${target}`, ...place]);
  }
  const { stdout } = await runProgram("wipefs", ["--no-act", "--noheadings", target]);
  return stdout.trim();
}

async function writeAt(offset: number, data: Uint8Array): Promise<void> {
  const handle = await open(file, "r+");
  await handle.write(data, 0, data.length, offset);
  await handle.close();
}

describe("erasing a disk's metadata", () => {
  test.each(signatures)(
    "leaves nothing to recognise when the disk had a signature of $type",
    async ({ type, parts }) => {
      for (const { offset, hex } of parts) {
        await writeAt(offset < 0 ? diskBytes + offset : offset, Buffer.from(hex, "hex"));
      }
      expect(await signaturesIn()).toContain(type);
      const machine = await makeFileMachine(file, "S1");
      const report = await erase({ ...machine, programs: withoutWiping(machine) });
      expect(report).toMatchObject({ ok: true, disk: { serialNumber: "S1" } });
      expect(await signaturesIn()).toBe("");
    },
  );

  test("removes the table, its backup and what the partitions began and ended with", async () => {
    await runProgram("sh", [
      "-c",
      `printf '%s\\n' 'label: gpt' 'start=2048,size=32768' 'start=34816,size=65536' | sfdisk --quiet "$1"`,
      "sh",
      file,
    ]);
    await runProgram("mkfs.ext4", ["-q", "-E", `offset=${mib}`, file, "16M"]);
    await runProgram("mkfs.vfat", ["--offset", "34816", file, "32768"]);
    const planted = Buffer.from("PLANTED TEXT AT THE END OF A PARTITION");
    await writeAt(17 * mib - planted.length, planted);
    expect(await signaturesIn([mib, 16 * mib])).toContain("ext4");
    const machine = await makeFileMachine(file, "S1");
    await machine.disks.rereadPartitions(machine.devicePath);

    const report = await erase(machine);
    expect(report.ok).toBe(true);
    expect(report.detail).toBe(
      "2 partitions and all signatures removed, read back as zero; the data itself was NOT erased",
    );
    expect(machine.ran.slice(0, 3)).toEqual([
      "wipefs --all --force /dev/sda1",
      "wipefs --all --force /dev/sda2",
      "wipefs --all --force /dev/sda",
    ]);
    expect(await signaturesIn()).toBe("");
    expect(await signaturesIn([mib, 16 * mib])).toBe("");
    expect(await signaturesIn([17 * mib, 32 * mib])).toBe("");
    const { stdout } = await runProgram("grep", ["-c", "PLANTED", file]).catch(() => ({
      stdout: "0",
    }));
    expect(stdout.trim()).toBe("0");
  });

  test("keeps the data between and says so", async () => {
    const planted = Buffer.from("THE DATA ITSELF");
    await writeAt(32 * mib, planted);
    const report = await erase(await makeFileMachine(file, "S1"));
    const { stdout } = await runProgram("grep", ["-c", planted.toString(), file]);
    expect(stdout.trim()).toBe("1");
    expect(report.detail).toContain("data itself was NOT erased");
  });

  test("reports a failure when the disk ignores what is written", async () => {
    const machine = await makeFileMachine(file, "S1");
    await writeAt(4096, Buffer.from("stays"));
    const lying = {
      ...machine,
      disks: {
        ...machine.disks,
        open: async () =>
          withDisk(await machine.disks.open(file), { zero: () => Promise.resolve(ok(undefined)) }),
      },
      programs: { run: () => Promise.resolve(ok({ code: 0, stdout: "", stderr: "" })) },
    };
    const report = await erase(lying);
    expect(report).toMatchObject({ ok: false, erasedBytes: 0 });
    expect(report.detail).toContain("byte 4096 is not zero");
  });

  test("reports a failure when the disk fails while it is overwritten", async () => {
    const machine = await makeFileMachine(file, "S1");
    const failing = {
      ...machine,
      disks: {
        ...machine.disks,
        open: async () =>
          withDisk(await machine.disks.open(file), {
            zero: () => Promise.resolve(err("io", 'Cannot zero "/dev/sda": EIO')),
          }),
      },
    };
    const report = await erase(failing);
    expect(report).toMatchObject({ ok: false, detail: 'Cannot zero "/dev/sda": EIO' });
  });

  test("reports a failure and touches nothing when the disk is read-only", async () => {
    const machine = await makeFileMachine(file, "S1");
    const [listed] = await readDisks(machine.system);
    const report = await eraseDisk(machine, { ...listed!, readOnly: true }, () => {});
    expect(report.ok).toBe(false);
    expect(report.detail).toContain("read-only");
    expect(machine.ran).toEqual([]);
  });
});

/** Leaves all the work to the zeros. */
function withoutWiping({ programs }: FileMachine): FileMachine["programs"] {
  return {
    run: (argv, options) =>
      argv.includes("--all")
        ? Promise.resolve(ok({ code: 0, stdout: "", stderr: "" }))
        : programs.run(argv, options),
  };
}

function withDisk(
  opened: Awaited<ReturnType<FileMachine["disks"]["open"]>>,
  changes: Partial<Disk>,
): Awaited<ReturnType<FileMachine["disks"]["open"]>> {
  return opened.ok ? ok({ ...opened.value, ...changes }) : opened;
}

describe("places of signatures", () => {
  test("lie within the device, apart from each other, and take both its ends, whatever its size", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 42 }), (sectors) => {
        const size = sectors * 512;
        const places = signaturePlaces(size);
        expect(places[0]?.offset).toBe(0);
        const last = places.at(-1)!;
        expect(last.offset + last.length).toBe(size);
        for (const [index, { offset, length }] of places.entries()) {
          expect(length).toBeGreaterThan(0);
          const next = places[index + 1];
          if (next !== undefined) expect(next.offset).toBeGreaterThan(offset + length);
        }
      }),
    );
  });

  test("cover the same bytes after ranges were merged", () => {
    const range = fc.record({ offset: fc.nat(60), length: fc.nat(20) });
    const bytesOf = (ranges: readonly { offset: number; length: number }[]) =>
      new Set(ranges.flatMap(({ offset, length }) => Array.from({ length }, (_, i) => offset + i)));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), (ranges) => {
        expect(bytesOf(mergeRanges(ranges))).toEqual(bytesOf(ranges));
      }),
    );
  });
});
