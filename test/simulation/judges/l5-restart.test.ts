import { expect, test } from "vitest";
import type { JournalRow } from "../world/truth.ts";
import { ended, log, started } from "./made-events.ts";
import { l5 } from "./l5-restart.ts";
import { tryJudge } from "./try-judge.ts";

const events = [ended(0, "site-1"), started(10, "site-1"), log(30), log(69), log(71), log(72)];

/** The journal of an agent whose one operation ends after so many looks. */
function journal(looks: number) {
  let left = looks;
  return {
    journal(): readonly { readonly agent: string; readonly rows: readonly JournalRow[] }[] {
      left -= 1;
      const state = left >= 0 ? "destroying" : "finished";
      return [{ agent: "site-1", rows: [{ operationId: "u.1", state }] }];
    },
  };
}

test("work that has an end soon after the start keeps the promise", () => {
  expect(tryJudge(l5, events, { truth: journal(3) })).toEqual([]);
});

test("work that stays unfinished breaks it, unless the agent has ended again", () => {
  const late = "site-1 u.1 has no end 61000 ms after the start";
  expect(tryJudge(l5, events, { truth: journal(100) })).toEqual([late]);
  const again = [ended(0, "site-1"), started(10, "site-1"), ended(20, "site-1"), log(90)];
  expect(tryJudge(l5, again, { truth: journal(100) })).toEqual([]);
});
