// The Compression port without compressing: what the agent packs is copied behind a mark, and what has the mark is
// copied back. Everything else, as clusters of an image, is unpacked for good. Agent and ramdisks need the same one.
import { err, ok } from "../../../../shared/result.ts";
import type { Compression } from "../../../../site-agent/ports.ts";
import { syncCompression } from "../../../support/sync-compression.ts";

/** No zstd frame begins so (RFC 8878 section 3.1). */
const mark = Uint8Array.of(0x53, 0x54, 0x4f, 0x52);

export const storedCompression: Compression = {
  ...syncCompression,
  async zstdCompress(data) {
    const packed = new Uint8Array(mark.length + data.length);
    packed.set(mark);
    packed.set(data, mark.length);
    return packed;
  },
  async zstdDecompress(data, maxBytes) {
    const isStored = mark.every((byte, at) => data[at] === byte);
    if (!isStored) return syncCompression.zstdDecompress(data, maxBytes);
    const plain = data.slice(mark.length);
    return plain.length > maxBytes
      ? err("too-large", `${plain.length} bytes are more than ${maxBytes}`)
      : ok(plain);
  },
};
