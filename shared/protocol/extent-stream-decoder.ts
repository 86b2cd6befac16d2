// Reads an extent stream from chunks of any size and checks all that can be checked without unpacking:
// bounds, order, that every byte of the disk is named once, and the content digest. Holds one frame at most.
import { toHex } from "../bytes.ts";
import { err, ok } from "../result.ts";
import type { Result } from "../result.ts";
import {
  diskParts,
  extentStreamVersion,
  frameTypes,
  granuleBytes,
  headerBytes,
  magic,
  makeContentDigest,
  maxExtentBytes,
  maxFailureKindBytes,
  maxFailureMessageBytes,
  maxPackedBytes,
} from "./extent-stream.ts";
import type { DataExtent, Extent, Frame } from "./extent-stream.ts";

export type StreamErrorKind = "corrupt" | "version" | "truncated";

export interface ExtentStreamDecoder {
  /**
   * The frames that are complete with this chunk, in order. `end` comes only when the content digest agrees.
   * An error is final: every later call gives it again.
   */
  push(chunk: Uint8Array): Result<readonly Frame[], StreamErrorKind>;
  /** Call when the transfer has ended: "truncated" unless `end` or `failure` was the last frame. */
  finish(): Result<void, StreamErrorKind>;
}

export function makeExtentStreamDecoder(): ExtentStreamDecoder {
  const gather = makeGatherer(headerBytes);
  const order = makeOrder();
  let parse: Parser = parseHeader;
  let failed: Result<never, StreamErrorKind> | undefined;

  function step(bytes: Uint8Array): Result<Frame | undefined, StreamErrorKind> {
    const parsed = parse(bytes);
    if (!parsed.ok) return parsed;
    if (parsed.value.next !== undefined) {
      parse = parsed.value.next.parse;
      gather.want(parsed.value.next.bytes);
      return ok(undefined);
    }
    const { frame } = parsed.value;
    const fits = order.check(frame);
    if (!fits.ok) return fits;
    parse = parseType;
    gather.want(1);
    return ok(frame);
  }

  return {
    push(chunk) {
      if (failed !== undefined) return failed;
      const frames: Frame[] = [];
      for (let rest = chunk; ;) {
        const bytes = gather.take(rest);
        if (bytes === undefined) return ok(frames);
        rest = bytes.rest;
        const frame = step(bytes.whole);
        if (!frame.ok) {
          failed = frame;
          return failed;
        }
        if (frame.value !== undefined) frames.push(frame.value);
      }
    },
    finish() {
      if (failed !== undefined) return failed;
      if (order.ended()) return ok(undefined);
      return err("truncated", "The extent stream was cut off before its end; fetch it again");
    },
  };
}

/** Collects exactly the wanted number of bytes from chunks of any size. Allocates only what is wanted. */
function makeGatherer(firstBytes: number) {
  let buffer = new Uint8Array(firstBytes);
  let filled = 0;
  return {
    want(bytes: number): void {
      buffer = new Uint8Array(bytes);
      filled = 0;
    },
    take(chunk: Uint8Array): { whole: Uint8Array; rest: Uint8Array } | undefined {
      const use = Math.min(chunk.length, buffer.length - filled);
      buffer.set(chunk.subarray(0, use), filled);
      filled += use;
      // Nothing is read ahead: without a byte left there is no next frame to start.
      if (filled < buffer.length) return undefined;
      return { whole: buffer, rest: chunk.subarray(use) };
    },
  };
}

type Parsed =
  | { readonly frame: Frame; readonly next?: undefined }
  | { readonly next: { readonly bytes: number; readonly parse: Parser } };
type Parser = (bytes: Uint8Array) => Result<Parsed, StreamErrorKind>;

function corrupt(what: string): Result<never, StreamErrorKind> {
  return err("corrupt", `The extent stream is damaged: ${what}; fetch it again`);
}

const parseHeader: Parser = (bytes) => {
  if (magic.some((byte, index) => bytes[index] !== byte)) return corrupt("it has no header");
  const version = viewOf(bytes).getUint32(8);
  if (version !== extentStreamVersion) {
    return err("version", `Extent stream version ${version} is not known here; update the ramdisk`);
  }
  const virtualBytes = readU64(bytes, 12);
  if (virtualBytes === undefined || virtualBytes === 0 || virtualBytes % 512 !== 0) {
    return corrupt("its disk size is not possible");
  }
  return ok({ frame: { type: "header", virtualBytes } });
};

const parseZero: Parser = (bytes) => {
  const offset = readU64(bytes, 0);
  const length = readU64(bytes, 8);
  if (offset === undefined || length === undefined || length === 0) return corrupt("a zero extent");
  return ok({ frame: { type: "zero", offset, length } });
};

const parseData: Parser = (bytes) => {
  const view = viewOf(bytes);
  const offset = readU64(bytes, 0);
  const length = view.getUint32(8);
  const packedLength = view.getUint32(12);
  if (offset === undefined || length === 0 || length > maxExtentBytes) {
    return corrupt("a data extent's place");
  }
  if (packedLength === 0 || packedLength > maxPackedBytes) return corrupt("a data extent's length");
  const digest = bytes.slice(16, 48);
  return more(packedLength, (packed) =>
    ok({ frame: { type: "data", offset, length, digest, packed } }),
  );
};

