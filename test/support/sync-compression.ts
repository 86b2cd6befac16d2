// The Compression port without threads: results come in the same turn, so that a virtual clock knows when all
// is quiet.
import { inflateRawSync, zstdCompressSync, zstdDecompressSync, constants } from "node:zlib";
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { Compression, CompressionError } from "../../site-agent/ports.ts";

export const syncCompression: Compression = {
  async zstdCompress(data, level) {
    return zstdCompressSync(data, { params: { [constants.ZSTD_c_compressionLevel]: level } });
  },
  async zstdDecompress(data, maxBytes) {
    return bounded(() => zstdDecompressSync(data, { maxOutputLength: maxBytes }));
  },
  async inflateRaw(data, maxBytes) {
    return bounded(() => inflateRawSync(data, { maxOutputLength: maxBytes }));
  },
};

function bounded(work: () => Uint8Array): Result<Uint8Array, CompressionError> {
  try {
    return ok(work());
  } catch (cause) {
    const isTooLarge =
      cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE";
    return err(isTooLarge ? "too-large" : "corrupt", String(cause));
  }
}
