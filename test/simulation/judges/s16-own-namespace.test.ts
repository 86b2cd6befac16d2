import { expect, test } from "vitest";
import { s16 } from "./s16-own-namespace.ts";
import { madeHost, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const host = stored(1, madeHost({ spec: { userData: { name: "data", namespace: "b" } } }));

function read(namespace: string, name: string, by: "farrier" | "kubectl" = "farrier"): Made {
  return { at: 2, kind: "secret-read", cluster: "c", namespace, name, by };
}

test.each([
  ["of another namespace, though a host names it", read("b", "data")],
  ["that no host names", read("a", "other")],
])("a Secret %s is not read", (_, event) => {
  expect(tryJudge(s16, [host, event])).toHaveLength(1);
});

test("Secrets that a host of the namespace names, and what people read, are none", () => {
  const events = [host, read("a", "data"), read("a", "h-bmc"), read("b", "data", "kubectl")];
  expect(tryJudge(s16, events)).toEqual([]);
});
