// Fills a disk with random bytes before a test and tells afterwards how much of them is left. The
// bytes come from a cipher with the seed as key, so nothing has to be remembered to compare.

import { createCipheriv, createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";

const blockBytes = 1024 * 1024;

/**
 * Overwrites the whole raw file with random bytes, so that no hole and no zero is left. About
 * 1 GB/s; the file takes its full size on the host's disk.
 */
export async function fillRandom(path: string, seed: string): Promise<void> {
  const { size } = await stat(path);
  const nextBlock = randomBlocks(seed);
  const file = await open(path, "r+");
  try {
    for (let offset = 0; offset < size; offset += blockBytes) {
      await file.write(nextBlock(), 0, Math.min(blockBytes, size - offset), offset);
    }
  } finally {
    await file.close();
  }
}

/** Offsets of the blocks of 1 MiB that still are as `fillRandom` wrote them. */
export async function findUntouched(path: string, seed: string): Promise<number[]> {
  const { size } = await stat(path);
  const nextBlock = randomBlocks(seed);
  const untouched: number[] = [];
  const file = await open(path, "r");
  try {
    const found = Buffer.alloc(blockBytes);
    for (let offset = 0; offset < size; offset += blockBytes) {
      const length = Math.min(blockBytes, size - offset);
      await file.read(found, 0, length, offset);
      const written = nextBlock();
      if (found.compare(written, 0, length, 0, length) === 0) untouched.push(offset);
    }
  } finally {
    await file.close();
  }
  return untouched;
}

function randomBlocks(seed: string): () => Buffer {
  const key = createHash("sha256").update(seed).digest().subarray(0, 16);
  const cipher = createCipheriv("aes-128-ctr", key, Buffer.alloc(16));
  const zeros = Buffer.alloc(blockBytes);
  return () => cipher.update(zeros);
}
