// The Files port on node:fs. Absolute paths only; what a path means is decided by its caller.

import { constants } from "node:fs";
import {
  mkdir,
  open,
  readFile,
  readdir,
  rename,
  rm,
  rmdir,
  statfs,
  unlink,
} from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname, isAbsolute } from "node:path";
import { err, ok, quote } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { FileError, Files, OpenFile } from "../ports.ts";

const openFlags = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC,
} as const;

export const nodeFiles: Files = {
  readFile: (path) => attempt("read", path, () => readFile(path)),
  writeFile: (path, data, options) =>
    attempt("write", path, () => replaceFile(path, data, options?.mode ?? 0o644)),
  open: (path, mode) => attempt("open", path, () => openAt(path, mode)),
  rename: (from, to) => attempt("rename", from, () => rename(from, to)),
  remove: (path) => attempt("remove", path, () => removeOne(path)),
  list: (path) => attempt("list", path, async () => (await readdir(path)).toSorted()),
  makeFolder: (path) =>
    attempt("make the folder", path, async () => {
      await mkdir(path, { recursive: true });
    }),
  freeBytes: (path) =>
    attempt("see the free space of", path, async () => {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    }),
};

let temporaryFiles = 0;

async function replaceFile(path: string, data: Uint8Array, mode: number): Promise<void> {
  // Unique within this process and, by the pid, beside another one's; a leftover is overwritten.
  temporaryFiles += 1;
  const temporary = `${path}.${process.pid}-${temporaryFiles}.tmp`;
  try {
    const file = await open(temporary, "w", mode);
    try {
      await file.chmod(mode);
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
  const folder = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

// A folder goes only when it is empty: nothing here removes a tree.
async function removeOne(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (cause) {
    if (codeOf(cause) !== "EISDIR") throw cause;
    await rmdir(path);
  }
}

async function openAt(path: string, mode: "read" | "write" | "create"): Promise<OpenFile> {
  const handle = await open(path, openFlags[mode], 0o644);
  try {
    const stat = await handle.stat();
    // Opening a folder for reading succeeds; every read would then fail.
    if (stat.isDirectory()) throw Object.assign(new Error("is a folder"), { code: "EISDIR" });
    return openFile(handle, path, stat.size);
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

/** `sizeBytes` is the size when it was opened; 0 for a block device, whose size is in sysfs. */
function openFile(handle: FileHandle, path: string, sizeBytes: number): OpenFile {
  return {
    sizeBytes,
    read: (offset, length) => attempt("read", path, () => readAt(handle, offset, length)),
    write: (offset, data) => attempt("write", path, () => writeAt(handle, offset, data)),
    sync: () => attempt("sync", path, () => handle.sync()),
    close: () => handle.close(),
  };
}

/** Fewer bytes than asked for only at the end of the file. */
async function readAt(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled === length ? bytes : bytes.subarray(0, filled);
}

async function writeAt(handle: FileHandle, offset: number, data: Uint8Array): Promise<void> {
  let written = 0;
  while (written < data.length) {
    const left = data.length - written;
    const { bytesWritten } = await handle.write(data, written, left, offset + written);
    written += bytesWritten;
  }
}

const kindByCode: Readonly<Record<string, FileError>> = {
  ENOENT: "missing",
  ENOTDIR: "missing",
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "denied",
  ENOSPC: "full",
  EDQUOT: "full",
};

async function attempt<T>(
  action: string,
  path: string,
  work: () => Promise<T>,
): Promise<Result<T, FileError>> {
  if (!isAbsolute(path)) throw new Error(`Path ${quote(path)} is not absolute`);
  try {
    return ok(await work());
  } catch (cause) {
    const code = codeOf(cause);
    const kind = (code === undefined ? undefined : kindByCode[code]) ?? "io";
    return err(kind, `Cannot ${action} ${quote(path)}: ${code ?? String(cause)}`);
  }
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined;
}
