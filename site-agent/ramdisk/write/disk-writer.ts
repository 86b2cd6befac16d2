// Puts extents on a disk as they come. The first and the last MiB of the image stay in memory: who has them
// written last can be sure that a broken write never boots.
import { unpackExtent } from "../../../shared/protocol/extent-stream-decoder.ts";
import { diskParts } from "../../../shared/protocol/extent-stream.ts";
import type { DataExtent, Extent } from "../../../shared/protocol/extent-stream.ts";
import { err, ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import type { DiskPiece } from "../../../shared/wire/gpt/disk-pieces.ts";
import type { Disk, DiskError } from "../ports.ts";
import type { StepContext } from "../step.ts";

/** A longer run of zeros waits until the stream is over: meanwhile its sender might take us for dead. */
const longZeroBytes = 256 * 1024 * 1024;
/** One command to the disk; in between the step can be cancelled. */
const zeroStepBytes = 1024 * 1024 * 1024;

export type WriteError = "stream" | "io" | "cancelled";

export interface DiskWriterOptions {
  readonly disk: Disk;
  readonly context: StepContext;
  readonly virtualBytes: number;
  /** Upper bound; 0: none. */
  readonly bytesPerSecond: number;
}

export class DiskWriter {
  /** The first and the last MiB of the image, complete after the last extent. */
  readonly withheld: readonly DiskPiece[];
  readonly #options: DiskWriterOptions;
  readonly #throttle: (bytes: number) => Promise<void>;
  readonly #longZeros: { readonly offset: number; readonly length: number }[] = [];
  /** One write is under way while the next extent is received and unpacked. */
  #underWay: Promise<Result<void, DiskError>> = Promise.resolve(ok(undefined));
  #writtenBytes = 0;
  #zeroedBytes = 0;

  constructor(options: DiskWriterOptions) {
    const { bodyStart, tailStart } = diskParts(options.virtualBytes);
    const tailBytes = options.virtualBytes - tailStart;
    this.#options = options;
    this.#throttle = makeThrottle(options);
    this.withheld = [
      { offset: 0, bytes: new Uint8Array(bodyStart) },
      { offset: tailStart, bytes: new Uint8Array(tailBytes) },
    ];
  }

  /** Bytes of data written, and bytes made zero, so far; the withheld ones included. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }
  get zeroedBytes(): number {
    return this.#zeroedBytes;
  }

  async put(extent: Extent): Promise<Result<void, WriteError>> {
    if (this.#options.context.signal.aborted) return cancelled();
    const held = this.#withheldAt(extent.offset);
    if (extent.type === "data") return this.#putData(extent, held);
    const { offset, length } = extent;
    // Withheld parts are zero from the start.
    if (held !== undefined) this.#zeroedBytes += length;
    else if (length < longZeroBytes) return this.#zero(offset, length);
    else this.#longZeros.push({ offset, length });
    return ok(undefined);
  }

  /** Writes what was put off, except the withheld parts, and returns when every write has ended. */
  async finish(): Promise<Result<void, WriteError>> {
    const written = await this.#writeEnded();
    if (!written.ok) return written;
    for (const { offset, length } of this.#longZeros.splice(0)) {
      const zeroed = await this.#zero(offset, length);
      if (!zeroed.ok) return zeroed;
    }
    return ok(undefined);
  }

  #withheldAt(place: number): DiskPiece | undefined {
    return this.withheld.find(
      ({ offset, bytes }) => place >= offset && place < offset + bytes.length,
    );
  }

  async #putData(
    extent: DataExtent,
    held: DiskPiece | undefined,
  ): Promise<Result<void, WriteError>> {
    const plain = await this.#unpack(extent);
    if (!plain.ok) return err("stream", plain.error.message);
    if (held === undefined) {
      const written = await this.#writeEnded();
      if (!written.ok) return written;
      this.#underWay = this.#options.disk.write(extent.offset, plain.value);
      await this.#throttle(plain.value.length);
    } else {
      held.bytes.set(plain.value, extent.offset - held.offset);
    }
    this.#writtenBytes += extent.length;
    return ok(undefined);
  }

  async #writeEnded(): Promise<Result<void, "io">> {
    const written = await this.#underWay;
    return written.ok ? ok(undefined) : err("io", written.error.message);
  }

  #unpack(extent: DataExtent): Promise<Result<Uint8Array, "corrupt">> {
    const { compression, crypto } = this.#options.context.ports;
    return unpackExtent(extent, {
      unzstd: (packed, maxBytes) => compression.zstdDecompress(packed, maxBytes),
      sha256(plain) {
        const hash = crypto.hash("sha256");
        hash.update(plain);
        return hash.digest();
      },
    });
  }

  async #zero(offset: number, length: number): Promise<Result<void, WriteError>> {
    const { disk, context } = this.#options;
    for (let done = 0; done < length; done += zeroStepBytes) {
      if (context.signal.aborted) return cancelled();
      const zeroed = await disk.zero(offset + done, Math.min(zeroStepBytes, length - done));
      if (!zeroed.ok) return err("io", zeroed.error.message);
    }
    this.#zeroedBytes += length;
    return ok(undefined);
  }
}

function cancelled(): Result<never, "cancelled"> {
  return err("cancelled", "Cancelled while the image was written");
}

/** Sleeps as long as the bytes so far are ahead of the permitted speed. */
function makeThrottle({ context, bytesPerSecond }: DiskWriterOptions) {
  const { clock } = context.ports;
  const startedAtMs = clock.monotonicMs();
  let bytes = 0;
  return async (more: number): Promise<void> => {
    if (bytesPerSecond === 0) return;
    bytes += more;
    const dueMs = startedAtMs + (bytes / bytesPerSecond) * 1000;
    const aheadMs = dueMs - clock.monotonicMs();
    if (aheadMs > 0) await clock.sleep(aheadMs, context.signal);
  };
}
