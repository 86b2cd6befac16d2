// Does with an extent stream what a ramdisk does, into a file: body at once, head and tail only after `end`.
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import {
  makeExtentStreamDecoder,
  unpackExtent,
} from "../../shared/protocol/extent-stream-decoder.ts";
import type { Extent, Frame } from "../../shared/protocol/extent-stream.ts";
import { nodeCompression } from "../../site-agent/adapters/node-compression.ts";

export interface Received {
  readonly virtualBytes: number;
  /** What was written; holes of the file are zeros. */
  readonly dataBytes: number;
  readonly ended: "end" | "failure" | "truncated" | "corrupt" | "version";
  readonly contentDigest: string | undefined;
  readonly failure: { kind: string; message: string } | undefined;
  /** Frame types in order; equal neighbours once. */
  readonly order: readonly string[];
}

/** `onFrame` is awaited for each frame, before it is acted upon. */
export async function receiveExtents(
  stream: AsyncIterable<Uint8Array>,
  path: string,
  onFrame: (frame: Frame) => void | Promise<void> = () => {},
): Promise<Received> {
  const file = await open(path, "w+");
  try {
    return await receive(stream, file, onFrame);
  } finally {
    await file.close();
  }
}

async function receive(
  stream: AsyncIterable<Uint8Array>,
  file: FileHandle,
  onFrame: (frame: Frame) => void | Promise<void>,
): Promise<Received> {
  const decoder = makeExtentStreamDecoder();
  const receiver = makeReceiver(file);
  for await (const chunk of stream) {
    const frames = decoder.push(chunk);
    if (!frames.ok) return { ...receiver.result, ended: frames.error.kind };
    for (const frame of frames.value) {
      await onFrame(frame);
      await receiver.take(frame);
    }
  }
  return receiver.result;
}

function makeReceiver(file: FileHandle) {
  const withheld: Extent[] = [];
  const order: string[] = [];
  const result: Writable<Received> = {
    virtualBytes: 0,
    dataBytes: 0,
    ended: "truncated",
    contentDigest: undefined,
    failure: undefined,
    order,
  };

  async function take(frame: Frame): Promise<void> {
    if (order.at(-1) !== frame.type) order.push(frame.type);
    switch (frame.type) {
      case "header":
        result.virtualBytes = frame.virtualBytes;
        return file.truncate(frame.virtualBytes);
      case "zero":
      case "data":
        if (result.contentDigest !== undefined) withheld.push(frame);
        else result.dataBytes += await put(file, frame);
        return;
      case "verified":
        result.contentDigest = frame.contentDigest;
        return;
      case "end":
        for (const extent of withheld) result.dataBytes += await put(file, extent);
        result.ended = "end";
        return;
      case "failure":
        result.ended = "failure";
        result.failure = frame;
        return;
      case "waiting":
        return;
    }
  }
  return { result, take };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

async function put(file: FileHandle, extent: Extent): Promise<number> {
  if (extent.type === "zero") return 0;
  const plain = await unpackExtent(extent, {
    unzstd: (packed, maxBytes) => nodeCompression.zstdDecompress(packed, maxBytes),
    sha256: (bytes) => createHash("sha256").update(bytes).digest(),
  });
  if (!plain.ok) throw new Error(plain.error.message);
  await file.write(plain.value, 0, null, extent.offset);
  return extent.length;
}
