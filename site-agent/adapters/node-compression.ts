// The Compression port on node:zlib. Every output is bounded before it is made, so a bomb costs no
// more memory than its caller allowed.

import { promisify } from "node:util";
import { constants, inflateRaw, zstdCompress, zstdDecompress } from "node:zlib";
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { Compression, CompressionError } from "../ports.ts";

const zstdCompressAsync = promisify(zstdCompress);
const zstdDecompressAsync = promisify(zstdDecompress);
const inflateRawAsync = promisify(inflateRaw);

// 128 MiB, zstd's own default for decoders: a frame that asks for a larger window is refused.
const maxWindowLog = 27;

export const nodeCompression: Compression = {
  zstdCompress: (data, level) =>
    zstdCompressAsync(data, {
      params: { [constants.ZSTD_c_compressionLevel]: level },
      chunkSize: outputChunkBytes(data.length),
    }),
  zstdDecompress: (data, maxBytes) =>
    bounded(maxBytes, () =>
      zstdDecompressAsync(data, {
        params: { [constants.ZSTD_d_windowLogMax]: maxWindowLog },
        chunkSize: outputChunkBytes(maxBytes),
        maxOutputLength: Math.max(1, maxBytes),
      }),
    ),
  inflateRaw: (data, maxBytes) =>
    bounded(maxBytes, () =>
      inflateRawAsync(data, {
        chunkSize: outputChunkBytes(maxBytes),
        maxOutputLength: Math.max(1, maxBytes),
      }),
    ),
};

// zlib's default of 16 KiB means a thread hop and a copy for each 16 KiB of output.
function outputChunkBytes(expectedBytes: number): number {
  return Math.min(Math.max(expectedBytes, 1024), 1024 * 1024);
}

async function bounded(
  maxBytes: number,
  work: () => Promise<Uint8Array>,
): Promise<Result<Uint8Array, CompressionError>> {
  try {
    const bytes = await work();
    return bytes.length > maxBytes ? tooLarge(maxBytes) : ok(bytes);
  } catch (cause) {
    if (cause instanceof RangeError) return tooLarge(maxBytes);
    const why = cause instanceof Error ? cause.message : String(cause);
    return err("corrupt", `Compressed data is corrupt: ${why}`);
  }
}

function tooLarge(maxBytes: number): Result<Uint8Array, CompressionError> {
  return err("too-large", `Compressed data expands to more than ${maxBytes} bytes`);
}
