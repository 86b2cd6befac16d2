// A site's imaging with memory for a disk, a function for an image server and a clock that tests move.
import { createHash } from "node:crypto";
import { makeVirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import { makeExtentStreamDecoder } from "../../shared/protocol/extent-stream-decoder.ts";
import type { Frame } from "../../shared/protocol/extent-stream.ts";
import { makeNodeCrypto } from "../../site-agent/adapters/node-crypto.ts";
import { makeImages } from "../../site-agent/imaging/images.ts";
import type { ImagingConfig } from "../../site-agent/imaging/imaging-tools.ts";
import type { ImageSource, OpenImage } from "../../site-agent/imaging/port.ts";
import type { HttpError, HttpRequest } from "../../site-agent/ports.ts";
import type { Progress } from "../../shared/protocol/ramdisk.ts";
import { makeFakeFiles } from "./fake-files.ts";
import { makeFakeHttpClient } from "./fake-http-client.ts";
import type { FakeAnswer } from "./fake-http-client.ts";
import { syncCompression } from "./sync-compression.ts";

export const imageUrl = "http://images.example/disk.img";
export const cacheDirectory = "/cache";

export function makeImagingWorld(answer: (request: HttpRequest) => FakeAnswer | HttpError) {
  const files = makeFakeFiles();
  const clock = makeVirtualClock();
  const logged: string[] = [];
  const note = (message: string): void => void logged.push(message);
  const http = makeFakeHttpClient((request) => answer(request));
  return {
    files,
    clock,
    http,
    logged,
    /** A start of the agent: the disk's content stays. */
    start: (config: Partial<ImagingConfig> = {}) =>
      makeImages({
        http,
        files,
        clock,
        crypto: makeNodeCrypto(),
        compression: syncCompression,
        log: { info: note, warn: note, error: note },
        config: { cacheDirectory, cacheBytes: 2 ** 30, ...config },
      }),
  };
}

export function digestOf(bytes: Uint8Array, algorithm = "sha256"): string {
  return createHash(algorithm).update(bytes).digest("hex");
}

/** A whole file with its length, and its ranges when asked. */
export function wholeFile(
  bytes: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): (request: HttpRequest) => FakeAnswer {
  return (request) => {
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers?.["range"] ?? "");
    const from = Number(range?.[1] ?? 0);
    const to = range === null || range[2] === "" ? bytes.length - 1 : Number(range[2]);
    const part = bytes.subarray(from, to + 1);
    const length = { "content-length": String(part.length), ...headers };
    if (range === null) return { status: 200, headers: length, body: part };
    const contentRange = `bytes ${from}-${to}/${bytes.length}`;
    return { status: 206, headers: { ...length, "content-range": contentRange }, body: part };
  };
}

export function sourceOf(bytes: Uint8Array, source: Partial<ImageSource> = {}): ImageSource {
  return { url: imageUrl, checksum: digestOf(bytes), checksumType: "auto", ...source };
}

export interface Brought {
  readonly frames: readonly Frame[];
  /** Types in order, equal neighbours once. */
  readonly order: string;
  readonly error: string | undefined;
}

export async function readFrames(image: OpenImage): Promise<Brought> {
  const decoder = makeExtentStreamDecoder();
  const frames: Frame[] = [];
  for await (const chunk of image.frames()) {
    const got = decoder.push(chunk);
    if (!got.ok) return { frames, order: orderOf(frames), error: got.error.kind };
    frames.push(...got.value);
  }
  const finished = decoder.finish();
  return { frames, order: orderOf(frames), error: finished.ok ? undefined : finished.error.kind };
}

function orderOf(frames: readonly Frame[]): string {
  return frames
    .map(({ type }) => type)
    .filter((type, index, types) => type !== types[index - 1])
    .join(" ");
}

/** Opens without caring for progress or giving up; throws when it fails. */
export async function openImage(
  images: ReturnType<ReturnType<typeof makeImagingWorld>["start"]>,
  source: ImageSource,
  onProgress: (progress: Progress) => void = () => {},
): Promise<OpenImage> {
  const opened = await images.open(source, onProgress, new AbortController().signal);
  if (!opened.ok) throw new Error(`${opened.error.kind}: ${opened.error.message}`);
  return opened.value;
}
