// The source file of one image as it arrives, on disk: written once from front to back, read anywhere by
// decoders that wait for what is not there yet. Holds one MiB in memory, whatever the file's size.
import { err, ok } from "../../../shared/result.ts";
import type { Failure, Result } from "../../../shared/result.ts";
import type { FileError, Files, OpenFile } from "../../ports.ts";
import { makeBell } from "../bell.ts";
import { isZero } from "../is-zero.ts";
import type { ImageErrorKind } from "../port.ts";

export interface Spool {
  /** In order. Returns when the bytes may be forgotten by the caller. */
  append(bytes: Uint8Array): Promise<Result<void, ImageErrorKind>>;
  /** No more will come. */
  finish(): Promise<Result<void, ImageErrorKind>>;
  /** Every read from now on, and those that wait, give this error. */
  fail(failure: Failure<ImageErrorKind>): void;
  /** Waits until the bytes have arrived. Fewer than asked for only at the end of the whole file. */
  read(offset: number, length: number): Promise<Result<Uint8Array, ImageErrorKind>>;
  /** Whether a read would not wait for the source. */
  has(offset: number, length: number): boolean;
  /** Length of the whole file, when all of it has arrived. */
  wholeBytes(): Promise<Result<number, ImageErrorKind>>;
  /** Closes and removes the file. */
  remove(): Promise<void>;
}

const bufferBytes = 1024 * 1024;

export async function makeSpool(
  files: Files,
  path: string,
): Promise<Result<Spool, ImageErrorKind>> {
  const opened = await files.open(path, "create");
  if (!opened.ok) return err("no-space", diskMessage(opened.error));
  return ok(spoolOn(opened.value, () => files.remove(path)));
}

/** A failure of our own disk in the words of an image's failure. */
export function diskMessage(error: Failure<FileError>): string {
  return error.kind === "full"
    ? "The agent's image cache is full; free space there or choose a smaller image"
    : `The agent's image cache cannot be used: ${error.message}`;
}

function spoolOn(file: OpenFile, unlink: () => Promise<unknown>): Spool {
  const bell = makeBell();
  const writer = makeWriter(file, () => bell.ring());
  let finished = false;
  let failure: Failure<ImageErrorKind> | undefined;

  const has = (offset: number, length: number): boolean =>
    finished || offset + length <= writer.writtenBytes();
  function fail(why: Failure<ImageErrorKind>): void {
    failure ??= why;
    bell.ring();
  }
  function noted<T>(result: Result<T, ImageErrorKind>): Result<T, ImageErrorKind> {
    if (!result.ok) fail(result.error);
    return result;
  }

  return {
    has,
    fail,
    append: async (bytes) => noted(await writer.append(bytes)),
    async finish() {
      const flushed = noted(await writer.flush());
      finished = flushed.ok;
      bell.ring();
      return flushed;
    },
    async read(offset, length) {
      while (failure === undefined && !has(offset, length)) await bell.next();
      if (failure !== undefined) return { ok: false, error: failure };
      const wanted = Math.max(0, Math.min(length, writer.writtenBytes() - offset));
      const read = await file.read(offset, wanted);
      if (!read.ok) return err("no-space", diskMessage(read.error));
      if (read.value.length === wanted) return ok(read.value);
      const padded = new Uint8Array(wanted);
      padded.set(read.value);
      return ok(padded);
    },
    async wholeBytes() {
      while (failure === undefined && !finished) await bell.next();
      return failure === undefined ? ok(writer.writtenBytes()) : { ok: false, error: failure };
    },
    async remove() {
      fail({ kind: "aborted", message: "The image's source has been put away" });
      await file.close();
      await unlink();
    },
  };
}

/** Collects what arrives into writes of one MiB. */
function makeWriter(file: OpenFile, onWritten: () => void) {
  const buffer = new Uint8Array(bufferBytes);
  let buffered = 0;
  let written = 0;

  async function flush(): Promise<Result<void, ImageErrorKind>> {
    // Zeros are not written: what lies behind the file's end is read as zero, and so are its holes.
    const full = buffer.subarray(0, buffered);
    const stored = isZero(full) ? ok(undefined) : await file.write(written, full);
    if (!stored.ok) return err("no-space", diskMessage(stored.error));
    written += buffered;
    buffered = 0;
    onWritten();
    return ok(undefined);
  }

  return {
    flush,
    writtenBytes: () => written,
    async append(bytes: Uint8Array): Promise<Result<void, ImageErrorKind>> {
      for (let at = 0; at < bytes.length;) {
        const use = Math.min(bytes.length - at, bufferBytes - buffered);
        buffer.set(bytes.subarray(at, at + use), buffered);
        buffered += use;
        at += use;
        const flushed = buffered === bufferBytes ? await flush() : ok(undefined);
        if (!flushed.ok) return flushed;
      }
      return ok(undefined);
    },
  };
}
