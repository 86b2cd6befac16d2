import { describe, expect, it } from "vitest";
import { parseByteRange } from "./byte-range.ts";

describe("parseByteRange", () => {
  // RFC 9110 section 14.1.2 has the examples for 10000 bytes.
  it.each([
    ["bytes=0-499", { from: 0, to: 499 }],
    ["bytes=500-999", { from: 500, to: 999 }],
    ["bytes=-500", { from: 9500, to: 9999 }],
    ["bytes=9500-", { from: 9500, to: 9999 }],
    ["bytes=0-0", { from: 0, to: 0 }],
    ["bytes=9999-20000", { from: 9999, to: 9999 }],
    ["bytes=-20000", { from: 0, to: 9999 }],
    ["bytes=10000-", "unsatisfiable"],
    ["bytes=10000-10001", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=5-4", undefined],
    ["bytes=0-0,-1", undefined],
    ["bytes=-", undefined],
    ["bytes=a-b", undefined],
    ["lines=0-1", undefined],
    [undefined, undefined],
  ])("reads %j of 10000 bytes", (header, range) => {
    expect(parseByteRange(header, 10_000)).toEqual(range);
  });

  it("finds no byte in an empty file", () => {
    expect(parseByteRange("bytes=0-", 0)).toBe("unsatisfiable");
    expect(parseByteRange("bytes=-5", 0)).toBe("unsatisfiable");
  });
});
