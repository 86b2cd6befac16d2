// Parts of a disk as bytes: what a caller has read, or what it shall write. No I/O here.

export interface DiskPiece {
  /** Bytes from the disk's start. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface DiskGeometry {
  readonly diskBytes: number;
  /** Logical sector size. */
  readonly sectorBytes: 512 | 4096;
}

/** The wanted bytes when one piece holds all of them. */
export function bytesAt(
  pieces: readonly DiskPiece[],
  offset: number,
  length: number,
): Uint8Array | undefined {
  const piece = pieces.find(
    (candidate) =>
      candidate.offset <= offset && offset + length <= candidate.offset + candidate.bytes.length,
  );
  return piece?.bytes.subarray(offset - piece.offset, offset - piece.offset + length);
}

/** Puts the writes into pieces of memory, where they meet; what lies outside of all pieces is left out. */
export function applyWrites(pieces: readonly DiskPiece[], writes: readonly DiskPiece[]): void {
  for (const write of writes) {
    for (const piece of pieces) {
      const from = Math.max(write.offset, piece.offset);
      const to = Math.min(write.offset + write.bytes.length, piece.offset + piece.bytes.length);
      if (from >= to) continue;
      const part = write.bytes.subarray(from - write.offset, to - write.offset);
      piece.bytes.set(part, from - piece.offset);
    }
  }
}
