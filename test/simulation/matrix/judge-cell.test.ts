// The judge of cells, on runs that are made up: what must be found is found, and what is well is let pass.
import { expect, test } from "vitest";
import type { WorldEvent } from "../world/events.ts";
import { verdictOf } from "./judge-cell.ts";
import type { CellRun } from "./judge-cell.ts";

const asked = { place: 0, work: "provision", ends: "provisioned" };
const end = { state: "provisioned", isWanted: true, system: "image-1", holdsImage: true };
const interrupted = { kind: "interrupted", destroyed: true };

let number = 0;
function event(happened: object): WorldEvent {
  number += 1;
  return { atMs: number, number, ...happened } as WorldEvent;
}

function row(id: string, state: string, more: object = {}): WorldEvent {
  const operation = { payload: { kind: "provision" } };
  const after = { kind: "provision", state, consumed: false, failure: null, operation, ...more };
  return event({
    kind: "commit",
    statement: "commitHost",
    place: 0,
    table: "operations",
    key: id,
    after,
  });
}

function says(type: string, operationId: string, step?: string): WorldEvent {
  return event({ kind: "ramdisk-message", machine: "m1", boot: 1, type, operationId, step });
}

const changed = (): WorldEvent => event({ kind: "disk", machine: "m1", boot: 1, change: "write" });
const off = (): WorldEvent =>
  event({ kind: "running", machine: "m1", boot: 1, running: "nothing" });

function wrote(id: string): WorldEvent[] {
  return [row(id, "pending"), says("go", id), changed(), says("done", id, "write"), off()];
}

const once = [...wrote("h.1"), row("h.1", "succeeded", { consumed: true })];
const again = [
  row("h.1", "pending"),
  says("go", "h.1"),
  changed(),
  off(),
  row("h.1", "failed", { consumed: true, failure: interrupted }),
  ...wrote("h.2"),
  row("h.2", "succeeded", { consumed: true }),
];

function run(trace: readonly WorldEvent[], more: Partial<CellRun> = {}): CellRun {
  return { trace, violations: [], stuck: undefined, end, ...more };
}

test("one write that succeeds is once", () => {
  expect(verdictOf(asked, run(once))).toEqual({ shown: "once", problems: [] });
});

test("an interrupted write that was ordered again is named by its failure", () => {
  expect(verdictOf(asked, run(again))).toEqual({ shown: "interrupted", problems: [] });
});

test("of an operation that a restored database has forgotten no end is expected", () => {
  const restored = event({ kind: "fault", fault: "database-restored", target: "database" });
  const after = { ...asked, place: 1 };
  const begun = [row("h.0", "running"), ...once];
  expect(verdictOf(after, run([row("h.0", "running"), restored, ...once])).problems).toEqual([]);
  expect(verdictOf(after, run(begun)).problems).toEqual(["provision h.0: never ended"]);
});

test("power that was switched before the crash need not be switched again, a reset must", () => {
  const failed = (want: string) => {
    const operation = { payload: { kind: "power", want } };
    const failure = { kind: "expired", destroyed: false };
    return [row("h.1", "failed", { kind: "power", operation, failure, consumed: true })];
  };
  const power = (want: string) => verdictOf({ ...asked, work: `power ${want}` }, run(failed(want)));
  expect(power("off").problems).toEqual([]);
  expect(power("reboot").problems).toEqual(["it was done 0 times"]);
});

test.each([
  ["was let go more than once", [...once.slice(0, 2), says("go", "h.1"), ...once.slice(2)]],
  ["destroyed more than once", [...once, says("done", "h.1", "write")]],
  ["succeeded, and no ramdisk did it", [row("h.1", "succeeded", { consumed: true })]],
  ["nobody took its outcome in", [...wrote("h.1"), row("h.1", "succeeded")]],
  ["never ended", [...wrote("h.1"), row("h.1", "running")]],
  ["it was done 2 times", [...once, ...wrote("h.2"), row("h.2", "succeeded", { consumed: true })]],
  ["it was done 0 times", again.slice(0, 5)],
  ["it was never ordered", []],
  [
    "says that nothing was destroyed",
    [
      ...again.slice(0, 4),
      row("h.1", "failed", {
        consumed: true,
        failure: { kind: "expired", destroyed: false },
      }),
      ...again.slice(5),
    ],
  ],
])("finds: %s", (problem, trace) => {
  const { problems } = verdictOf(asked, run(trace));
  expect(problems.join("\n")).toContain(problem);
});

test.each([
  ["the host ended provisioning, and not provisioned", { end: { ...end, state: "provisioning" } }],
  ["the disk does not hold the image", { end: { ...end, holdsImage: false } }],
  ["S10: twice", { violations: [{ id: "S10", message: "twice" }] }],
  ["stuck: livelock", { stuck: "livelock" }],
])("finds at the end: %s", (problem, more) => {
  expect(verdictOf(asked, run(once, more)).problems).toContain(problem);
});

test("a disk that was given back must boot nothing", () => {
  const { problems } = verdictOf(
    { ...asked, ends: "available" },
    run(once, { end: { ...end, state: "available" } }),
  );
  expect(problems).toEqual(["the disk still holds image-1"]);
});
