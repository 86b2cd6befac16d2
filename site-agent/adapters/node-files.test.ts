import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeFiles as files } from "./node-files.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-files-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("nodeFiles", () => {
  it("replaces a file whole, with its mode, and leaves nothing else", async () => {
    const path = join(folder, "a");
    expect(await files.writeFile(path, bytes("old and long"))).toMatchObject({ ok: true });
    expect(await files.writeFile(path, bytes("new"), { mode: 0o600 })).toMatchObject({ ok: true });
    const read = await files.readFile(path);
    expect(read.ok && Buffer.from(read.value).toString()).toBe("new");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["a"]);
  });

  it("reads and writes at offsets and stops at the end of the file", async () => {
    const opened = await files.open(join(folder, "a"), "create");
    if (!opened.ok) throw new Error(opened.error.message);
    const file = opened.value;
    await file.write(4, bytes("tail"));
    await file.write(0, bytes("head"));
    expect(await file.sync()).toMatchObject({ ok: true });
    const middle = await file.read(2, 4);
    expect(middle.ok && Buffer.from(middle.value).toString()).toBe("adta");
    const past = await file.read(6, 100);
    expect(past.ok && Buffer.from(past.value).toString()).toBe("il");
    await file.close();
    const again = await files.open(join(folder, "a"), "read");
    expect(again.ok && again.value.sizeBytes).toBe(8);
    if (again.ok) await again.value.close();
  });

  it("lists in order, makes nested folders, renames and removes", async () => {
    await files.makeFolder(join(folder, "b/c"));
    await files.writeFile(join(folder, "z"), bytes(""));
    await files.rename(join(folder, "z"), join(folder, "a"));
    expect(await files.list(folder)).toEqual({ ok: true, value: ["a", "b"] });
    expect(await files.remove(join(folder, "a"))).toMatchObject({ ok: true });
    expect(await files.remove(join(folder, "b/c"))).toMatchObject({ ok: true });
    expect(await files.list(join(folder, "b"))).toEqual({ ok: true, value: [] });
  });

  it("says missing, denied or io when that is why", async () => {
    const kind = (result: { ok: boolean; error?: { kind: string } }): string | undefined =>
      result.error?.kind;
    const missing = join(folder, "missing");
    expect(kind(await files.readFile(missing))).toBe("missing");
    expect(kind(await files.open(missing, "write"))).toBe("missing");
    expect(kind(await files.remove(missing))).toBe("missing");
    expect(kind(await files.list(missing))).toBe("missing");
    expect(kind(await files.freeBytes(missing))).toBe("missing");
    expect(kind(await files.open(folder, "read"))).toBe("io");
    await files.makeFolder(join(folder, "full/x"));
    expect(kind(await files.remove(join(folder, "full")))).toBe("io");
    expect(kind(await files.writeFile("/proc/farrier", bytes("x")))).toBe("missing");
    // sysfs lets nobody create files, not even root.
    expect(kind(await files.open("/sys/farrier", "create"))).toBe("denied");
  });

  it("counts the free bytes of the file system", async () => {
    const free = await files.freeBytes(folder);
    expect(free.ok && free.value).toBeGreaterThan(0);
  });

  it("throws when a path is not absolute", async () => {
    await expect(files.readFile("a")).rejects.toThrow('Path "a" is not absolute');
  });
});
