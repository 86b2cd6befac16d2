import { expect, test } from "vitest";
import { s26 } from "./s26-one-agent.ts";
import { fault } from "./made-events.ts";
import { tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

function started(at: number, process: string): Made {
  return { at, kind: "started", process, incarnation: 1 };
}

function switched(at: number, agent: string, machine = "m1"): Made {
  return { at, kind: "power-command", machine, action: "reset", agent, done: true };
}

const two = [started(0, "site-1"), started(10, "site-1#2")];

test("two agents that switch within ten seconds are seen, whatever they switch", () => {
  const acts = [switched(20, "site-1"), switched(25, "site-1#2", "m2")];
  expect(tryJudge(s26, [...two, ...acts])).toEqual(["site-1 and site-1#2 switched within 5000 ms"]);
});

test("one that acts after the other, or before the other was there, is not", () => {
  expect(tryJudge(s26, [...two, switched(20, "site-1"), switched(40, "site-1#2")])).toEqual([]);
  const [first, second] = two;
  const before = [first, switched(9, "site-1"), second, switched(12, "site-1#2")];
  expect(
    tryJudge(
      s26,
      before.flatMap((each) => each ?? []),
    ),
  ).toEqual([]);
  expect(tryJudge(s26, [...two, switched(20, "site-1"), switched(21, "site-2")])).toEqual([]);
});

test("one that was told to stop may be followed at once, but may not act again", () => {
  const stopped = [...two, switched(20, "site-1"), fault(21, "agent-stop", "site-1")];
  expect(tryJudge(s26, [...stopped, switched(22, "site-1#2")])).toEqual([]);
  const again = [...stopped, switched(22, "site-1#2"), switched(23, "site-1")];
  expect(tryJudge(s26, again)).toEqual(["site-1#2 and site-1 switched within 1000 ms"]);
  const anew = [
    ...stopped,
    started(30, "site-1"),
    switched(40, "site-1"),
    switched(42, "site-1#2"),
  ];
  expect(tryJudge(s26, anew)).toEqual(["site-1 and site-1#2 switched within 2000 ms"]);
});