const parseVerified: Parser = (bytes) =>
  ok({ frame: { type: "verified", contentDigest: toHex(bytes) } });

const parseFailure: Parser = (bytes) => {
  const kindLength = bytes[0] ?? 0;
  if (kindLength === 0 || kindLength > maxFailureKindBytes) return corrupt("a failure's kind");
  return more(kindLength + 2, (head) => {
    const kind = text(head.subarray(0, kindLength));
    const length = viewOf(head).getUint16(kindLength);
    if (length > maxFailureMessageBytes) return corrupt("a failure's message");
    if (length === 0) return ok({ frame: { type: "failure", kind, message: "" } });
    return more(length, (message) =>
      ok({ frame: { type: "failure", kind, message: text(message) } }),
    );
  });
};

const parsers: ReadonlyMap<number, { readonly bytes: number; readonly parse: Parser }> = new Map([
  [frameTypes.zero.code, { bytes: frameTypes.zero.fixedBytes, parse: parseZero }],
  [frameTypes.data.code, { bytes: frameTypes.data.fixedBytes, parse: parseData }],
  [frameTypes.verified.code, { bytes: frameTypes.verified.fixedBytes, parse: parseVerified }],
  [frameTypes.failure.code, { bytes: frameTypes.failure.fixedBytes, parse: parseFailure }],
]);

function parseType(bytes: Uint8Array): Result<Parsed, StreamErrorKind> {
  const code = bytes[0] ?? 0;
  if (code === frameTypes.waiting.code) return ok({ frame: { type: "waiting" } });
  if (code === frameTypes.end.code) return ok({ frame: { type: "end" } });
  const next = parsers.get(code);
  return next === undefined ? corrupt(`frame type ${code} is unknown`) : ok({ next });
}

function more(bytes: number, parse: Parser): Result<Parsed, StreamErrorKind> {
  return ok({ next: { bytes, parse } });
}

/** The rules between frames: parts in order, no gap, no overlap, digest agrees, nothing after the end. */
function makeOrder() {
  let disk = makeDiskOrder(0);
  let ended = false;
  return {
    ended: () => ended,
    check(frame: Frame): Result<void, StreamErrorKind> {
      if (ended) return corrupt("more follows after its end");
      switch (frame.type) {
        case "header":
          disk = makeDiskOrder(frame.virtualBytes);
          return ok(undefined);
        case "zero":
        case "data":
          return disk.extent(frame);
        case "verified":
          return disk.verified(frame.contentDigest);
        case "waiting":
          return ok(undefined);
        case "end": {
          const whole = disk.end();
          ended = whole.ok;
          return whole;
        }
        case "failure":
          ended = true;
          return ok(undefined);
      }
    },
  };
}

function makeDiskOrder(virtualBytes: number) {
  const digest = makeContentDigest(virtualBytes);
  const { bodyStart, tailStart } = diskParts(virtualBytes);
  /** Where the next extent of each part must begin, and where the part ends. */
  const body = { at: bodyStart, end: tailStart };
  const head = { at: 0, end: bodyStart };
  const tail = { at: tailStart, end: virtualBytes };
  let claimed: string | undefined;
  return {
    extent(extent: Extent): Result<void, StreamErrorKind> {
      const due = claimed === undefined ? [body] : [head, tail];
      const part = due.find(({ at, end }) => at < end);
      if (part === undefined || extent.offset !== part.at || extent.length > part.end - part.at) {
        return corrupt(`an extent at ${extent.offset} is out of order`);
      }
      part.at += extent.length;
      if (part.at % granuleBytes !== 0 && part.at !== part.end) {
        return corrupt(`the extent at ${extent.offset} ends in the middle of a granule`);
      }
      digest.add(extent);
      return ok(undefined);
    },
    verified(contentDigest: string): Result<void, StreamErrorKind> {
      if (claimed !== undefined || body.at < body.end) return corrupt("`verified` is out of order");
      claimed = contentDigest;
      return ok(undefined);
    },
    end(): Result<void, StreamErrorKind> {
      if (claimed === undefined || [body, head, tail].some(({ at, end }) => at < end)) {
        return corrupt("it ends before the disk does");
      }
      if (digest.finish() !== claimed) return corrupt("its content digest does not agree");
      return ok(undefined);
    },
  };
}

/**
 * The plain bytes of a data extent, when length and digest agree. `unzstd` must fail or stop at `maxBytes`;
 * `sha256` gives 32 bytes.
 */
export async function unpackExtent(
  extent: DataExtent,
  tools: {
    unzstd(packed: Uint8Array, maxBytes: number): Promise<Result<Uint8Array>>;
    sha256(plain: Uint8Array): Uint8Array;
  },
): Promise<Result<Uint8Array, "corrupt">> {
  const plain = await tools.unzstd(extent.packed, extent.length);
  const good =
    plain.ok &&
    plain.value.length === extent.length &&
    toHex(tools.sha256(plain.value)) === toHex(extent.digest);
  if (good) return ok(plain.value);
  return err(
    "corrupt",
    `The extent at ${extent.offset} is not what its digest says; fetch it again`,
  );
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Undefined above 2^53 - 1: no disk is that large, and a number could not hold it. */
function readU64(bytes: Uint8Array, offset: number): number | undefined {
  const value = viewOf(bytes).getBigUint64(offset);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(value);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8").decode(bytes);
}
