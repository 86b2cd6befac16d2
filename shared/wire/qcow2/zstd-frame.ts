// Where a zstd frame ends (RFC 8878 section 3.1.1). qcow2 keeps compressed clusters in whole sectors, and what
// follows the frame belongs to the next cluster. Unpacks nothing.

const magic = 0xfd2fb528;
const dictionaryBytes = [0, 1, 2, 4];
const contentSizeBytes = [0, 2, 4, 8];

/** Length of the frame at the beginning of `bytes`; undefined when it is none, or is not all there. */
export function zstdFrameBytes(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 6 || view.getUint32(0, true) !== magic) return undefined;
  const descriptor = view.getUint8(4);
  let at = headerLength(descriptor);
  for (let last = false; !last;) {
    if (at + 3 > bytes.length) return undefined;
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    last = (header & 1) === 1;
    // An RLE block has one byte, whatever size it stands for.
    at += 3 + (((header >> 1) & 3) === 1 ? 1 : header >> 3);
  }
  if ((descriptor & 4) !== 0) at += 4;
  return at > bytes.length ? undefined : at;
}

/** Magic, descriptor, and the fields that the descriptor announces (3.1.1.1). */
function headerLength(descriptor: number): number {
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const windowBytes = singleSegment ? 0 : 1;
  const sizeBytes = sizeFlag === 0 && singleSegment ? 1 : (contentSizeBytes[sizeFlag] ?? 0);
  return 5 + windowBytes + (dictionaryBytes[descriptor & 3] ?? 0) + sizeBytes;
}
