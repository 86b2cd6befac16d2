// hostSelector as Kubernetes reads label selectors, in both spellings of operators.
import { expect, test } from "vitest";
import { readHostSelector } from "./label-selector.ts";

const labels = { rack: "a", size: "40" };

function matches(operator: string, key: string, ...values: string[]): boolean | string {
  const read = readHostSelector({ matchExpressions: [{ key, operator, values }] });
  return read.ok ? read.value(labels) : read.error.message;
}

test("readHostSelector matches every host without a selector", () => {
  for (const selector of [undefined, {}, { matchLabels: {} }]) {
    const read = readHostSelector(selector);
    expect(read.ok && read.value({})).toBe(true);
  }
});

test("readHostSelector asks for every label and every expression [M17]", () => {
  const read = readHostSelector({
    matchLabels: { rack: "a" },
    matchExpressions: [{ key: "size", operator: "In", values: ["40"] }],
  });
  if (!read.ok) throw new Error(read.error.message);
  expect(read.value(labels)).toBe(true);
  expect(read.value({ rack: "a" })).toBe(false);
  expect(read.value({ size: "40" })).toBe(false);
});

test.each([
  ["In", "rack", ["a", "b"], true],
  ["in", "rack", ["b"], false],
  ["IN", "none", ["b"], false],
  ["NotIn", "rack", ["a"], false],
  ["notin", "rack", ["b"], true],
  ["NotIn", "none", ["b"], true],
  ["Exists", "rack", [], true],
  ["exists", "none", [], false],
  ["DoesNotExist", "rack", [], false],
  ["doesnotexist", "none", [], true],
  ["!", "none", [], true],
  ["=", "rack", ["a"], true],
  ["==", "rack", ["b"], false],
  ["!=", "rack", ["a"], false],
  ["!=", "none", ["a"], true],
  ["Gt", "size", ["39"], true],
  ["gt", "size", ["40"], false],
  ["Lt", "size", ["41"], true],
  ["lt", "rack", ["41"], false],
  ["gt", "none", ["1"], false],
  ["exists", "__proto__", [], false],
  ["exists", "constructor", [], false],
])("readHostSelector takes %s of %s %j for %s", (operator, key, values, expected) => {
  expect(matches(operator, key, ...values)).toBe(expected);
});

test.each([
  ["In", []],
  ["NotIn", []],
  ["Exists", ["a"]],
  ["!", ["a"]],
  ["=", ["a", "b"]],
  ["gt", ["many"]],
  ["lt", ["1", "2"]],
])("readHostSelector names the values that %s cannot take: %j", (operator, values) => {
  expect(matches(operator, "rack", ...values)).toMatch(
    /^spec\.hostSelector: the operator .* takes /,
  );
});
