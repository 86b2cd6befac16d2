// What the database throws, in the shape that control-plane/store/database.ts reads.

export class SqlError extends Error {
  readonly code: string;

  /** `code`: SQLSTATE (PostgreSQL, appendix A). */
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const invalidText = "22P02";

/** A bigint parameter. */
export function bigintOf(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new SqlError(invalidText, `invalid input syntax for type bigint: "${value}"`);
}

/** A version that Kubernetes gave: decimal digits in a numeric column. */
export function numericOf(text: string): bigint {
  if (/^\d+$/.test(text)) return BigInt(text);
  throw new SqlError(invalidText, `invalid input syntax for type numeric: "${text}"`);
}
