// The trace of the shipped example, letter by letter: what an apply does on its whole way. A change of the product
// that shows here is looked at, then taken over by `vitest -u`.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { printTrace } from "./print-trace.ts";
import { runTrace } from "./run-trace.ts";
import { readTraceInput } from "./trace-input.ts";

const example = readFileSync(new URL("./examples/m1.yaml", import.meta.url), "utf8");

function inputOf(text: string) {
  const input = readTraceInput(text);
  if (!input.ok) throw new Error(input.error.message);
  return input.value;
}

test("the trace of the example is the golden one, through all eight hops to a running machine", async () => {
  const trace = await runTrace(inputOf(example));
  expect(trace.end).toEqual({ state: "provisioned", errorMessage: "", settled: true });
  const page = printTrace(trace);
  const hops = [...page.matchAll(/^\d\d:\d\d\.\d{3} {2}(\d) /gm)].map(([, hop]) => Number(hop));
  expect(new Set(hops)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8]));
  expect(page).toContain("runs the operating system from sda");
  expect(page).not.toContain("hoof");
  expect(page).not.toContain("undefined");
  await expect(page).toMatchFileSnapshot("golden/m1.txt");
}, 120_000);

test.each([
  ["no host", "kind: Secret\nmetadata: {name: a}", "a trace follows one BareMetalHost"],
  ["a BMC that it cannot play", example.replace("ipmi://", "redfish://"), "IPMI"],
  ["broken YAML", "kind: [", "at line 1"],
  ["another kind", "kind: Pod", "kind"],
])("a trace says what is wrong with a file that has %s", (_what, text, words) => {
  const input = readTraceInput(text);
  expect(input.ok ? "" : input.error.message).toContain(words);
});
