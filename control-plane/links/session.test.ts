import { expect, test } from "vitest";
import { makeManualClock } from "../../test/support/control-plane/manual-clock.ts";
import { makeMetrics } from "../app/metrics.ts";
import type { LinkStore } from "../ports.ts";
import { err, ok } from "../../shared/result.ts";
import { AgentSession, type SessionDeps } from "./session.ts";

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

type Frame = Record<string, unknown>;

/** A session whose store says what a test wants. */
function makeSession(store: Partial<LinkStore> = {}, more: Partial<SessionDeps> = {}) {
  const clock = makeManualClock();
  const sent: Frame[] = [];
  const closed: { code: number; reason: string }[] = [];
  const links: LinkStore = {
    loadAgent: (id) =>
      Promise.resolve({
        id,
        state: "approved",
        site: "lab",
        cluster: undefined,
        signingKey: "A".repeat(43),
      }),
    openSession: () => Promise.resolve(ok({ ...opened, site: "lab", cluster: undefined })),
    renewLease: () => Promise.resolve("held" as const),
    endSession: () => Promise.resolve(),
    catchUp: () => Promise.resolve({ hosts: [], sites: [] }),
    sessionOfToken: () => Promise.resolve(undefined),
    takeOutbox: () => Promise.resolve([]),
    ackOutbox: () => Promise.resolve(undefined),
    siteKeys: () => Promise.resolve([]),
    knownFacts: () => Promise.resolve([]),
    ...store,
  };
  const deps: SessionDeps = {
    links,
    store: {
      acceptObservations: (_sender, items) =>
        Promise.resolve({ committedSeq: items.at(-1)?.seq ?? 0, touched: [], refused: 0 }),
    },
    decisions: { decide: () => Promise.resolve(), idle: () => Promise.resolve() },
    bus: { notify: () => undefined },
    clock,
    crypto: {
      randomHex: (bytes) => "a".repeat(bytes * 2),
      sha256Hex: (text) => Promise.resolve(`hash of ${text}`),
      verify: () => Promise.resolve(true),
    },
    log: silent,
    metrics: makeMetrics(),
    instance: "test",
    origins: ["https://hub.example"],
    ...more,
  };
  const session = new AgentSession(deps, {
    send: (text) => void sent.push(JSON.parse(text) as Frame),
    close: (code, reason) => void closed.push({ code, reason }),
  });
  const receive = async (frame: Frame | string) => {
    session.receive(typeof frame === "string" ? frame : JSON.stringify(frame));
    await settle();
  };
  return { session, clock, sent, closed, receive };
}

const opened = {
  epoch: 5,
  committedSeq: 3,
  resync: false,
  regressed: false,
  afterAnother: false,
  othersSeenAtMs: 0,
  over: [],
  touched: [],
};

async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

const hello = {
  type: "hello",
  agentId: "agent-1",
  bootId: "boot-1",
  versions: [1],
  programVersion: "1",
  capabilities: [],
  counter: 1,
  nonce: "a".repeat(64),
  signature: "A".repeat(86),
  documentsDigest: "",
  operationsInFlight: [],
  lastSeq: 3,
  wallClockMs: 0,
};
const row = (id: number) => ({
  id: String(id),
  delivery: { kind: "remove-document", hostUid: "a", revision: id } as const,
});

test("the welcome tells of unknown work of somebody else for half an hour", async () => {
  const told: unknown[] = [];
  for (const agoMs of [0, 29 * 60_000, 30 * 60_000]) {
    const clock = makeManualClock();
    const othersSeenAtMs = clock.nowMs() - agoMs;
    const { sent, receive } = makeSession({
      openSession: () =>
        Promise.resolve(ok({ ...opened, site: "lab", cluster: undefined, othersSeenAtMs })),
    });
    await receive(hello);
    told.push(sent.find(({ type }) => type === "welcome")?.["unknownWorkMs"]);
  }
  expect(told).toEqual([0, 29 * 60_000, undefined]);
});

test("the session closes when no hello comes within 10 s", () => {
  const { clock, closed } = makeSession();
  clock.advance(9_999);
  expect(closed).toEqual([]);
  clock.advance(1);
  expect(closed).toMatchObject([{ code: 4002 }]);
});

test("the session closes when nothing is heard for 45 s, and not while something is", async () => {
  const { clock, closed, receive } = makeSession();
  await receive(hello);
  clock.advance(40_000);
  await receive({ type: "lease", epoch: 5, sequence: 1 });
  clock.advance(44_000);
  expect(closed).toEqual([]);
  clock.advance(1_000);
  expect(closed).toMatchObject([{ code: 4004 }]);
});

