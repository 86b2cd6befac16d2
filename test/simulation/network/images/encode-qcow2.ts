// Writes a disk as a qcow2 image, version 3 (QEMU docs/interop/qcow2.rst): holes where it is zero, every second
// cluster of data packed. By nothing of the product.
import { deflateRawSync } from "node:zlib";

const clusterBits = 16;
const clusterBytes = 2 ** clusterBits;
const headerBytes = 104;
const copied = 1n << 63n;
const packed = 1n << 62n;
/** A packed cluster's entry: its place in the lower bits, then how many sectors more than one it takes. */
const packedOffsetBits = BigInt(62 - (clusterBits - 8));

/** Up to 512 MiB, as one L2 table maps them. */
export function encodeQcow2(disk: Uint8Array): Uint8Array {
  const l2Entries = clusterBytes / 8;
  if (disk.length > l2Entries * clusterBytes)
    throw new Error("the disk is larger than one L2 maps");
  const l2 = Buffer.alloc(clusterBytes);
  const data: Buffer[] = [];
  // Header, refcount table, refcount block, L1 table, L2 table.
  const firstData = 5;
  for (let at = 0; at < disk.length; at += clusterBytes) {
    const cluster = Buffer.alloc(clusterBytes);
    cluster.set(disk.subarray(at, at + clusterBytes));
    if (cluster.every((byte) => byte === 0)) continue;
    const offset = BigInt((firstData + data.length) * clusterBytes);
    const isPacked = data.length % 2 === 1;
    const bytes = isPacked ? deflateRawSync(cluster) : cluster;
    const moreSectors = BigInt(Math.ceil(bytes.length / 512) - 1);
    const entry = isPacked ? packed | (moreSectors << packedOffsetBits) | offset : copied | offset;
    l2.writeBigUInt64BE(entry, (at / clusterBytes) * 8);
    const place = Buffer.alloc(clusterBytes);
    place.set(bytes);
    data.push(place);
  }
  const l1 = Buffer.alloc(clusterBytes);
  l1.writeBigUInt64BE(copied | BigInt(4 * clusterBytes), 0);
  const table = Buffer.alloc(clusterBytes);
  table.writeBigUInt64BE(BigInt(2 * clusterBytes), 0);
  const counts = Buffer.alloc(clusterBytes);
  for (let used = 0; used < firstData + data.length; used += 1) counts.writeUInt16BE(1, used * 2);
  return new Uint8Array(Buffer.concat([header(disk.length), table, counts, l1, l2, ...data]));
}

function header(virtualBytes: number): Buffer {
  const bytes = Buffer.alloc(clusterBytes);
  bytes.write("QFI\xfb", 0, "latin1");
  bytes.writeUInt32BE(3, 4);
  bytes.writeUInt32BE(clusterBits, 20);
  bytes.writeBigUInt64BE(BigInt(virtualBytes), 24);
  bytes.writeUInt32BE(1, 36);
  bytes.writeBigUInt64BE(BigInt(3 * clusterBytes), 40);
  bytes.writeBigUInt64BE(BigInt(clusterBytes), 48);
  bytes.writeUInt32BE(1, 56);
  // Refcounts of 2^4 bits.
  bytes.writeUInt32BE(4, 96);
  bytes.writeUInt32BE(headerBytes, 100);
  return bytes;
}
