import { expect, test } from "vitest";
import { l2 } from "./l2-reconnects.ts";
import { closed, fault, faultEnded, opened, welcomed } from "./made-events.ts";
import { tryJudge } from "./try-judge.ts";

const partition = [opened(0), welcomed(0), fault(10, "wan-partition"), closed(55)];

test("an agent that is connected within a minute after its partition keeps the promise", () => {
  const events = [...partition, faultEnded(300, "wan-partition"), opened(355, 2), welcomed(359, 2)];
  expect(tryJudge(l2, events, { until: 900 })).toEqual([]);
});

test("an agent that needs longer breaks it, also when it never comes", () => {
  const late = [...partition, faultEnded(300, "wan-partition"), opened(355, 2), welcomed(362, 2)];
  expect(tryJudge(l2, late)).toEqual(["site-1 was without a session for 62000 ms"]);
  const never = [...partition, faultEnded(300, "wan-partition")];
  expect(tryJudge(l2, never, { until: 361 })).toHaveLength(1);
});

test("a partition of another agent is no excuse, and a hub that is down is one", () => {
  const alone = [opened(0), welcomed(0), fault(10, "wan-partition", "site-2"), closed(20)];
  expect(tryJudge(l2, alone, { until: 90 })).toHaveLength(1);
  const down = [opened(0), welcomed(0), fault(10, "database-down", "database"), closed(20)];
  expect(tryJudge(l2, down, { until: 900 })).toEqual([]);
});

test("an agent that nobody approves may not connect", () => {
  const rows = (table: string) =>
    table === "agents" ? [{ hostname: "site-1", state: "suspended", enrolled_at: 1 }] : [];
  const lost = [opened(0), welcomed(0), closed(20)];
  expect(tryJudge(l2, [...lost, opened(90, 2)], { truth: { rows }, until: 95 })).toEqual([]);
  const approved = () => [
    { hostname: "site-1", state: "revoked", enrolled_at: 1 },
    { hostname: "site-1", state: "approved", enrolled_at: 2 },
  ];
  expect(tryJudge(l2, lost, { truth: { rows: approved }, until: 95 })).toHaveLength(1);
});
