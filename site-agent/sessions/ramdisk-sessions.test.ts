import { beforeEach, describe, expect, test, vi } from "vitest";
import { makeVirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import type { VirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import type { FromRamdisk, RamdiskStep, ToRamdisk } from "../../shared/protocol/ramdisk.ts";
import { ramdiskPath, toRamdisk } from "../../shared/protocol/ramdisk.ts";
import { makeDuplexPair } from "../../test/support/memory-duplex.ts";
import { makeNodeCrypto } from "../adapters/node-crypto.ts";
import type { MayDestroyAnswer, RamdiskSession, RunOptions } from "./port.ts";
import { makeRamdiskSessions } from "./ramdisk-sessions.ts";
import type { RamdiskServer } from "./ramdisk-sessions.ts";

const mac = "52:54:00:aa:00:01";
const bootToken = "t0ken".repeat(12);
const hostUid = "uid-1";
const identity = { systemUuid: "u-1", serialNumber: "S1", macs: [mac, "52:54:00:aa:00:02"] };
const inspect: RamdiskStep = { kind: "inspect" };
const erase: RamdiskStep = { kind: "erase", mode: "metadata", disks: [] };
const inspected = {
  kind: "inspect",
  hardware: {},
  identity,
} as const;
const signal = new AbortController().signal;

let clock: VirtualClock;
let sessions: RamdiskServer;
const said: string[] = [];
const log = (message: string, fields?: object): void => {
  said.push(`${message} ${JSON.stringify(fields)}`);
};

beforeEach(() => {
  clock = makeVirtualClock();
  said.length = 0;
  sessions = makeRamdiskSessions({
    clock,
    crypto: makeNodeCrypto(),
    log: { info: log, warn: log, error: log },
  });
  sessions.expect({ hostUid, mac: mac.toUpperCase(), bootToken });
});

/** The ramdisk's side, by hand. Answers pings. */
function dial(token = bootToken, path = ramdiskPath) {
  const pair = makeDuplexPair();
  const heard: ToRamdisk[] = [];
  const closed: string[] = [];
  const end = {
    heard,
    closed,
    cut: () => pair.cut(),
    close: () => pair.client.close(1001, "gone"),
    say: (message: FromRamdisk) => pair.client.send(JSON.stringify(message)),
    sayRaw: (text: string) => pair.client.send(text),
    hello: (changes: object = {}) =>
      pair.client.send(
        JSON.stringify({
          type: "hello",
          version: 1,
          bootMac: mac,
          identity,
          uptimeSeconds: 20 + (clock.monotonicMs() - 1_000_000) / 1000,
          ...changes,
        }),
      ),
  };
  pair.client.onMessage((text) => {
    const message = toRamdisk.parse(JSON.parse(text));
    if (message.type === "ping") end.say({ type: "pong" });
    else heard.push(message);
  });
  pair.client.onClose((code, reason) => closed.push(`${code} ${reason}`));
  sessions.upgrade(
    {
      method: "GET",
      path,
      headers: { authorization: `Bearer ${token}` },
      remote: { address: "192.0.2.9", port: 4 },
    },
    pair.server,
  );
  return end;
}

async function connected(changes: object = {}) {
  const end = dial();
  end.hello(changes);
  await clock.advance(0);
  return end;
}

function options(changes: Partial<RunOptions> = {}): RunOptions {
  return {
    operationId: "uid-1.1",
    operationToken: "op-token",
    mayDestroy: () => Promise.resolve({ go: true }),
    onProgress: () => {},
    signal,
    ...changes,
  };
}

function session(): RamdiskSession {
  const found = sessions.session(hostUid);
  if (found === undefined) throw new Error("no session");
  return found;
}

describe("a boot token", () => {
  test("opens a session when the expected machine says hello", async () => {
    const arrival = sessions.waitFor(hostUid, { timeoutMs: 60_000, signal });
    await clock.advance(5_000);
    await connected();
    expect(await arrival).toMatchObject({ ok: true, value: { hostUid, identity } });
    expect(session().alive()).toBe(true);
  });

  test.each([
    ["the token is unknown", () => dial("other"), "1008 not authorised"],
    ["the path is another", () => dial(bootToken, "/extents"), "1008 not authorised"],
  ])("opens nothing when %s", async (_, call, reason) => {
    const end = call();
    end.hello();
    await clock.advance(0);
    expect(end.closed).toEqual([reason]);
    expect(sessions.session(hostUid)).toBeUndefined();
    expect(said.join()).not.toContain(bootToken);
  });

  test.each([
    [{ bootMac: "52:54:00:aa:00:02" }],
    [{ identity: { ...identity, macs: ["52:54:00:aa:00:02"] } }],
  ])("opens nothing when the machine says %j", async (changes) => {
    const end = await connected(changes);
    expect(end.closed).toEqual(["1008 this machine is not the one that was expected"]);
    expect(sessions.session(hostUid)).toBeUndefined();
  });

  test.each([
    ["no hello comes", () => {}, "1008 no hello"],
    [
      "another message comes first",
      (end: ReturnType<typeof dial>) => end.say({ type: "pong" }),
      "1008 hello comes first",
    ],
    [
      "no JSON comes",
      (end: ReturnType<typeof dial>) => end.sayRaw("{"),
      "1008 message is not JSON",
    ],
    [
      "half a hello comes",
      (end: ReturnType<typeof dial>) => end.sayRaw('{"type":"hello"}'),
      '1008 message field "version": invalid_value',
    ],
  ])("is of no use when %s", async (_, act, reason) => {
    const end = dial();
    act(end);
    await clock.advance(11_000);
    expect(end.closed).toEqual([reason]);
  });

  test("lets the same boot come back when its connection broke", async () => {
    const first = await connected();
    const before = session();
    first.close();
    await clock.advance(20_000);
    expect(before.alive()).toBe(false);
    await connected();
    expect(session()).toBe(before);
  });

  test("lets the same boot come back when its connection died unseen", async () => {
    const first = await connected();
    first.cut();
    const second = await connected();
    expect(second.closed).toEqual([]);
    await clock.advance(6_000);
    expect(second.closed).toEqual([]);
    const done = session().run(inspect, options());
    await clock.advance(0);
    expect(second.heard).toMatchObject([{ type: "run", operationId: "uid-1.1" }]);
    second.say({ type: "done", operationId: "uid-1.1", outcome: inspected });
    expect(await done).toEqual({ ok: true, outcome: inspected });
  });

  test("does not take a living ramdisk's place", async () => {
    const first = await connected();
    const second = await connected();
    expect(second.closed).toEqual(["1008 this boot token is in use"]);
    expect(first.closed).toEqual([]);
  });

  test.each([
    [{ identity: { ...identity, systemUuid: "u-2" } }, "belongs to another machine"],
    [{ identity: { ...identity, serialNumber: "S2" } }, "belongs to another machine"],
    [{ identity: { ...identity, macs: [mac] } }, "belongs to another machine"],
    [{ uptimeSeconds: 25 }, "was used by an earlier boot"],
  ])("is refused when %j comes back with it", async (changes, reason) => {
    const first = await connected();
    first.close();
    await clock.advance(60_000);
    const second = await connected(changes);
    expect(second.closed).toEqual([`1008 this boot token ${reason}`]);
  });

  test("is worth nothing once another boot is expected, and its session ends", async () => {
    const first = await connected();
    const running = session().run(inspect, options());
    sessions.expect({ hostUid, mac, bootToken: "next" });
    expect(await running).toMatchObject({ ok: false, failure: { kind: "lost", destroyed: false } });
    await clock.advance(0);
    expect(first.closed).toEqual(["4003 another boot is expected"]);
    const again = await connected();
    expect(again.closed).toEqual(["1008 not authorised"]);
  });

  test("is used up when the ramdisk has left as it was told", async () => {
    const first = await connected();
    const left = session().run({ kind: "leave", how: "reboot" }, options());
    await clock.advance(0);
    first.say({ type: "done", operationId: "uid-1.1", outcome: { kind: "leave" } });
    expect(await left).toEqual({ ok: true, outcome: { kind: "leave" } });
    await clock.advance(0);
    expect(sessions.session(hostUid)).toBeUndefined();
    expect((await connected()).closed).toEqual(["1008 not authorised"]);
  });
});

describe("waiting for a ramdisk", () => {
  test("ends when the time is over", async () => {
    const arrival = sessions.waitFor(hostUid, { timeoutMs: 60_000, signal });
    await clock.advance(60_000);
    expect(await arrival).toMatchObject({ ok: false, error: { kind: "timeout" } });
  });

  test("ends when it is cancelled, also beforehand", async () => {
    const controller = new AbortController();
    const arrival = sessions.waitFor(hostUid, { timeoutMs: 60_000, signal: controller.signal });
    controller.abort();
    expect(await arrival).toMatchObject({ ok: false, error: { kind: "cancelled" } });
    const late = sessions.waitFor(hostUid, { timeoutMs: 60_000, signal: controller.signal });
    expect(await late).toMatchObject({ ok: false, error: { kind: "cancelled" } });
  });
});

describe("a step", () => {
  test("reports progress and its result, and nothing of other operations", async () => {
    const end = await connected();
    const onProgress = vi.fn();
    const done = session().run(inspect, options({ onProgress }));
    const progress = { step: "Inspecting" };
    end.say({ type: "progress", operationId: "uid-1.1", progress });
    end.say({ type: "progress", operationId: "uid-1.0", progress: { step: "Old" } });
    end.say({
      type: "failed",
      operationId: "uid-1.0",
      failure: { kind: "io", message: "old", destroyed: true },
    });
    end.say({ type: "done", operationId: "uid-1.1", outcome: { kind: "leave" } });
    end.say({ type: "done", operationId: "uid-1.1", outcome: inspected });
    expect(await done).toEqual({ ok: true, outcome: inspected });
    expect(onProgress.mock.calls).toEqual([[progress]]);
  });

  test("is told to the ramdisk again when the connection came back, and goes on", async () => {
    const first = await connected();
    const done = session().run(inspect, options());
    await clock.advance(0);
    first.close();
    await clock.advance(40_000);
    const second = await connected();
    expect(second.heard).toEqual(first.heard);
    second.say({ type: "done", operationId: "uid-1.1", outcome: inspected });
    expect(await done).toEqual({ ok: true, outcome: inspected });
  });

  test("is lost when the ramdisk is silent for 45 s, and cancelled should it come back", async () => {
    const first = await connected();
    const lost = session().run(erase, options());
    const before = session();
    await clock.advance(0);
    first.cut();
    await clock.advance(60_000);
    expect(await lost).toMatchObject({ ok: false, failure: { kind: "lost", destroyed: false } });
    expect(before.alive()).toBe(false);
    const second = await connected();
    expect(second.heard).toEqual([{ type: "cancel", operationId: "uid-1.1" }]);
  });

  test("is not lost while the ramdisk answers, however long it takes", async () => {
    const end = await connected();
    const done = session().run(inspect, options());
    await clock.advance(3_600_000);
    end.say({ type: "done", operationId: "uid-1.1", outcome: inspected });
    expect(await done).toMatchObject({ ok: true });
  });

  test("is cancelled on the ramdisk when its operation is given up, and ends when that answers", async () => {
    const end = await connected();
    const controller = new AbortController();
    const ended = session().run(inspect, options({ signal: controller.signal }));
    controller.abort();
    await clock.advance(0);
    expect(end.heard.map(({ type }) => type)).toEqual(["run", "cancel"]);
    const failure = { kind: "cancelled", message: "given up", destroyed: false } as const;
    end.say({ type: "failed", operationId: "uid-1.1", failure });
    expect(await ended).toEqual({ ok: false, failure });
  });

  test("does not begin when another runs, or when the session has ended", async () => {
    await connected();
    const alive = session();
    void alive.run(inspect, options());
    const second = await alive.run(inspect, options({ operationId: "uid-1.2" }));
    expect(second).toMatchObject({ ok: false, failure: { kind: "unsupported" } });
    sessions.forget(hostUid);
    const third = await alive.run(inspect, options());
    expect(third).toMatchObject({ ok: false, failure: { kind: "lost" } });
  });

  test("closes the connection when a message is bad, and the step waits for the next", async () => {
    const end = await connected();
    const done = session().run(inspect, options());
    end.sayRaw('{"type":"progress","operationId":"uid-1.1","progress":{"step":"no camel"}}');
    await clock.advance(0);
    expect(end.closed).toEqual(['1008 message field "progress.step": invalid_format']);
    const second = await connected();
    second.say({ type: "done", operationId: "uid-1.1", outcome: inspected });
    expect(await done).toMatchObject({ ok: true });
  });
});

describe("the question at the point of no return", () => {
  const question: FromRamdisk = {
    type: "may-destroy",
    operationId: "uid-1.1",
    identity,
    disks: [],
  };

  test("is answered by the operation, and the answer goes to the connection that asked", async () => {
    const end = await connected();
    const mayDestroy = vi.fn(() => Promise.resolve<MayDestroyAnswer>({ go: true }));
    void session().run(erase, options({ mayDestroy }));
    end.say(question);
    await clock.advance(0);
    expect(mayDestroy.mock.calls).toEqual([[{ identity, disks: [] }]]);
    expect(end.heard.at(-1)).toEqual({ type: "go", operationId: "uid-1.1" });
  });

  test("is answered no, with the reason, when the operation says no or breaks", async () => {
    const end = await connected();
    const answers: (() => Promise<MayDestroyAnswer>)[] = [
      () => Promise.resolve({ go: false, reason: "the host is paused" }),
      () => Promise.reject(new Error("bug")),
    ];
    const mayDestroy = (): Promise<MayDestroyAnswer> => answers.shift()!();
    void session().run(erase, options({ mayDestroy }));
    end.say(question);
    await clock.advance(0);
    expect(end.heard.at(-1)).toMatchObject({ type: "refuse", reason: "the host is paused" });
    end.say(question);
    await clock.advance(0);
    expect(end.heard.at(-1)).toMatchObject({ type: "refuse" });
  });

  test("is answered no when the operation does not run here", async () => {
    const end = await connected();
    end.say(question);
    await clock.advance(0);
    expect(end.heard).toEqual([
      { type: "refuse", operationId: "uid-1.1", reason: "this operation does not run here" },
    ]);
  });

  test("gets no answer when the connection changed meanwhile; the new one is asked anew", async () => {
    const first = await connected();
    const answer = Promise.withResolvers<MayDestroyAnswer>();
    const mayDestroy = vi.fn(() => answer.promise);
    const lost = session().run(erase, options({ mayDestroy }));
    first.say(question);
    await clock.advance(0);
    first.close();
    await clock.advance(1_000);
    const second = await connected();
    answer.resolve({ go: true });
    await clock.advance(0);
    expect([...first.heard, ...second.heard].map(({ type }) => type)).toEqual(["run", "run"]);
    second.say(question);
    await clock.advance(0);
    expect(second.heard.at(-1)).toEqual({ type: "go", operationId: "uid-1.1" });
    expect(mayDestroy).toHaveBeenCalledTimes(2);
    second.cut();
    await clock.advance(60_000);
    expect(await lost).toMatchObject({ failure: { kind: "lost", destroyed: true } });
  });
});
