import { expect, test } from "vitest";
import { s4 } from "./s4-one-consumer.ts";
import { madeHost, stored, tryJudge } from "./try-judge.ts";

const free = madeHost();
const usedBy = (name: string) => madeHost({ spec: { consumerRef: { name, namespace: "a" } } });

test("a host that is taken from its consumer, or whose consumer Farrier changes, is a violation", () => {
  expect(tryJudge(s4, [stored(1, usedBy("y"), { before: usedBy("x"), by: "claimer" })])).toEqual([
    "the host was taken: a/x → a/y",
  ]);
  expect(tryJudge(s4, [stored(1, free, { before: usedBy("x"), by: "farrier" })])).toEqual([
    "Farrier changed the consumer: a/x → nobody",
  ]);
});

test("a consumer that goes, and another that comes, are none, nor is a host that goes", () => {
  const events = [
    stored(1, usedBy("x"), { before: free, by: "claimer" }),
    stored(2, usedBy("x"), { before: usedBy("x"), by: "farrier" }),
    stored(3, free, { before: usedBy("x"), by: "claimer" }),
    stored(4, usedBy("y"), { before: free, by: "claimer" }),
    stored(5, free, { before: usedBy("y"), by: "farrier", verb: "gone" }),
  ];
  expect(tryJudge(s4, events)).toEqual([]);
});
