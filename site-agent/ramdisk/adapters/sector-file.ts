// Reads and writes at any offset through transfers of whole sectors from page-aligned memory, as O_DIRECT
// wants them. One transfer at a time; the caller sees to that.

/** Of a file handle, what is used here. */
export interface Handle {
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }>;
  write(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesWritten: number }>;
}

declare const WebAssembly: {
  readonly Memory: new (options: { initial: number }) => { readonly buffer: ArrayBuffer };
};

export const chunkBytes = 1024 * 1024;
const wasmPageBytes = 65536;

export interface SectorFile {
  read(offset: number, length: number): Promise<Uint8Array>;
  write(offset: number, data: Uint8Array): Promise<void>;
}

export function makeSectorFile(handle: Handle, sectorBytes: number): SectorFile {
  // A Buffer is not page-aligned; a WebAssembly memory is.
  const memory = new WebAssembly.Memory({ initial: chunkBytes / wasmPageBytes });
  const buffer = new Uint8Array(memory.buffer);
  return {
    async read(offset, length) {
      const data = new Uint8Array(length);
      for (const part of chunks(offset, length, sectorBytes)) {
        await readWhole(handle, buffer, part);
        const from = part.at + part.skip - offset;
        data.set(buffer.subarray(part.skip, part.skip + part.take), from);
      }
      return data;
    },
    async write(offset, data) {
      for (const part of chunks(offset, data.length, sectorBytes)) {
        // Parts of sectors: keep the rest of them.
        if (part.take !== part.length) await readWhole(handle, buffer, part);
        const from = part.at + part.skip - offset;
        buffer.set(data.subarray(from, from + part.take), part.skip);
        await writeWhole(handle, buffer, part);
      }
    },
  };
}

interface Chunk {
  /** Whole sectors to transfer. */
  readonly at: number;
  readonly length: number;
  /** The wanted bytes within them. */
  readonly skip: number;
  readonly take: number;
}

function* chunks(offset: number, length: number, sectorBytes: number): Generator<Chunk> {
  const end = offset + length;
  for (let at = offset - (offset % sectorBytes); at < end; at += chunkBytes) {
    const skip = Math.max(0, offset - at);
    const take = Math.min(end - at, chunkBytes) - skip;
    yield { at, length: Math.ceil((skip + take) / sectorBytes) * sectorBytes, skip, take };
  }
}

async function readWhole(handle: Handle, buffer: Uint8Array, part: Chunk): Promise<void> {
  for (let done = 0; done < part.length;) {
    const { bytesRead } = await handle.read(buffer, done, part.length - done, part.at + done);
    if (bytesRead === 0) throw new Error(`the disk ends at ${part.at + done}`);
    done += bytesRead;
  }
}

async function writeWhole(handle: Handle, buffer: Uint8Array, part: Chunk): Promise<void> {
  for (let done = 0; done < part.length;) {
    const left = part.length - done;
    done += (await handle.write(buffer, done, left, part.at + done)).bytesWritten;
  }
}
