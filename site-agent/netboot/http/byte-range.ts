// One byte range of a Range header (RFC 9110 section 14). Several ranges in one request are not
// served as such; the whole file is, which the RFC allows.

/** Bytes `from` to `to`, both included. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Undefined: send everything. "unsatisfiable": answer 416. */
export function parseByteRange(
  header: string | undefined,
  sizeBytes: number,
): ByteRange | "unsatisfiable" | undefined {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "") ?? [];
  if (first === undefined || last === undefined || first + last === "") return undefined;
  const end = sizeBytes - 1;
  if (first === "") return satisfiable(Math.max(0, sizeBytes - Number(last)), end, sizeBytes);
  if (last === "") return satisfiable(Number(first), end, sizeBytes);
  // A range that ends before it begins is no range at all and is ignored (section 14.1.1).
  if (Number(last) < Number(first)) return undefined;
  return satisfiable(Number(first), Math.min(Number(last), end), sizeBytes);
}

function satisfiable(from: number, to: number, sizeBytes: number): ByteRange | "unsatisfiable" {
  return from < sizeBytes ? { from, to } : "unsatisfiable";
}
