// Installed memory: the sum of the memory devices in the SMBIOS table; what the kernel can use where a
// machine has no such table.
import type { SystemFiles } from "../ports.ts";
import { readText } from "./read-text.ts";

const memoryDevice = 17;
const endOfTable = 127;

/** MiB; 0 when nothing is known. */
export async function readMemoryMebibytes(system: SystemFiles): Promise<number> {
  const table = await system.read("/sys/firmware/dmi/tables/DMI");
  const installed = table === undefined ? 0 : installedMebibytes(table);
  if (installed > 0) return installed;
  const info = (await readText(system, "/proc/meminfo")) ?? "";
  const kibibytes = /^MemTotal:\s+(\d+) kB$/m.exec(info)?.[1];
  return kibibytes === undefined ? 0 : Math.round(Number(kibibytes) / 1024);
}

/** SMBIOS 3.7 section 7.18: memory devices, their size at 0Ch and the extended size at 1Ch. */
export function installedMebibytes(table: Uint8Array): number {
  let sum = 0;
  for (const structure of structures(table)) {
    if (structure.getUint8(0) === memoryDevice && structure.byteLength >= 0x0e) {
      sum += deviceMebibytes(structure);
    }
  }
  return Math.floor(sum);
}

function deviceMebibytes(device: DataView): number {
  const size = device.getUint16(0x0c, true);
  if (size === 0xffff) return 0; // not known
  if (size === 0x7fff && device.byteLength >= 0x20) {
    return device.getUint32(0x1c, true) & 0x7fffffff;
  }
  return (size & 0x8000) === 0 ? size : (size & 0x7fff) / 1024;
}

// Section 6.1.2: type, length of the formatted part, handle; then strings up to two NULs.
function* structures(table: Uint8Array): Generator<DataView> {
  let at = 0;
  while (at + 4 <= table.length) {
    const length = table[at + 1] ?? 0;
    if (length < 4 || at + length > table.length || table[at] === endOfTable) return;
    yield new DataView(table.buffer, table.byteOffset + at, length);
    let end = at + length;
    while (end + 1 < table.length && (table[end] !== 0 || table[end + 1] !== 0)) end += 1;
    at = end + 2;
  }
}
