import { expect, test } from "vitest";
import { s26 } from "./s26-one-agent.ts";
import { closed, fault, welcomed } from "./made-events.ts";
import { delivered, toRamdisk } from "./made-messages.ts";
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

const told = (at: number, code = 4001): Made => ({ ...closed(at), code }) as Made;

test("one that was told that another has its identity switches and boots nothing any more", () => {
  const message = "reset by site-1, 20000 ms after it was told to end";
  expect(tryJudge(s26, [told(20), switched(40, "site-1")])).toEqual([message]);
  const device = { place: "network", once: true, agent: "site-1" } as const;
  const boots: Made = { at: 40, kind: "boot-device", machine: "m1", ...device };
  expect(tryJudge(s26, [told(20), told(30, 4002), boots])).toHaveLength(1);
  expect(tryJudge(s26, [told(20), switched(22, "site-1")])).toEqual([]);
  const bad = fault(1, "bmc-loses-packets", "m1");
  expect(tryJudge(s26, [bad, told(20), switched(40, "site-1")])).toEqual([message]);
  expect(tryJudge(s26, [told(20, 1012), switched(40, "site-1")])).toEqual([]);
  expect(tryJudge(s26, [told(20), welcomed(30), switched(40, "site-1")])).toEqual([]);
  expect(tryJudge(s26, [told(20), started(30, "site-1"), switched(40, "site-1")])).toEqual([]);
});

test("who sets what boots, and switches then, has asked in between whether it may", () => {
  const boots = (at: number): Made => {
    const device = { place: "network", once: true, agent: "site-1" } as const;
    return { at, kind: "boot-device", machine: "m1", ...device };
  };
  const message = "reset by site-1, 400 ms after it was told to end";
  expect(tryJudge(s26, [told(20), boots(20.2), switched(20.4, "site-1")])).toEqual([message]);
  expect(tryJudge(s26, [boots(19.9), told(20), switched(20.4, "site-1")])).toEqual([]);
});

test("it may finish what destroys already, and nothing that came later", () => {
  const go = toRamdisk(10, "go", "u.1", { agent: "site-1" });
  expect(tryJudge(s26, [go, told(20), switched(40, "site-1")])).toEqual([]);
  expect(tryJudge(s26, [go, told(20), switched(40, "site-1", "m2")])).toHaveLength(1);
  const swapped = fault(1, "swapped-machine", "m1+m2");
  expect(tryJudge(s26, [swapped, go, told(20), switched(40, "site-1", "m2")])).toEqual([]);
  const next = delivered(15, "operation", 2, { operationId: "u.2" });
  expect(tryJudge(s26, [go, next, told(20), switched(40, "site-1")])).toHaveLength(1);
  const again = delivered(15, "operation", 2, { operationId: "u.1" });
  expect(tryJudge(s26, [go, again, told(20), switched(40, "site-1")])).toEqual([]);
  const before = delivered(15, "operation", 2, { operationId: "u.0" });
  expect(tryJudge(s26, [go, before, told(20), switched(40, "site-1")])).toEqual([]);
});
