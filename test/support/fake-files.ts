// The Files port in memory, with what real file systems do: an open file outlives its name, and disks fill up.
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { FileError, Files, OpenFile } from "../../site-agent/ports.ts";

export interface FakeFiles extends Files {
  /** Paths of all files, sorted. */
  paths(): string[];
  /** The bytes themselves: tests may damage them. */
  bytesOf(path: string): Uint8Array | undefined;
  /** Files that are open now. */
  openCount(): number;
  /** What `freeBytes` says. */
  freeBytesLeft: number;
  /** Asked before each action; an error makes it fail. */
  fault: (
    action: "open" | "read" | "write" | "rename" | "sync",
    path: string,
  ) => FileError | undefined;
}

interface Inode {
  bytes: Uint8Array;
}

/** `like`: begins with copies of its files. */
export function makeFakeFiles(like?: FakeFiles): FakeFiles {
  const inodes = new Map<string, Inode>();
  for (const path of like?.paths() ?? []) {
    inodes.set(path, { bytes: like?.bytesOf(path)?.slice() ?? new Uint8Array() });
  }
  let opened = 0;

  function failing(action: Parameters<FakeFiles["fault"]>[0], path: string) {
    const kind = fake.fault(action, path);
    return kind === undefined ? undefined : err(kind, `${action} of ${path} fails: ${kind}`);
  }

  function openInode(inode: Inode, path: string): OpenFile {
    opened += 1;
    let isOpen = true;
    const check = (action: "read" | "write" | "sync") =>
      isOpen ? failing(action, path) : err("io" as const, `${path} is closed`);
    return {
      sizeBytes: inode.bytes.length,
      read: async (offset, length) =>
        check("read") ?? ok(inode.bytes.slice(offset, offset + length)),
      async write(offset, data) {
        const failed = check("write");
        if (failed !== undefined) return failed;
        grow(inode, offset + data.length);
        inode.bytes.set(data, offset);
        return ok(undefined);
      },
      sync: async () => check("sync") ?? ok(undefined),
      async close() {
        if (isOpen) opened -= 1;
        isOpen = false;
      },
    };
  }

  const missing = (path: string): Result<never, FileError> => err("missing", `no ${path}`);
  const fake: FakeFiles = {
    freeBytesLeft: 2 ** 40,
    fault: () => undefined,
    paths: () => [...inodes.keys()].toSorted(),
    bytesOf: (path) => inodes.get(path)?.bytes,
    openCount: () => opened,
    async readFile(path) {
      const inode = inodes.get(path);
      return inode === undefined ? missing(path) : ok(inode.bytes.slice());
    },
    async writeFile(path, data) {
      const failed = failing("write", path);
      if (failed === undefined) inodes.set(path, { bytes: data.slice() });
      return failed ?? ok(undefined);
    },
    async open(path, mode) {
      const failed = failing("open", path);
      if (failed !== undefined) return failed;
      if (mode === "create") inodes.set(path, { bytes: new Uint8Array() });
      const inode = inodes.get(path);
      return inode === undefined ? missing(path) : ok(openInode(inode, path));
    },
    async rename(from, to) {
      const inode = inodes.get(from);
      const failed = failing("rename", from);
      if (failed !== undefined || inode === undefined) return failed ?? missing(from);
      inodes.delete(from);
      inodes.set(to, inode);
      return ok(undefined);
    },
    remove: async (path) => (inodes.delete(path) ? ok(undefined) : missing(path)),
    async list(path) {
      const names = [...inodes.keys()]
        .filter((each) => each.startsWith(`${path}/`))
        .map((each) => each.slice(path.length + 1));
      return ok(names.filter((name) => !name.includes("/")).toSorted());
    },
    makeFolder: async () => ok(undefined),
    freeBytes: async () => ok(fake.freeBytesLeft),
  };
  return fake;
}

function grow(inode: Inode, length: number): void {
  const { bytes } = inode;
  if (bytes.length >= length) return;
  const hasRoom = bytes.buffer.byteLength >= length;
  const buffer = hasRoom ? bytes.buffer : new ArrayBuffer(Math.max(length, 2 * bytes.length));
  inode.bytes = new Uint8Array(buffer, 0, length);
  if (!hasRoom) inode.bytes.set(bytes);
}
