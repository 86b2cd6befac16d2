import { expect, test } from "vitest";
import { delivered, toRamdisk } from "./made-messages.ts";
import { s31 } from "./s31-true-time.ts";
import { tryJudge } from "./try-judge.ts";

const order = (at: number) =>
  delivered(at, "operation", 1, { operationId: "u.1", validForMs: 600_000 });
const go = (at: number) => toRamdisk(at, "go", "u.1");

test("a go after the order's time is a violation, also when the order has come again since", () => {
  expect(tryJudge(s31, [order(0), go(700)])).toEqual(["go for u.1 after 700000 of 600000 ms"]);
  expect(tryJudge(s31, [order(0), order(400), go(700)])).toHaveLength(1);
});

test("a go within its time, of another order, or of one of another identity is none", () => {
  expect(tryJudge(s31, [order(0), go(600)])).toEqual([]);
  expect(tryJudge(s31, [order(0), toRamdisk(700, "go", "u.2")])).toEqual([]);
  const enrolled = { at: 300, kind: "enrolled", agent: "site-1" } as const;
  expect(tryJudge(s31, [order(0), enrolled, order(400), go(700)])).toEqual([]);
});
