// Removes everything from one disk by which it would be recognised or booted: signatures, partition tables,
// RAID and volume labels, on the disk and at both ends of its partitions; reads back that it is gone. The data
// between stays where it is. The question whether this may be done was answered before.
import { describeDisk, diskIdentityOf } from "../../../shared/host/disk-identity.ts";
import type { ErasedDisk } from "../../../shared/protocol/ramdisk.ts";
import { err, ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import { isZero } from "../../imaging/is-zero.ts";
import { readPartitions } from "../inventory/read-disks.ts";
import type { ListedDisk, ListedPartition } from "../inventory/read-disks.ts";
import type { Disk, RamdiskPorts } from "../ports.ts";
import { mergeRanges, signaturePlaces } from "./signature-places.ts";
import type { Range } from "./signature-places.ts";

const readBackBytes = 1024 * 1024;
const wipefsTimeoutMs = 120_000;

type Ports = Pick<RamdiskPorts, "system" | "disks" | "programs">;
type Outcome<T> = Result<T, "io" | "left">;

/** Never fails: what went wrong is in the report, with `ok` false. */
export async function eraseDisk(
  ports: Ports,
  listed: ListedDisk,
  onBytes: (doneBytes: number, totalBytes: number) => void,
): Promise<ErasedDisk> {
  const disk = diskIdentityOf(listed.storage);
  const report = (good: boolean, detail: string, erasedBytes: number): ErasedDisk => ({
    disk,
    ok: good,
    method:
      "metadata: wipefs, then zeros at every place of signatures, labels and partition tables",
    detail: detail.slice(0, 512),
    erasedBytes,
  });
  if (listed.readOnly) return report(false, `${describeDisk(disk)} is read-only`, 0);
  const partitions = await readPartitions(ports.system, listed.devicePath);
  const ranges = placesOf(disk.sizeBytes, partitions);
  const total = ranges.reduce((sum, { length }) => sum + length, 0);
  const erased = await erase(ports, listed.devicePath, { partitions, ranges, onBytes });
  if (!erased.ok) return report(false, erased.error.message, 0);
  const count = partitions.length === 1 ? "1 partition" : `${partitions.length} partitions`;
  const detail = `${count} and all signatures removed, read back as zero; the data itself was NOT erased`;
  return report(true, detail, total);
}

/** The places of the disk and of each partition, in the disk's own bytes. */
function placesOf(sizeBytes: number, partitions: readonly ListedPartition[]): readonly Range[] {
  const inPartitions = partitions.flatMap(({ startBytes, sizeBytes: length }) =>
    signaturePlaces(length).map((range) => ({ ...range, offset: range.offset + startBytes })),
  );
  return mergeRanges([...signaturePlaces(sizeBytes), ...inPartitions]);
}

interface Work {
  readonly partitions: readonly ListedPartition[];
  readonly ranges: readonly Range[];
  readonly onBytes: (doneBytes: number, totalBytes: number) => void;
}

async function erase(ports: Ports, path: string, work: Work): Promise<Outcome<void>> {
  // Inner ones first: with the table gone the kernel may drop the partitions. What wipefs cannot do, the
  // zeros below do; whether anything is left is asked at the end.
  for (const each of [...work.partitions.map((partition) => partition.path), path]) {
    await ports.programs.run(["wipefs", "--all", "--force", each], { timeoutMs: wipefsTimeoutMs });
  }
  const opened = await ports.disks.open(path);
  if (!opened.ok) return err("io", opened.error.message);
  const zeroed = await overwrite(opened.value, work);
  await opened.value.close();
  if (!zeroed.ok) return zeroed;
  const reread = await ports.disks.rereadPartitions(path);
  if (!reread.ok) return err("io", reread.error.message);
  return findLeftovers(ports, path);
}

async function overwrite(disk: Disk, { ranges, onBytes }: Work): Promise<Outcome<void>> {
  const total = ranges.reduce((sum, { length }) => sum + length, 0);
  let done = 0;
  for (const { offset, length } of ranges) {
    const zeroed = await disk.zero(offset, length);
    if (!zeroed.ok) return err("io", zeroed.error.message);
    done += length;
    onBytes(done, total);
  }
  const flushed = await disk.flush();
  if (!flushed.ok) return err("io", flushed.error.message);
  for (const range of ranges) {
    const checked = await readBack(disk, range);
    if (!checked.ok) return checked;
  }
  return ok(undefined);
}

async function readBack(disk: Disk, { offset, length }: Range): Promise<Outcome<void>> {
  for (let at = offset; at < offset + length; at += readBackBytes) {
    const bytes = await disk.read(at, Math.min(readBackBytes, offset + length - at));
    if (!bytes.ok) return err("io", bytes.error.message);
    if (!isZero(bytes.value)) {
      const left = bytes.value.findIndex((byte) => byte !== 0);
      return err(
        "left",
        `byte ${at + left} is not zero after it was overwritten: replace the disk`,
      );
    }
  }
  return ok(undefined);
}

async function findLeftovers(ports: Ports, path: string): Promise<Outcome<void>> {
  const partitions = await readPartitions(ports.system, path);
  if (partitions.length > 0) {
    const names = partitions.map((partition) => partition.path).join(", ");
    return err("left", `the kernel still shows partitions: ${names}`);
  }
  const argv = [
    "wipefs",
    "--no-act",
    "--parsable",
    "--noheadings",
    "--output",
    "OFFSET,TYPE",
    path,
  ];
  const ran = await ports.programs.run(argv, { timeoutMs: wipefsTimeoutMs });
  if (!ran.ok) return err("io", ran.error.message);
  if (ran.value.code !== 0) return err("io", `wipefs cannot look at the disk: ${ran.value.stderr}`);
  const left = ran.value.stdout.trim();
  return left === "" ? ok(undefined) : err("left", `signatures are left: ${left}`);
}