test("the session ends with 1012 when the database does not answer, so that nothing sent is lost", async () => {
  const { closed, receive } = makeSession({
    takeOutbox: () => Promise.reject(new Error("no connection")),
  });
  await receive(hello);
  expect(closed).toMatchObject([{ code: 1012 }]);
});

test("the session ends with the agent's word that it has ended, and keeps that", async () => {
  const ended: unknown[] = [];
  const { closed, receive } = makeSession({
    endSession: ({ agentId, epoch }) => Promise.resolve(void ended.push({ agentId, epoch })),
  });
  await receive(hello);
  await receive({ type: "bye", epoch: 4 });
  expect(closed).toEqual([]);
  await receive({ type: "bye", epoch: 5 });
  expect(closed).toMatchObject([{ code: 1000 }]);
  expect(ended).toEqual([{ agentId: hello.agentId, epoch: 5 }]);
});

test("the session ends when another agent took its link, or when it may not act any more", async () => {
  for (const [state, code] of [
    ["lost", 1012],
    ["fenced", 4001],
    ["revoked", 4003],
  ] as const) {
    const { closed, sent, receive } = makeSession({ renewLease: () => Promise.resolve(state) });
    await receive(hello);
    await receive({ type: "lease", epoch: 5, sequence: 1 });
    expect(closed).toMatchObject([{ code }]);
    expect(sent.some(({ type }) => type === "lease")).toBe(false);
  }
});

test("a renewal's answer tells of another process of the agent, while there is one", async () => {
  let state: "held" | "beside" = "beside";
  const { sent, receive } = makeSession({ renewLease: () => Promise.resolve(state) });
  await receive(hello);
  await receive({ type: "lease", epoch: 5, sequence: 1 });
  state = "held";
  await receive({ type: "lease", epoch: 5, sequence: 2 });
  const answers = sent.filter(({ type }) => type === "lease");
  expect(answers).toMatchObject([{ sequence: 1, beside: true }, { sequence: 2 }]);
  expect(answers[1]).not.toHaveProperty("beside");
});

test("the session is refused with the code that says why", async () => {
  for (const [kind, code] of [
    ["standby", 1012],
    ["cloned", 4002],
    ["superseded", 4001],
    ["occupied", 4001],
  ] as const) {
    const { closed, receive } = makeSession({
      openSession: () => Promise.resolve(err(kind, kind)),
    });
    await receive(hello);
    expect(closed).toMatchObject([{ code }]);
  }
});

test("the session asks to come again soon whoever has to wait for another agent, or for its own earlier process", async () => {
  for (const kind of ["standby", "occupied"] as const) {
    const { sent, receive } = makeSession({ openSession: () => Promise.resolve(err(kind, kind)) });
    await receive(hello);
    expect(sent).toContainEqual({ type: "goaway", retryAfterMs: 5_000 });
  }
});

test("the session drops frames of an older epoch", async () => {
  const { sent, closed, receive } = makeSession();
  await receive(hello);
  await receive({ type: "lease", epoch: 4, sequence: 1 });
  expect(sent.some(({ type }) => type === "lease")).toBe(false);
  expect(closed).toEqual([]);
});

test("the session takes nothing but a hello first", async () => {
  const { closed, receive } = makeSession();
  await receive({ type: "lease", epoch: 5, sequence: 1 });
  expect(closed).toMatchObject([{ code: 4002 }]);
});

test("the session stops sending when 500 rows are unanswered, but for what is urgent, and goes on with the answers", async () => {
  let next = 1;
  let urgent: ReturnType<typeof row>[] = [];
  const { sent, receive, session } = makeSession({
    takeOutbox: (_session, limit, only) =>
      Promise.resolve(
        only === "urgent" ? urgent.splice(0) : Array.from({ length: limit }, () => row(next++)),
      ),
  });
  await receive(hello);
  const delivered = () =>
    sent
      .filter(({ type }) => type === "deliveries")
      .flatMap(({ items }) => (items as { id: string }[]).map(({ id }) => id));
  expect(delivered()).toHaveLength(500);
  urgent = [row(9_001), row(9_002)];
  session.notify("site:lab");
  await settle();
  expect(delivered().slice(500)).toEqual(["9001", "9002"]);
  await receive({ type: "ack", epoch: 5, done: delivered().slice(0, 50), failed: [] });
  expect(delivered()).toHaveLength(552);
});

