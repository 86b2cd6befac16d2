// A selector, as spec.hostSelector, against labels, as Kubernetes' label selectors have it. Operators are read in any
// case, in both spellings that are in use ("NotIn", "!=", "DoesNotExist", "!").
import { err, ok, quote, type Result } from "../../result.ts";

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>> | undefined;
  readonly matchExpressions?: readonly Expression[] | undefined;
}
interface Expression {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[] | undefined;
}

/** `found`: the label's value; undefined where the host has none of the key. */
type Test = (found: string | undefined, values: readonly string[]) => boolean;

interface Operator {
  readonly test: Test;
  readonly values: "none" | "one" | "some" | "number";
}

const within: Test = (found, values) => found !== undefined && values.includes(found);
const without: Test = (found, values) => !within(found, values);
const present: Test = (found) => found !== undefined;
const absent: Test = (found) => found === undefined;
const above: Test = (found, [value]) => compare(found, value) > 0;
const below: Test = (found, [value]) => compare(found, value) < 0;

const operators: ReadonlyMap<string, Operator> = new Map([
  ["in", { test: within, values: "some" }],
  ["notin", { test: without, values: "some" }],
  ["=", { test: within, values: "one" }],
  ["==", { test: within, values: "one" }],
  ["!=", { test: without, values: "one" }],
  ["exists", { test: present, values: "none" }],
  ["doesnotexist", { test: absent, values: "none" }],
  ["!", { test: absent, values: "none" }],
  ["gt", { test: above, values: "number" }],
  ["lt", { test: below, values: "number" }],
]);

const counts: Readonly<
  Record<Operator["values"], { test: (values: readonly string[]) => boolean; want: string }>
> = {
  none: { test: (values) => values.length === 0, want: "no values" },
  one: { test: (values) => values.length === 1, want: "one value" },
  some: { test: (values) => values.length > 0, want: "at least one value" },
  number: {
    test: ([value, ...more]) => more.length === 0 && isInteger(value),
    want: "one integer",
  },
};

export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

/** "selector": it cannot be understood; the message says what to correct. */
export function readLabelSelector(
  selector: Selector | undefined,
  field: string,
): Result<LabelTest, "selector"> {
  const tests: LabelTest[] = Object.entries(selector?.matchLabels ?? {}).map(
    ([key, value]) =>
      (labels) =>
        valueOf(labels, key) === value,
  );
  for (const expression of selector?.matchExpressions ?? []) {
    const test = readExpression(expression, field);
    if (!test.ok) return test;
    tests.push(test.value);
  }
  return ok((labels) => tests.every((test) => test(labels)));
}

function readExpression(
  { key, operator, values = [] }: Expression,
  field: string,
): Result<LabelTest, "selector"> {
  const found = operators.get(operator.toLowerCase());
  if (found === undefined) {
    return err(
      "selector",
      `${field}: the operator ${quote(operator)} for the label ${quote(key)} is not known; use In, NotIn, Exists or DoesNotExist`,
    );
  }
  const { test, want } = counts[found.values];
  if (!test(values)) {
    return err(
      "selector",
      `${field}: the operator ${quote(operator)} for the label ${quote(key)} takes ${want}, not ${quote(values)}`,
    );
  }
  return ok((labels) => found.test(valueOf(labels, key), values));
}

function valueOf(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function isInteger(text: string | undefined): boolean {
  return text !== undefined && /^[+-]?\d{1,19}$/.test(text);
}

/** NaN where one is no integer: neither above nor below. */
function compare(left: string | undefined, right: string | undefined): number {
  if (left === undefined || right === undefined) return Number.NaN;
  if (!isInteger(left) || !isInteger(right)) return Number.NaN;
  const difference = BigInt(left.replace("+", "")) - BigInt(right.replace("+", ""));
  if (difference === 0n) return 0;
  return difference > 0n ? 1 : -1;
}
