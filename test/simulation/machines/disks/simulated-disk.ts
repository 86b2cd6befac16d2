// A disk with a cache that loses what was not flushed: when the power goes, a random part of it is on the medium and
// the rest is as it was before. Sparse: only what was written takes memory. Knows no time: who opens it waits.
import { err, ok } from "../../../../shared/result.ts";
import type { Result } from "../../../../shared/result.ts";
import type { Disk, DiskError } from "../../../../site-agent/ramdisk/ports.ts";
import type { DescribedDisk } from "../../../support/machine-tree.ts";
import type { Random } from "../../kernel/random.ts";
import type { DiskTruth } from "../../world/truth.ts";
import { systemOn } from "./system-image.ts";

const pageBytes = 64 * 1024;
const sectorBytes = 512;
const zeroPage = new Uint8Array(pageBytes);
/** Handed out by reads: nobody writes into what he has read. */
const zeros = new Uint8Array(1024 * 1024);
/** Of the pages in the cache when the power goes, how many are half written. */
const tornChance = 0.15;

export interface DiskChange {
  readonly change: "write" | "zero";
  readonly offset: number;
  readonly length: number;
}

export interface SimulatedDiskOptions extends Omit<DescribedDisk, "name"> {
  readonly random: Random;
  /** Asked before each change: true, it fails. */
  readonly failsNow: () => boolean;
  readonly onChange: (disk: SimulatedDisk, change: DiskChange) => void;
}

export class SimulatedDisk implements DiskTruth {
  readonly serialNumber: string;
  readonly sizeBytes: number;
  readonly bus: DescribedDisk["bus"];
  slot: number;
  name = "";
  isOpen = false;
  /** Whatever touches this byte, or one after it, fails. */
  badFromByte: number | undefined;
  readonly #options: SimulatedDiskOptions;
  readonly #pages = new Map<number, Uint8Array>();
  /** What the medium holds of pages that were changed since the last flush; undefined: zeros. */
  readonly #onMedium = new Map<number, Uint8Array | undefined>();

  constructor(options: SimulatedDiskOptions) {
    this.#options = options;
    this.serialNumber = options.serialNumber;
    this.sizeBytes = options.sizeBytes;
    this.bus = options.bus;
    this.slot = options.slot;
  }

  get described(): DescribedDisk {
    const { serialNumber, sizeBytes, bus, slot, name } = this;
    return { serialNumber, sizeBytes, bus, slot, name };
  }

  /** In whole pages. */
  get unflushedBytes(): number {
    return this.#onMedium.size * pageBytes;
  }

  get system(): string | undefined {
    return systemOn(this);
  }

  peek(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    eachPage(offset, length, ({ page, within, at, count }) => {
      const held = this.#pages.get(page);
      if (held !== undefined) bytes.set(held.subarray(within, within + count), at);
    });
    return bytes;
  }

  holds(offset: number, bytes: Uint8Array): boolean {
    let isSame = true;
    eachPage(offset, bytes.length, ({ page, within, at, count }) => {
      const held = this.#pages.get(page) ?? zeroPage;
      const part = bytes.subarray(at, at + count);
      isSame &&= Buffer.compare(held.subarray(within, within + count), part) === 0;
    });
    return isSame;
  }

