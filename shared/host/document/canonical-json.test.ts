import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, isSameJson } from "./canonical-json.ts";

/** Small, so that two of them are often the same. */
const anyValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(undefined, null, 0, 1, "", "a", false, true),
    fc.array(tie("value"), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom("a", "b", "__proto__"), tie("value"), { maxKeys: 2 }),
  ),
})).value;

test("values are the same when their texts are", () => {
  fc.assert(
    fc.property(anyValue, anyValue, (left, right) => {
      expect(isSameJson(left, right)).toBe(canonicalJson(left) === canonicalJson(right));
    }),
    { numRuns: 2_000 },
  );
});

test("the order of fields, and whether one is null or absent, make no difference", () => {
  const [left, right] = [
    { a: 1, b: [{ c: null, d: 2 }] },
    { b: [{ d: 2 }], a: 1, e: undefined },
  ];
  expect(isSameJson(left, right)).toBe(true);
  expect(isSameJson(left, { ...right, e: 0 })).toBe(false);
});
