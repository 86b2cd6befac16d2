import { expect, test } from "vitest";
import type { FeedBatch } from "../../shared/protocol/feed.ts";
import type { SecretFact } from "../../shared/protocol/facts/secret-fact.ts";
import type { FeedSender } from "../ports.ts";
import { makeMetrics } from "./metrics.ts";
import { recordFeed, recordNodes, recordSecrets, type RecordDeps } from "./record-desired.ts";

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

function makeDeps(more: Partial<RecordDeps> = {}) {
  const stored: SecretFact[] = [];
  const decided: string[] = [];
  const machines: string[] = [];
  const caughtUp: FeedSender[] = [];
  const notified: string[] = [];
  const deps: RecordDeps = {
    store: {
      applyFeed: () =>
        Promise.resolve({
          kind: "stored",
          cursor: "7",
          touched: ["a", "b"],
          machines: ["m"],
          foreign: 2,
        }),
      catchUp(sender) {
        caughtUp.push(sender);
        return Promise.resolve({ hosts: ["waited"], sites: ["lab"] });
      },
      applyNodes: (_cluster, facts) => Promise.resolve(facts.map(({ machineUid }) => machineUid)),
      applySecrets(_cluster, facts) {
        stored.push(...facts);
        return Promise.resolve(["a"]);
      },
    },
    bus: { notify: (topics) => void notified.push(...topics) },
    decisions: {
      decide(uids) {
        decided.push(...uids);
        return Promise.resolve();
      },
      idle: () => Promise.resolve(),
    },
    machineDecisions: {
      decide(uids) {
        machines.push(...uids);
        return Promise.resolve();
      },
      idle: () => Promise.resolve(),
    },
    log: silent,
    metrics: makeMetrics(),
    ...more,
  };
  return { deps, stored, decided, machines, caughtUp, notified };
}

const sealed = (length: number): SecretFact => ({
  hostUid: "a",
  purpose: "userData",
  name: "user-data",
  found: true,
  uid: "u",
  resourceVersion: "1",
  sealed: {
    v: 1,
    keyFingerprint: "f",
    enc: "",
    ciphertext: "A".repeat(length),
    context: {
      cluster: "east",
      site: "lab",
      hostUid: "a",
      purpose: "userData",
      secretUid: "u",
      secretVersion: "1",
      bmcAddress: "",
    },
  },
});

test("recordSecrets leaves a content out that no frame can carry, and says why", async () => {
  const { deps, stored, decided } = makeDeps();
  await recordSecrets(deps, "east", [sealed(512 * 1024), sealed(512 * 1024 + 1)]);
  expect(stored[0]?.sealed).toBeDefined();
  expect(stored[1]?.sealed).toBeUndefined();
  expect(stored[1]?.problem).toBe(
    'Make Secret "user-data" smaller than 384 KiB: a link does not carry more.',
  );
  expect(decided).toEqual(["a"]);
});

test("recordFeed has the touched hosts and machines decided about, and tells of objects that are another cluster's", async () => {
  const errors: string[] = [];
  const { deps, decided, machines } = makeDeps({
    log: { ...silent, error: (message) => void errors.push(message) },
  });
  const batch = {
    kind: "watch",
    fromResourceVersion: "6",
    toResourceVersion: "7",
    events: [],
  } as const;
  const sender = { agentId: "x", epoch: 1, cluster: "east" };
  const outcome = await recordFeed(deps, sender, "baremetalhosts", { ...batch, events: [] });
  expect(outcome.cursor).toBe("7");
  expect([decided, machines]).toEqual([["a", "b"], ["m"]]);
  expect(errors).toEqual(["objects of another cluster refused"]);
});

test("recordFeed has hosts decided about that waited, once their cluster link has told all", async () => {
  const { deps, decided, caughtUp, notified } = makeDeps();
  const sender = { agentId: "x", epoch: 1, cluster: "east" };
  const moves = { fromResourceVersion: "6", toResourceVersion: "7" };
  const watch = { kind: "watch", ...moves, events: [] } satisfies FeedBatch;
  const list = {
    kind: "list",
    listId: "l",
    resourceVersion: "7",
    items: [],
    last: false,
  } satisfies FeedBatch;
  await recordFeed(deps, sender, "baremetalhosts", watch);
  await recordFeed(deps, sender, "baremetalhosts", list);
  await recordFeed(deps, sender, "namespaces", { ...list, last: true });
  expect(caughtUp).toEqual([]);
  await recordFeed(deps, sender, "baremetalhosts", { ...watch, caughtUp: true });
  await recordFeed(deps, sender, "baremetalhosts", { ...list, last: true });
  expect(caughtUp).toEqual([sender, sender]);
  expect(decided.filter((uid) => uid === "waited")).toHaveLength(2);
  const topics = [`cluster:${sender.cluster}`, "site:lab"];
  expect(notified).toEqual([...topics, ...topics]);
});

test("recordFeed has nobody decided about for a batch that was not taken", async () => {
  const { deps, caughtUp } = makeDeps();
  const conflict = {
    kind: "conflict",
    cursor: "6",
    touched: [],
    machines: [],
    foreign: 0,
  } as const;
  const store = { ...deps.store, applyFeed: () => Promise.resolve(conflict) };
  const sender = { agentId: "x", epoch: 1, cluster: "east" };
  const moves = { fromResourceVersion: "6", toResourceVersion: "6" };
  const batch = { kind: "watch", ...moves, events: [], caughtUp: true } satisfies FeedBatch;
  await recordFeed({ ...deps, store }, sender, "baremetalhosts", batch);
  expect(caughtUp).toEqual([]);
});

test("recordNodes has the machines decided about that it tells of", async () => {
  const { deps, machines } = makeDeps();
  await recordNodes(deps, "east", [{ machineUid: "m-2", outcome: "linked" }]);
  expect(machines).toEqual(["m-2"]);
});