  keeps(offset: number, bytes: Uint8Array): boolean {
    let isKept = this.holds(offset, bytes);
    eachPage(offset, bytes.length, ({ page, within, at, count }) => {
      if (!this.#onMedium.has(page)) return;
      const kept = this.#onMedium.get(page) ?? zeroPage;
      const part = bytes.subarray(at, at + count);
      isKept &&= Buffer.compare(kept.subarray(within, within + count), part) === 0;
    });
    return isKept;
  }

  isZero(offset: number, length: number): boolean {
    const end = offset + length;
    for (const [page, held] of this.#pages) {
      const from = Math.max(0, offset - page * pageBytes);
      const to = Math.min(pageBytes, end - page * pageBytes);
      if (from < to && !isZero(held.subarray(from, to))) return false;
    }
    return true;
  }

  /** Puts content on the medium, past the port. */
  poke(offset: number, data: Uint8Array): void {
    this.#put(offset, data);
    this.#onMedium.clear();
  }

  /** As the port gives it, to one at a time. */
  open(): Result<Disk, DiskError> {
    if (this.isOpen) return err("busy", "Cannot open the disk: EBUSY");
    this.isOpen = true;
    return ok({
      sizeBytes: this.sizeBytes,
      sectorBytes,
      read: async (offset, length) => {
        const checked = this.#check("read", offset, length);
        return checked.ok ? ok(this.#read(offset, length)) : checked;
      },
      write: async (offset, data) => {
        const checked = this.#checkChange("write", offset, data.length);
        if (checked.ok) this.change({ change: "write", offset, length: data.length }, data);
        return checked;
      },
      zero: async (offset, length) => {
        const checked = this.#checkChange("zero", offset, length);
        if (checked.ok) this.change({ change: "zero", offset, length });
        return checked;
      },
      flush: async () => {
        const checked = this.#check("flush", 0, 0);
        if (checked.ok) this.flush();
        return checked;
      },
      close: async () => {
        this.isOpen = false;
      },
    });
  }

  /** What a program does to it. */
  change(change: DiskChange, data?: Uint8Array): void {
    if (data === undefined) this.#zero(change.offset, change.length);
    else this.#put(change.offset, data);
    this.#options.onChange(this, change);
  }

  flush(): void {
    this.#onMedium.clear();
  }

  /** Of what was written since the last flush some is kept, some lost, some half kept. */
  losePower(): void {
    const { random } = this.#options;
    this.isOpen = false;
    for (const [page, before] of this.#onMedium) {
      if (random.chance(tornChance))
        this.#tear(page, before, random.below(pageBytes / sectorBytes));
      else if (random.chance(0.5)) this.#restore(page, before);
    }
    this.#onMedium.clear();
  }

  /** The first sectors are new, the others old. */
  #tear(page: number, before: Uint8Array | undefined, sectors: number): void {
    const now = this.#pages.get(page) ?? zeroPage;
    const torn = Uint8Array.from(before ?? zeroPage);
    torn.set(now.subarray(0, sectors * sectorBytes));
    this.#pages.set(page, torn);
  }

  #restore(page: number, before: Uint8Array | undefined): void {
    if (before === undefined) this.#pages.delete(page);
    else this.#pages.set(page, before);
  }

  /** Erasing reads MiB after MiB to see that they are zero: the same zeros serve them all. */
  #read(offset: number, length: number): Uint8Array {
    const isUntouched = length <= zeros.length && this.isZero(offset, length);
    return isUntouched ? zeros.subarray(0, length) : this.peek(offset, length);
  }

  #checkChange(action: string, offset: number, length: number): Result<void, DiskError> {
    const fails = this.#options.failsNow();
    return fails ? eio(action, offset, length) : this.#check(action, offset, length);
  }

  #check(action: string, offset: number, length: number): Result<void, DiskError> {
    const isBad = this.badFromByte !== undefined && offset + length > this.badFromByte;
    const isInside = offset >= 0 && offset + length <= this.sizeBytes;
    return this.isOpen && isInside && !isBad ? ok(undefined) : eio(action, offset, length);
  }

  /** Pages are never changed in place after a flush: the medium's form is kept by reference. */
  #put(offset: number, data: Uint8Array): void {
    eachPage(offset, data.length, ({ page, within, at, count }) => {
      const part = data.subarray(at, at + count);
      const held = this.#pages.get(page);
      const mayChange = this.#onMedium.has(page) && held !== undefined;
      if (!this.#onMedium.has(page)) this.#onMedium.set(page, held);
      if (count === pageBytes) this.#pages.set(page, part.slice());
      else if (mayChange) held.set(part, within);
      else {
        const fresh = held === undefined ? new Uint8Array(pageBytes) : held.slice();
        fresh.set(part, within);
        this.#pages.set(page, fresh);
      }
    });
  }

  #zero(offset: number, length: number): void {
    const end = offset + length;
    for (const [page, held] of this.#pages) {
      const from = Math.max(0, offset - page * pageBytes);
      const to = Math.min(pageBytes, end - page * pageBytes);
      if (from >= to) continue;
      const isFresh = this.#onMedium.has(page) && held !== this.#onMedium.get(page);
      if (!this.#onMedium.has(page)) this.#onMedium.set(page, held);
      if (to - from === pageBytes) this.#pages.delete(page);
      else if (isFresh) held.fill(0, from, to);
      else this.#pages.set(page, held.slice().fill(0, from, to));
    }
  }
}

function eio(action: string, offset: number, length: number): Result<never, DiskError> {
  return err("io", `Cannot ${action} ${length} bytes at ${offset}: EIO`);
}

function isZero(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, zeroPage.subarray(0, bytes.length)) === 0;
}

interface Piece {
  readonly page: number;
  readonly within: number;
  /** In the data. */
  readonly at: number;
  readonly count: number;
}

function eachPage(offset: number, length: number, visit: (piece: Piece) => void): void {
  for (let at = 0; at < length;) {
    const page = Math.floor((offset + at) / pageBytes);
    const within = (offset + at) % pageBytes;
    const count = Math.min(pageBytes - within, length - at);
    visit({ page, within, at, count });
    at += count;
  }
}
