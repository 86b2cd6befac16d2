import { expect, test } from "vitest";
import { handed, sent } from "./made-messages.ts";
import { s25 } from "./s25-no-way-back.ts";
import { tryJudge } from "./try-judge.ts";

const worked = [handed(1, "welcome", { epoch: 7 }), sent(2, "lease", { epoch: 7 })];
const back = handed(3, "welcome", { epoch: 5, connection: 2 });

test("an agent that works in an epoch that is older is a violation", () => {
  const events = [...worked, back, sent(4, "lease", { epoch: 5, connection: 2 })];
  expect(tryJudge(s25, events)).toEqual(["sent lease of epoch 5 after 7"]);
});

test("so is one that comes back until the epochs have caught up", () => {
  const again = handed(5, "welcome", { epoch: 8, connection: 3 });
  expect(tryJudge(s25, [...worked, back, again])).toEqual([]);
  const events = [...worked, back, again, sent(6, "lease", { epoch: 8, connection: 3 })];
  expect(tryJudge(s25, events)).toEqual([
    "sent lease of epoch 8, and it was welcomed with epoch 5 after 7",
  ]);
});

test("newer epochs, a welcome that comes twice, and an agent that is enrolled anew are none", () => {
  const newer = [
    ...worked,
    handed(3, "welcome", { epoch: 7 }),
    sent(4, "ack", { epoch: 7 }),
    handed(5, "welcome", { epoch: 9, connection: 2 }),
    sent(6, "lease", { epoch: 9, connection: 2 }),
  ];
  expect(tryJudge(s25, newer)).toEqual([]);
  const enrolled = { at: 4, kind: "enrolled", agent: "site-1" } as const;
  const anew = [...worked, back, enrolled, sent(6, "lease", { epoch: 6, connection: 3 })];
  expect(tryJudge(s25, anew)).toEqual([]);
});
