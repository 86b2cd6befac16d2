import { expect, test } from "vitest";
import { fault } from "./made-events.ts";
import { handed, sent } from "./made-messages.ts";
import { s25 } from "./s25-no-way-back.ts";
import { tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

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

const hello: Made = { at: 1, kind: "hello", agent: "site-1", boot: "b", capabilities: [] };
const heard = [
  hello,
  handed(2, "deliveries", { epoch: 7, turn: 4 }),
  sent(3, "ack", { epoch: 7, stored: ["1"] }),
];
const restored = fault(4, "database-restored", "database");
const next = (more: object = {}) => handed(6, "welcome", { epoch: 8, connection: 2, ...more });
const learnt: Made = {
  at: 5,
  kind: "commit",
  statement: "openSession",
  place: 0,
  table: "sessions",
  key: "a",
  before: undefined,
  after: { boot_id: "b", epoch: 8 },
};
const knowing = (epoch: number, turn: number) => ({
  truth: { rows: () => [{ boot_id: "b", epoch: String(epoch), turn }] },
});

test("an agent that has heard more than a restored database knows is to be welcomed as such", () => {
  const message =
    "it was welcomed as if nothing had been lost: it had heard turn 4 of epoch 7, and the database knew turn 3 of epoch 7";
  expect(tryJudge(s25, [...heard, restored, learnt, next()], knowing(7, 3))).toEqual([message]);
  expect(tryJudge(s25, [...heard, restored, learnt, next()], knowing(6, 9))).toHaveLength(1);
  const believed = [...heard, restored, learnt, next({ regressed: true })];
  expect(tryJudge(s25, believed, knowing(7, 3))).toEqual([]);
  const again = next({ epoch: 9 });
  expect(tryJudge(s25, [...heard, restored, learnt, again], knowing(7, 3))).toEqual([]);
});

test("one that has stored no more, or stands beside a copy, need not be", () => {
  expect(tryJudge(s25, [...heard, restored, learnt, next()], knowing(7, 4))).toEqual([]);
  expect(tryJudge(s25, [...heard.slice(0, 2), restored, learnt, next()], knowing(7, 3))).toEqual(
    [],
  );
  const copied = [fault(1, "agent-cloned"), ...heard, restored, learnt, next()];
  expect(tryJudge(s25, copied, knowing(7, 3))).toEqual([]);
  const anew: Made = { at: 5, kind: "enrolled", agent: "site-1" };
  expect(tryJudge(s25, [...heard, restored, anew, learnt, next()], knowing(7, 3))).toEqual([]);
});