test("the session sends no more than some 100 Events that are not answered, and the rest beside them", async () => {
  let next = 1;
  const asked: unknown[] = [];
  const event = { kind: "write", write: { kind: "event" } } as never;
  const { receive, session } = makeSession({
    takeOutbox: (_session, limit, only) => {
      asked.push(only);
      const rows = only === undefined ? Array.from({ length: limit }, () => row(next++)) : [];
      return Promise.resolve(rows.map(({ id }) => ({ id, delivery: event })));
    },
  });
  await receive(hello);
  expect(asked).toEqual([undefined, undefined, "but-events"]);
  session.notify("site:lab");
  await settle();
  expect(asked.slice(3)).toEqual(["but-events"]);
  await receive({ type: "ack", epoch: 5, done: ["7"], failed: [] });
  expect(asked.slice(4)).toEqual([undefined, "but-events"]);
});

test("the session asks again for a row that failed when its time has come", async () => {
  let calls = 0;
  const { clock, receive } = makeSession({
    takeOutbox: () => Promise.resolve(calls++ === 0 ? [row(1)] : []),
    ackOutbox: (_session, acks) => Promise.resolve(acks.retry.length > 0 ? 4_000 : undefined),
  });
  await receive(hello);
  const failed = [{ id: "1", message: "no", retry: true }];
  await receive({ type: "ack", epoch: 5, done: [], failed });
  const before = calls;
  clock.advance(3_999);
  await settle();
  expect(calls).toBe(before);
  clock.advance(1);
  await settle();
  expect(calls).toBe(before + 1);
});

test("the session warns once and goes on when the first observations begin above the watermark", async () => {
  const errors: string[] = [];
  const { closed, sent, receive } = makeSession(
    {},
    { log: { ...silent, error: (message) => void errors.push(message) } },
  );
  await receive(hello);
  const items = (seq: number) => [{ seq, atMs: 0, body: { kind: "stranger", mac: "m" } }];
  await receive({ type: "observations", epoch: 5, items: items(9) });
  await receive({ type: "observations", epoch: 5, items: items(10) });
  expect(errors).toEqual(["observations lost"]);
  expect(closed).toEqual([]);
  expect(sent.filter(({ type }) => type === "committed")).toMatchObject([{ seq: 9 }, { seq: 10 }]);
});

test("the session tells sites to a cluster link only, when they change, though nobody says that they have", async () => {
  const site = makeSession();
  const keys: { site: string; publicKey: string; fingerprint: string }[] = [];
  const cluster = makeSession({
    openSession: () => Promise.resolve(ok({ ...opened, site: undefined, cluster: "east" })),
    siteKeys: () => Promise.resolve(keys),
  });
  const tell = async (topic: string | undefined) => {
    for (const { session } of [site, cluster]) session.notify(topic);
    await settle();
    return cluster.sent.filter(({ type }) => type === "sites").length;
  };
  for (const { receive } of [site, cluster]) await receive(hello);
  expect(await tell(undefined)).toBe(0);
  keys.push({ site: "lab", publicKey: "k", fingerprint: "f" });
  expect(await tell("sites")).toBe(1);
  expect(cluster.sent.at(-1)).toMatchObject({ sites: [{ site: "lab" }] });
  keys.push({ site: "yard", publicKey: "k", fingerprint: "f" });
  expect(await tell(undefined)).toBe(2);
  expect(await tell(undefined)).toBe(2);
  expect(site.sent.some(({ type }) => type === "sites")).toBe(false);
});

test("deliveries go before what an agent has told and what waits to be handled", async () => {
  const done: string[] = [];
  let answer: () => void = () => undefined;
  const { session, receive } = makeSession({
    takeOutbox: () => {
      done.push("take");
      return Promise.resolve([]);
    },
    ackOutbox: async (_session, { done: ids }) => {
      await new Promise<void>((resolve) => (answer = resolve));
      done.push(`ack ${ids.join(" ")}`);
      return undefined;
    },
  });
  await receive(hello);
  done.length = 0;
  for (const id of ["1", "2"]) await receive({ type: "ack", epoch: 5, done: [id], failed: [] });
  session.notify("site:lab");
  session.notify("site:lab");
  answer();
  await settle();
  expect(done).toEqual(["ack 1", "take"]);
  answer();
  await settle();
  expect(done).toEqual(["ack 1", "take", "ack 2"]);
});

test("answers that wait are given to the database together", async () => {
  const done: string[] = [];
  let answer: () => void = () => undefined;
  const { receive } = makeSession({
    ackOutbox: async (_session, { done: ids }) => {
      done.push(ids.join(" "));
      await new Promise<void>((resolve) => (answer = resolve));
      return undefined;
    },
  });
  await receive(hello);
  for (const id of ["1", "2", "3"])
    await receive({ type: "ack", epoch: 5, done: [id], failed: [] });
  expect(done).toEqual(["1"]);
  answer();
  await settle();
  expect(done).toEqual(["1", "2 3"]);
});
