// The disk inside of a qcow2 image: walks the two-level cluster map in the disk's order and takes each cluster
// from wherever it is in the file. Holds one L2 table, one page of the L1 table and one block.
import { err, ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import { l2Coverage, readL1Entry, readL2Entry } from "../../../shared/wire/qcow2/qcow2-entries.ts";
import type { Cluster } from "../../../shared/wire/qcow2/qcow2-entries.ts";
import type { Qcow2Header } from "../../../shared/wire/qcow2/qcow2-header.ts";
import { zstdFrameBytes } from "../../../shared/wire/qcow2/zstd-frame.ts";
import type { Compression } from "../../ports.ts";
import type { ImageErrorKind } from "../port.ts";
import { blockBytes } from "./disk-reader.ts";
import type { Block, DiskReader, ImageFile } from "./disk-reader.ts";

type ReadResult<T> = Promise<Result<T, ImageErrorKind>>;

export function makeQcow2Disk(
  header: Qcow2Header,
  file: ImageFile,
  compression: Compression,
): DiskReader {
  const map = makeClusterMap(header, file);
  const clusters = makeClusterReader(header, file, compression);
  const { virtualBytes, clusterBytes } = header;

  /** What fills [offset, end): one entry for each cluster, or part of a cluster, that is not zero. */
  async function plan(offset: number, end: number): ReadResult<Part[]> {
    const parts: Part[] = [];
    for (let at = offset; at < end;) {
      const inside = at % clusterBytes;
      const length = Math.min(clusterBytes - inside, end - at);
      const cluster = await map.find(at);
      if (!cluster.ok) return cluster;
      if (cluster.value.kind !== "zero") {
        parts.push({ cluster: cluster.value, inside, at: at - offset, length });
      }
      at += length;
    }
    return ok(parts);
  }

  return {
    virtualBytes,
    async read(offset): ReadResult<Block> {
      const empty = await map.emptyUntil(offset);
      if (!empty.ok) return empty;
      const end = Math.min(offset + blockBytes, virtualBytes);
      if (empty.value >= end) return ok({ kind: "zero", length: empty.value - offset });
      const parts = await plan(offset, end);
      if (!parts.ok) return parts;
      if (parts.value.length === 0) return ok({ kind: "zero", length: end - offset });
      const bytes = new Uint8Array(end - offset);
      const filled = await Promise.all(
        joinNeighbours(parts.value).map((part) => clusters.fill(part, bytes)),
      );
      const failed = filled.find((result) => !result.ok);
      return failed === undefined || failed.ok ? ok({ kind: "data", bytes }) : failed;
    },
  };
}

interface Part {
  readonly cluster: Exclude<Cluster, { kind: "zero" }>;
  /** First byte wanted, from the cluster's start. */
  readonly inside: number;
  /** Where it goes in the block. */
  readonly at: number;
  readonly length: number;
}

/** Plain clusters that follow each other on disk and in the file are one read. */
function joinNeighbours(parts: readonly Part[]): Part[] {
  const joined: Part[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    const follows =
      last?.cluster.kind === "plain" &&
      part.cluster.kind === "plain" &&
      part.at === last.at + last.length &&
      part.cluster.offset + part.inside === last.cluster.offset + last.inside + last.length;
    if (last === undefined || !follows) joined.push(part);
    else joined[joined.length - 1] = { ...last, length: last.length + part.length };
  }
  return joined;
}

/** Finds clusters; remembers the last L2 table and the last page of the L1 table. */
function makeClusterMap(header: Qcow2Header, file: ImageFile) {
  const coverage = l2Coverage(header);
  const l1Bytes = header.l1Entries * 8;
  const pageBytes = 64 * 1024;
  const l1 = { page: -1, view: new DataView(new ArrayBuffer(0)) };
  const l2 = { table: -1, view: new DataView(new ArrayBuffer(0)) };

  async function readTable(offset: number, length: number): ReadResult<DataView> {
    const bytes = await file.readAhead(offset, length);
    if (!bytes.ok) return bytes;
    if (bytes.value.length < length)
      return damaged(`a table at ${offset} is beyond the file's end`);
    return ok(new DataView(bytes.value.buffer, bytes.value.byteOffset, length));
  }

  async function l1Entry(index: number): ReadResult<number> {
    const page = Math.floor((index * 8) / pageBytes);
    if (page !== l1.page) {
      const start = page * pageBytes;
      const view = await readTable(header.l1Offset + start, Math.min(pageBytes, l1Bytes - start));
      if (!view.ok) return view;
      Object.assign(l1, { page, view: view.value });
    }
    return readL1Entry(l1.view.getBigUint64((index * 8) % pageBytes), header);
  }

  return {
    /** The end of the hole that begins here; `offset` itself when there may be data. */
    async emptyUntil(offset: number): ReadResult<number> {
      const index = Math.floor(offset / coverage.bytes);
      const table = await l1Entry(index);
      if (!table.ok) return table;
      if (table.value !== 0) return ok(offset);
      const end = (index + 1) * coverage.bytes;
      if (end >= header.virtualBytes) return ok(header.virtualBytes);
      return ok(Math.max(offset, end - (end % blockBytes)));
    },
    async find(offset: number): ReadResult<Cluster> {
      const table = await l1Entry(Math.floor(offset / coverage.bytes));
      if (!table.ok) return table;
      if (table.value === 0) return ok({ kind: "zero" });
      if (table.value !== l2.table) {
        const view = await readTable(table.value, header.clusterBytes);
        if (!view.ok) return view;
        Object.assign(l2, { table: table.value, view: view.value });
      }
      const index = Math.floor(offset / header.clusterBytes) % coverage.entries;
      return readL2Entry(l2.view.getBigUint64(index * 8), header);
    },
  };
}

/** Brings clusters' bytes into a block. */
function makeClusterReader(header: Qcow2Header, file: ImageFile, compression: Compression) {
  let plainBytes = 0;
  // Clusters may be larger than blocks: the next block wants the rest of the same one.
  let unpacked: { offset: number; bytes: Uint8Array } | undefined;

  async function readPlain(part: Part, block: Uint8Array): ReadResult<void> {
    const start = part.cluster.offset + part.inside;
    const bytes = await file.read(start, part.length);
    if (!bytes.ok) return bytes;
    // QEMU does not fill the last cluster of a file up: only a cluster that does not even begin is missing.
    const lastByte = start + part.length - 1;
    const lastCluster = lastByte - (lastByte % header.clusterBytes);
    const end = start + bytes.value.length;
    if (end <= Math.min(lastByte, lastCluster)) {
      return damaged(`a cluster at ${lastCluster} is beyond the file's end`);
    }
    // No two places of a disk share a cluster, so the file is as long as all of them: or they would multiply.
    plainBytes += bytes.value.length;
    if (file.totalBytes !== undefined && plainBytes > file.totalBytes) {
      return damaged("clusters are used more than once");
    }
    block.set(bytes.value, part.at);
    return ok(undefined);
  }

  async function unpack(offset: number, length: number): ReadResult<Uint8Array> {
    const bytes = await file.read(offset, length);
    if (!bytes.ok) return bytes;
    const zstd = header.compression === "zstd";
    const frameBytes = zstd ? zstdFrameBytes(bytes.value) : bytes.value.length;
    if (frameBytes === undefined) return damaged(`the cluster at ${offset} is no zstd frame`);
    const packed = bytes.value.subarray(0, frameBytes);
    const plain = zstd
      ? await compression.zstdDecompress(packed, header.clusterBytes)
      : await compression.inflateRaw(packed, header.clusterBytes);
    if (!plain.ok || plain.value.length !== header.clusterBytes) {
      return damaged(`the cluster at ${offset} cannot be unpacked`);
    }
    return plain;
  }

  async function readPacked(part: Part, length: number, block: Uint8Array): ReadResult<void> {
    const { offset } = part.cluster;
    if (unpacked?.offset !== offset) {
      const bytes = await unpack(offset, length);
      if (!bytes.ok) return bytes;
      unpacked = { offset, bytes: bytes.value };
      block.set(bytes.value.subarray(part.inside, part.inside + part.length), part.at);
      return ok(undefined);
    }
    block.set(unpacked.bytes.subarray(part.inside, part.inside + part.length), part.at);
    return ok(undefined);
  }

  return {
    fill: (part: Part, block: Uint8Array): ReadResult<void> =>
      part.cluster.kind === "plain"
        ? readPlain(part, block)
        : readPacked(part, part.cluster.length, block),
  };
}

function damaged(what: string): Result<never, "format"> {
  return err("format", `The qcow2 image is damaged: ${what}; make it anew with qemu-img convert`);
}
