import fc from "fast-check";
import { expect, test } from "vitest";
import { fromBase64, fromHex, toBase64, toHex } from "./bytes.ts";

test("base64 agrees with the platform's for any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
      expect(fromBase64(toBase64(bytes))).toEqual(Uint8Array.from(bytes));
      expect(fromBase64(Buffer.from(bytes).toString("base64url"))).toEqual(Uint8Array.from(bytes));
    }),
  );
});

test("hex agrees with the platform's for any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(toHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
      expect(fromHex(toHex(bytes))).toEqual(Uint8Array.from(bytes));
    }),
  );
});

test("decoding refuses what is no such text", () => {
  expect(fromHex("abc")).toBeUndefined();
  expect(fromHex("zz")).toBeUndefined();
  expect(fromBase64("a")).toBeUndefined();
  expect(fromBase64("ab*d")).toBeUndefined();
});
