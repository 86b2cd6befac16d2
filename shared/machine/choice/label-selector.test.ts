// hostSelector as Kubernetes reads label selectors, in both spellings of operators.
import { expect, test } from "vitest";
import { readLabelSelector } from "./label-selector.ts";

const labels = { rack: "a", size: "40" };

function matches(operator: string, key: string, ...values: string[]): boolean | string {
  const read = readLabelSelector(
    { matchExpressions: [{ key, operator, values }] },
    "spec.hostSelector",
  );
  return read.ok ? read.value(labels) : read.error.message;
}

test("readLabelSelector matches every host without a selector", () => {
  for (const selector of [undefined, {}, { matchLabels: {} }]) {
    const read = readLabelSelector(selector, "spec.hostSelector");
    expect(read.ok && read.value({})).toBe(true);
  }
});

test("readLabelSelector asks for every label and every expression [M17]", () => {
  const matchExpressions = [{ key: "size", operator: "In", values: ["40"] }];
  const read = readLabelSelector({ matchLabels: { rack: "a" }, matchExpressions }, "spec.selector");
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
])("readLabelSelector takes %s of %s %j for %s", (operator, key, values, expected) => {
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
])("readLabelSelector names the values that %s cannot take: %j", (operator, values) => {
  expect(matches(operator, "rack", ...values)).toMatch(
    /^spec\.hostSelector: the operator .* takes /,
  );
});
