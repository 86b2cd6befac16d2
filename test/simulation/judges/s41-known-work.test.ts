import { expect, test } from "vitest";
import { s41 } from "./s41-known-work.ts";
import { tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const hello: Made = {
  at: 0,
  kind: "hello",
  agent: "site-1",
  boot: "b",
  capabilities: ["power", "clean"],
};
const order = (work: string): Made => {
  const about = { hostUid: "u", id: "1", operationId: "u.1", work };
  return { at: 1, kind: "delivered", agent: "site-1", what: "operation", ...about };
};
const told = (what: string): Made => {
  const about = { hostUid: "u", operationId: "u.1", failure: undefined };
  return { at: 2, kind: "reported", agent: "site-1", seq: 1, what, ...about };
};
const message = (direction: "to ramdisk" | "to agent", type: string, step = "erase"): Made => {
  const about = { machine: "m1", boot: 1, operationId: "u.1", step };
  return { at: 3, kind: "ramdisk-message", direction, type, ...about };
};

test("work that is known, and foreign work that is refused, keep the invariant", () => {
  const run = [message("to ramdisk", "run"), message("to agent", "done")];
  expect(tryJudge(s41, [hello, order("clean"), told("operation-started"), ...run])).toEqual([]);
  expect(tryJudge(s41, [hello, order("raid"), told("operation-failed")])).toEqual([]);
});

test("foreign work that is begun, or run, breaks it", () => {
  expect(tryJudge(s41, [hello, order("raid"), told("operation-started")])).toEqual([
    "operation-started of u.1, and it knows no raid",
  ]);
  expect(tryJudge(s41, [hello, order("raid"), message("to ramdisk", "run")])).toEqual([
    "u.1 runs, and its agent knows no raid",
  ]);
});

test("a ramdisk that does something in a step that there is not breaks it", () => {
  const refused = [message("to ramdisk", "run", "flash"), message("to agent", "failed", "flash")];
  expect(tryJudge(s41, refused)).toEqual([]);
  const guessed = [message("to ramdisk", "run", "flash"), message("to agent", "may-destroy")];
  expect(tryJudge(s41, guessed)).toEqual(["may-destroy in a step that no ramdisk knows"]);
});
