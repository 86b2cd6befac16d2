// Writes about one object keep their order; those about others, Events and links of Nodes do not wait for them.
import { beforeEach, expect, test } from "vitest";
import type { WriteBack } from "../../shared/protocol/write-back.ts";
import { WriteOrder } from "./write-order.ts";

let order: WriteOrder;
let begun: string[];
let held: Map<string, () => void>;
let nowMs: number;
beforeEach(() => {
  nowMs = 0;
  order = new WriteOrder({ monotonicMs: () => nowMs });
  begun = [];
  held = new Map();
});

/** Begins when it may, and is done when `end` says so. */
function run(name: string, uid: string, kind: WriteBack["kind"] = "status"): void {
  order.run({ kind, uid } as WriteBack, async () => {
    begun.push(name);
    await new Promise<void>((resolve) => held.set(name, resolve));
  });
}
const quiet = () => new Promise<void>((resolve) => setImmediate(resolve));
async function end(name: string): Promise<void> {
  held.get(name)?.();
  await quiet();
}

test("writes about one object are done in their order", async () => {
  for (const name of ["a", "b", "c"]) run(name, "host-1");
  await quiet();
  expect(begun).toEqual(["a"]);
  await end("a");
  expect(begun).toEqual(["a", "b"]);
  await end("b");
  expect(begun).toEqual(["a", "b", "c"]);
});

test("a write that hangs holds up its own object only", async () => {
  run("a", "host-1");
  run("b", "host-1");
  run("c", "host-2");
  await quiet();
  expect(begun).toEqual(["a", "c"]);
});

test("no more than six that only tell are at work, and the next begins when one ends", async () => {
  for (let at = 0; at < 8; at += 1) run(`w${at}`, `host-${at}`);
  await quiet();
  expect(begun).toHaveLength(6);
  await end("w3");
  expect(begun.at(-1)).toBe("w6");
  await end("w1");
  await end("w6");
  expect(begun).toHaveLength(8);
  run("later", "host-10");
  await quiet();
  expect(begun.at(-1)).toBe("later");
});

test("what somebody's work waits for begins beside what only tells", async () => {
  for (let at = 0; at < 6; at += 1) run(`status ${at}`, `host-${at}`);
  for (let at = 0; at < 5; at += 1) run(`patch ${at}`, `machine-${at}`, "provider-patch");
  for (let at = 0; at < 5; at += 1) run(`claim ${at}`, `free-${at}`, "host-patch");
  await quiet();
  expect(begun.slice(6)).toEqual([
    ...[0, 1, 2, 3].map((at) => `patch ${at}`),
    ...[0, 1, 2, 3].map((at) => `claim ${at}`),
  ]);
  await end("claim 0");
  expect(begun.slice(14)).toEqual(["claim 4"]);
});

test("what waits beside a claim makes room for it, and is not forgotten", async () => {
  run("claim", "free", "host-patch");
  for (let at = 0; at < 6; at += 1) run(`patch ${at}`, `machine-${at}`, "provider-patch");
  for (let at = 0; at < 6; at += 1) run(`status ${at}`, `host-${at}`);
  await quiet();
  expect(begun.slice(1)).toEqual(["patch 0", "patch 1", "status 0", "status 1"]);
  await end("status 0");
  await end("patch 0");
  expect(begun.slice(5)).toEqual(["status 2", "patch 2"]);
  nowMs = 999;
  await end("claim");
  expect(begun).toHaveLength(7);
  nowMs = 1_000;
  await end("status 1");
  expect(begun.slice(7)).toEqual(["patch 3", "patch 4", "status 3"]);
  await end("patch 1");
  await end("patch 2");
  await end("patch 3");
  expect(begun.slice(10)).toEqual(["patch 5", "status 4", "status 5"]);
});

test("an Event waits for what else tells, and nothing waits for it", async () => {
  run("claim", "free", "host-patch");
  run("event", "host-0", "event");
  run("next event", "host-0", "event");
  run("event elsewhere", "host-1", "event");
  for (let at = 0; at < 3; at += 1) run(`status ${at}`, `host-${at}`);
  await quiet();
  expect(begun).toEqual(["claim", "event", "status 0"]);
  await end("event");
  expect(begun.slice(3)).toEqual(["status 1"]);
  await end("status 0");
  await end("status 1");
  expect(begun.slice(4)).toEqual(["status 2", "next event"]);
  await end("status 2");
  expect(begun.slice(6)).toEqual([]);
  nowMs = 1_000;
  await end("claim");
  expect(begun.slice(6)).toEqual(["event elsewhere"]);
});

test("what stands before a claim is as urgent", async () => {
  for (let at = 0; at < 8; at += 1) run(`status ${at}`, `host-${at}`);
  run("own status", "free");
  await quiet();
  run("claim", "free", "host-patch");
  await quiet();
  expect(begun.slice(6)).toEqual(["own status"]);
  await end("own status");
  expect(begun.slice(7)).toEqual(["claim"]);
});

test("links of Nodes take no place and wait for no write, but for each other of the same machine", async () => {
  for (let at = 0; at < 20; at += 1) run(`link ${at}`, `machine-${at}`, "link-node");
  run("again", "machine-0", "link-node");
  run("status", "machine-0");
  await quiet();
  expect(begun).toHaveLength(21);
  expect(begun).toContain("status");
  await end("link 0");
  expect(begun.at(-1)).toBe("again");
});
