import * as fc from "fast-check";
import { expect, test } from "vitest";
import { copyJson } from "./copy-json.ts";

test("a copy is equal, shares nothing that can change, and keeps odd names", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const copy = copyJson(value);
      expect(copy).toEqual(value);
      if (typeof value === "object" && value !== null) expect(copy).not.toBe(value);
    }),
  );
  const odd = JSON.parse('{"__proto__":{"a":1}}') as object;
  expect(JSON.stringify(copyJson(odd))).toBe('{"__proto__":{"a":1}}');
});
