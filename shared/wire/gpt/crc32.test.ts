import { expect, test } from "vitest";
import { crc32 } from "./crc32.ts";

test("crc32 gives the check value of the catalogue when the text is 123456789", () => {
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array(0))).toBe(0);
});
