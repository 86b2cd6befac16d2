// The Disks port on Linux block devices, by O_DIRECT: what is written does not fill a small machine's memory
// with dirty pages, and what is read comes from the medium. A plain file works as a disk too, through the
// page cache. Zeroing and partition tables need ioctls that Node lacks: util-linux does those.

import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { err, ok, quote } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import type { Programs } from "../../ports.ts";
import type { Disk, DiskError, Disks } from "../ports.ts";
import { chunkBytes, makeSectorFile } from "./sector-file.ts";
import type { SectorFile } from "./sector-file.ts";

/** Below this, starting a program takes longer than writing the zeros. */
const minZeroOutBytes = 4 * chunkBytes;
/** One command stays this short, so that its caller can stop in between. */
const maxZeroOutBytes = 1024 * chunkBytes;
const zeroOutTimeoutMs = 600_000;
const blockdevTimeoutMs = 60_000;
const rereadTries = 10;
const rereadPauseMs = 500;

export function makeNodeDisks(programs: Programs): Disks {
  return {
    open: (path) => attempt("open", path, () => openDisk(path, programs)),
    async rereadPartitions(path) {
      let last = "";
      for (let tries = 0; tries < rereadTries; tries += 1) {
        // Whoever looked at the old partitions may hold them for a moment longer.
        if (tries > 0) await new Promise((resolve) => setTimeout(resolve, rereadPauseMs));
        const argv = ["blockdev", "--rereadpt", path];
        const ran = await programs.run(argv, { timeoutMs: blockdevTimeoutMs });
        if (ran.ok && ran.value.code === 0) return ok(undefined);
        last = ran.ok ? ran.value.stderr.trim() : ran.error.message;
      }
      return err("busy", `The kernel did not read the partition table of ${path} anew: ${last}`);
    },
  };
}

async function openDisk(path: string, programs: Programs): Promise<Disk> {
  const isBlockDevice = (await stat(path)).isBlockDevice();
  const direct = isBlockDevice ? constants.O_DIRECT | constants.O_EXCL : 0;
  const handle = await open(path, constants.O_RDWR | direct);
  try {
    if (isBlockDevice) {
      const size = await blockSize(path, programs);
      const zeroOut: ZeroOut = (offset, length) => runZeroOut(programs, path, [offset, length]);
      return makeDisk(handle, path, { ...size, zeroOut });
    }
    const { size } = await handle.stat();
    return makeDisk(handle, path, { sizeBytes: size, sectorBytes: 512 });
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

async function blockSize(
  path: string,
  programs: Programs,
): Promise<{ sizeBytes: number; sectorBytes: number }> {
  const argv = ["blockdev", "--getsize64", "--getss", path];
  const ran = await programs.run(argv, { timeoutMs: blockdevTimeoutMs });
  const output = ran.ok && ran.value.code === 0 ? ran.value.stdout : "";
  const [sizeBytes, sectorBytes] = output.trim().split("\n").map(Number);
  if (!sizeBytes || !sectorBytes) throw new Error("blockdev does not tell its size");
  return { sizeBytes, sectorBytes };
}

/** True when the bytes read as zero now. */
type ZeroOut = (offset: number, length: number) => Promise<boolean>;

interface DiskOptions {
  readonly sizeBytes: number;
  readonly sectorBytes: number;
  readonly zeroOut?: ZeroOut;
}

function makeDisk(handle: FileHandle, path: string, options: DiskOptions): Disk {
  const { sizeBytes, sectorBytes, zeroOut } = options;
  const sectors = makeSectorFile(handle, sectorBytes);
  let queue: Promise<unknown> = Promise.resolve();
  const alone = <T>(action: string, work: () => Promise<T>): Promise<Result<T, DiskError>> => {
    const run = queue.then(() => attempt(action, path, work));
    queue = run;
    return run;
  };
  let canZeroOut = zeroOut !== undefined;
  const zero = async (offset: number, length: number): Promise<void> => {
    for (let done = 0; done < length;) {
      const some = Math.min(length - done, canZeroOut ? maxZeroOutBytes : chunkBytes);
      if (canZeroOut && some >= minZeroOutBytes) {
        canZeroOut = (await zeroOut?.(offset + done, some)) === true;
        if (!canZeroOut) continue;
      } else {
        await writeZeros(sectors, offset + done, some);
      }
      done += some;
    }
  };
  return {
    sizeBytes,
    sectorBytes,
    read: (offset, length) =>
      alone(`read ${length} bytes at ${offset} of`, () => sectors.read(offset, length)),
    write: (offset, data) =>
      alone(`write ${data.length} bytes at ${offset} of`, () => sectors.write(offset, data)),
    zero: (offset, length) =>
      alone(`zero ${length} bytes at ${offset} of`, () => zero(offset, length)),
    flush: () => alone("flush", () => handle.sync()),
    close: () => queue.then(() => handle.close()),
  };
}

async function writeZeros(sectors: SectorFile, offset: number, length: number): Promise<void> {
  const zeros = new Uint8Array(Math.min(length, chunkBytes));
  for (let done = 0; done < length; done += zeros.length) {
    await sectors.write(offset + done, zeros.subarray(0, length - done));
  }
}

/** BLKZEROOUT: the disk's own command where it has one, else the kernel writes zeros. */
async function runZeroOut(
  programs: Programs,
  path: string,
  [offset, length]: readonly [number, number],
): Promise<boolean> {
  // --force: this program itself holds the disk.
  const argv = ["blkdiscard", "--zeroout", "--force", "--offset", `${offset}`];
  const ran = await programs.run([...argv, "--length", `${length}`, path], {
    timeoutMs: zeroOutTimeoutMs,
  });
  return ran.ok && ran.value.code === 0;
}

const kinds: Readonly<Record<string, DiskError>> = {
  ENOENT: "missing",
  ENXIO: "missing",
  ENODEV: "missing",
  EBUSY: "busy",
  EROFS: "read-only",
  EACCES: "read-only",
  EPERM: "read-only",
};

async function attempt<T>(
  action: string,
  path: string,
  work: () => Promise<T>,
): Promise<Result<T, DiskError>> {
  try {
    return ok(await work());
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
    const kind = code === undefined ? "io" : (kinds[code] ?? "io");
    return err(kind, `Cannot ${action} ${quote(path)}: ${code ?? String(cause)}`);
  }
}
