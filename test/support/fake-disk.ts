// A disk in memory: only what was written takes any. Counts and can fail.
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { Disk, DiskError } from "../../site-agent/ramdisk/ports.ts";

const pageBytes = 64 * 1024;

export interface DiskChange {
  readonly kind: "write" | "zero";
  readonly offset: number;
  readonly length: number;
}

export class FakeDisk {
  readonly sizeBytes: number;
  readonly sectorBytes: number;
  /** All changes through the port, in order. */
  readonly changes: DiskChange[] = [];
  /** Changes and reads that touch this byte fail. */
  badByte: number | undefined;
  isOpen = false;
  readonly #pages = new Map<number, Uint8Array>();

  constructor(sizeBytes: number, sectorBytes = 512) {
    this.sizeBytes = sizeBytes;
    this.sectorBytes = sectorBytes;
  }

  /** For tests: content as it lies on the disk. */
  peek(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.#eachPage(offset, length, (page, within, at, count) => {
      const held = this.#pages.get(page);
      if (held !== undefined) bytes.set(held.subarray(within, within + count), at);
    });
    return bytes;
  }

  /** For tests: puts content there, past the port. */
  poke(offset: number, data: Uint8Array): void {
    this.#eachPage(offset, data.length, (page, within, at, count) => {
      const held = this.#pages.get(page) ?? new Uint8Array(pageBytes);
      held.set(data.subarray(at, at + count), within);
      this.#pages.set(page, held);
    });
  }

  /** The disk as the port gives it. */
  open(): Result<Disk, DiskError> {
    if (this.isOpen) return err("busy", "Cannot open the disk: EBUSY");
    this.isOpen = true;
    const change = (kind: DiskChange["kind"], offset: number, length: number) => {
      const checked = this.#check(kind, offset, length);
      if (checked.ok) this.changes.push({ kind, offset, length });
      return checked;
    };
    return ok({
      sizeBytes: this.sizeBytes,
      sectorBytes: this.sectorBytes,
      read: async (offset, length) => {
        const checked = this.#check("read", offset, length);
        return checked.ok ? ok(this.peek(offset, length)) : checked;
      },
      write: async (offset, data) => {
        const checked = change("write", offset, data.length);
        if (checked.ok) this.poke(offset, data);
        return checked;
      },
      zero: async (offset, length) => {
        const checked = change("zero", offset, length);
        if (checked.ok) this.#zero(offset, length);
        return checked;
      },
      flush: () => Promise.resolve(ok(undefined)),
      close: async () => {
        this.isOpen = false;
      },
    });
  }

  #check(action: string, offset: number, length: number): Result<void, DiskError> {
    const isBad =
      this.badByte !== undefined && this.badByte >= offset && this.badByte < offset + length;
    if (offset >= 0 && offset + length <= this.sizeBytes && this.isOpen && !isBad) {
      return ok(undefined);
    }
    return err("io", `Cannot ${action} ${length} bytes at ${offset}: EIO`);
  }

  #zero(offset: number, length: number): void {
    const end = offset + length;
    for (const [page, held] of this.#pages) {
      const from = Math.max(0, offset - page * pageBytes);
      const to = Math.min(pageBytes, end - page * pageBytes);
      if (from === 0 && to === pageBytes) this.#pages.delete(page);
      else if (from < to) held.fill(0, from, to);
    }
  }

  #eachPage(
    offset: number,
    length: number,
    visit: (page: number, within: number, at: number, count: number) => void,
  ): void {
    for (let at = 0; at < length;) {
      const page = Math.floor((offset + at) / pageBytes);
      const within = (offset + at) % pageBytes;
      const count = Math.min(pageBytes - within, length - at);
      visit(page, within, at, count);
      at += count;
    }
  }
}
