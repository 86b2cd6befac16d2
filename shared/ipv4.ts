// IPv4 addresses as text and as unsigned 32-bit numbers, for arithmetic on pools and masks.

/** Dotted decimal to a number; undefined for anything else ("010.0.0.1" and "10.1" too). */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join(".");
}

/** The network mask of a prefix length 0–32. */
export function maskOfPrefix(prefix: number): number {
  return prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
}

export function sameNetwork(a: number, b: number, prefix: number): boolean {
  const mask = maskOfPrefix(prefix);
  return (a & mask) >>> 0 === (b & mask) >>> 0;
}
