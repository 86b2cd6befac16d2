// Bytes that make libblkid see an LVM volume, a swap area or a RAID member, written without their
// tools, which want block devices. Enough to be recognised, not to be used.

/** LVM2 physical volume (lib/format_text/layout.h): a label in the second sector. */
export function lvmLabel(): Buffer {
  const label = Buffer.alloc(512);
  label.write("LABELONE", 0, "latin1");
  label.writeBigUInt64LE(1n, 8);
  label.writeUInt32LE(32, 20);
  label.write("LVM2 001", 24, "latin1");
  label.write("farrierolddatafarrierolddata1234", 32, "latin1");
  label.writeBigUInt64LE(128n * 1024n * 1024n, 64);
  // The checksum covers the sector from its own end on.
  label.writeUInt32LE(lvmCrc(label.subarray(20)), 16);
  return label;
}

// CRC-32 with LVM's own start value and without a final inversion.
function lvmCrc(bytes: Uint8Array): number {
  let crc = 0xf597a6cf;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return crc >>> 0;
}

/** Swap area (mm/swapfile.c, union swap_header): the first page, version 1, 1000 pages. */
export function swapHeader(): Buffer {
  const page = Buffer.alloc(4096);
  page.writeUInt32LE(1, 1024);
  page.writeUInt32LE(1000, 1028);
  page.write("SWAPSPACE2", 4086, "latin1");
  return page;
}

/**
 * RAID member with the superblock at the end (md, metadata 1.0): 8 KiB before the end, down to a
 * multiple of 4 KiB (md_p.h, struct mdp_superblock_1).
 */
export function mdMember(deviceBytes: number): { readonly offset: number; readonly bytes: Buffer } {
  const sectors = Math.floor(deviceBytes / 512);
  const sector = Math.floor((sectors - 16) / 8) * 8;
  const block = Buffer.alloc(4096);
  block.writeUInt32LE(0xa92b4efc, 0);
  block.writeUInt32LE(1, 4);
  block.write("farrier-old-raid", 16, "latin1");
  block.write("old:raid", 32, "latin1");
  block.writeUInt32LE(1, 72);
  block.writeBigUInt64LE(BigInt(sector), 80);
  block.writeUInt32LE(2, 92);
  block.writeBigUInt64LE(BigInt(sector), 136);
  block.writeBigUInt64LE(BigInt(sector), 144);
  block.writeUInt32LE(mdChecksum(block.subarray(0, 256)), 216);
  return { offset: sector * 512, bytes: block };
}

// Sum of 32-bit words, carries added back in; the checksum itself counts as zero.
function mdChecksum(superblock: Buffer): number {
  let sum = 0n;
  for (let offset = 0; offset < 256; offset += 4) sum += BigInt(superblock.readUInt32LE(offset));
  return Number((sum & 0xffffffffn) + (sum >> 32n)) >>> 0;
}
