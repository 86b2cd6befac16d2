// The link session against a control plane that a test plays, over a duplex in memory and on a virtual clock: what
// is said, what is taken, and what is dropped.
import { createPublicKey, verify } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fromBase64 } from "../../shared/bytes.ts";
import { closeCode, helloSigningText } from "../../shared/protocol/frames.ts";
import { makeLinkWorld, openSession, type LinkWorld } from "../../test/support/link-world.ts";
import type { DeliveryOutcome } from "./connection.ts";
import { loadIdentity } from "./identity.ts";

let world: LinkWorld;
let stop: AbortController;
beforeEach(() => {
  world = makeLinkWorld();
  stop = new AbortController();
});
afterEach(() => stop.abort());

/** And what is told together has been told. */
const quiet = () => world.clock.advance(10);

async function start(): Promise<void> {
  void world.session.run(stop.signal);
  await quiet();
}

const open = (epoch: number, over: object = {}) => openSession(world, epoch, over);
const power = (on: boolean) => ({ kind: "power", hostUid: "u1", on }) as const;
const cancel = (id: string) => ({
  id,
  delivery: { kind: "cancel", hostUid: "u1", operationId: `op-${id}` },
});
const writeItem = (id: string) => ({
  id,
  delivery: {
    kind: "write",
    write: { kind: "release-secret", namespace: "n", name: "m1", uid: "u1", secretName: id },
  },
});
const deliveries = (epoch: number, items: readonly object[]) => ({
  type: "deliveries",
  epoch,
  items,
});

describe("the hello", () => {
  test("is signed for the control plane's origin and this nonce, and not for another", async () => {
    await start();
    const { hello } = await open(5);
    expect(world.requests[0]).toMatchObject({
      url: "wss://hub.example/farrier/link/v1",
      protocol: "farrier.v1",
      ca: "the CA",
    });
    const { signature, ...unsigned } = hello;
    const key = createPublicKey({
      key: {
        kty: "OKP",
        crv: "Ed25519",
        x: Buffer.from(world.signing.publicKey).toString("base64url"),
      },
      format: "jwk",
    });
    const isSigned = (origin: string, over: object = {}) =>
      verify(null, helloSigningText(origin, { ...unsigned, ...over }), key, fromBase64(signature)!);
    expect(hello).toMatchObject({
      agentId: "agent-1",
      bootId: "boot-1",
      nonce: "nonce-5",
      counter: 1,
    });
    expect(isSigned("https://hub.example")).toBe(true);
    expect(isSigned("https://evil.example")).toBe(false);
    expect(isSigned("https://hub.example", { nonce: "nonce-6" })).toBe(false);
    expect(isSigned("https://hub.example", { counter: 2 })).toBe(false);
  });

  test("counts up with every session", async () => {
    await start();
    (await open(5)).pair.server.close(1012, "");
    await world.clock.advance(1_000);
    expect((await open(6)).hello.counter).toBe(2);
  });

  test("names the operations that are under way", async () => {
    const order = {
      id: "u1.1",
      hostUid: "u1",
      revision: 1,
      attempt: 1,
      validForMs: 1,
      class: "once",
      allocation: "",
      payload: { kind: "register" },
    } as const;
    world.journal.accept(order);
    await start();
    world.observations.add({ kind: "operation-started", hostUid: "u2", operationId: "u2.7" });
    expect((await open(5)).hello.operationsInFlight).toEqual([
      { id: "u1.1", state: "accepted" },
      { id: "u2.7", state: "finished" },
    ]);
  });

  test("is asked for once", async () => {
    await start();
    const line = await open(5);
    line.say({ type: "challenge", nonce: "again", version: 1 });
    await quiet();
    expect(line.closed?.code).toBe(closeCode.badFrame);
    expect(line.of("hello")).toHaveLength(1);
  });
});

describe("epochs", () => {
  test("frames of an older epoch are dropped: an operation in them does not run", async () => {
    await start();
    const line = await open(5);
    line.say(deliveries(4, [cancel("1")]));
    line.say({ type: "sites", epoch: 4, sites: [] });
    await quiet();
    expect(world.delivered).toEqual([]);
    expect(world.seen).toEqual(["welcome 5"]);
    expect(line.of("ack")).toEqual([]);
  });

  test("frames before the welcome are dropped, whatever epoch they name", async () => {
    await start();
    world.line().say(deliveries(0, [cancel("1")]));
    await quiet();
    expect(world.delivered).toEqual([]);
  });

  test.each([5, 4])("a welcome of epoch %i after 5 is refused", async (epoch) => {
    await start();
    (await open(5)).pair.server.close(1012, "");
    await world.clock.advance(1_000);
    const line = await open(epoch);
    expect(line.closed?.code).toBe(closeCode.epochRegression);
    expect(world.seen).toEqual(["welcome 5"]);
    expect(world.logged.join("\n")).toContain("epoch went back");
    line.say(deliveries(epoch, [cancel("1")]));
    await quiet();
    expect(world.delivered).toEqual([]);
  });

  test("after one that went back no newer one is accepted", async () => {
    await start();
    (await open(5)).pair.server.close(1012, "");
    await world.clock.advance(1_000);
    await open(4);
    await world.clock.advance(30_000);
    const line = await open(6);
    expect(line.closed?.code).toBe(closeCode.epochRegression);
    expect(world.seen).toEqual(["welcome 5"]);
  });

  test("how far the control plane's database was heard is said in the next hello [S25]", async () => {
    await start();
    const line = await open(5);
    expect(line.hello.heard).toEqual({ epoch: 0, turn: 0 });
    line.say({ ...deliveries(5, [cancel("1")]), turn: 1 });
    line.say({ type: "committed", epoch: 5, turn: 2, seq: 0 });
    line.say({ type: "lease", epoch: 5, turn: 3, sequence: 1 });
    line.pair.server.close(1012, "");
    await world.clock.advance(1_000);
    expect((await open(6)).hello.heard).toEqual({ epoch: 5, turn: 3 });
    // A restarted agent knows what came with something to do.
    expect(loadIdentity(world.database)?.heard()).toEqual({ epoch: 6, turn: 0 });
    world.line().say({ ...deliveries(6, [cancel("2")]), turn: 4 });
    world.line().say({ type: "lease", epoch: 6, turn: 5, sequence: 1 });
    await quiet();
    expect(loadIdentity(world.database)?.heard()).toEqual({ epoch: 6, turn: 4 });
  });

  test("work that counts as ended is given up before anything else is done in the session", async () => {
    await start();
    await open(5, { over: ["u1.7", "u2.3"] });
    expect(world.seen).toEqual(["give up u1.7", "give up u2.3", "welcome 5"]);
  });

  test("a control plane whose database went back in time is named in the log, with what to do", async () => {
    await start();
    await open(5, { regressed: true });
    expect(world.logged.join("\n")).toContain("EpochRegression");
  });

  test("a lease of an older epoch does not count", async () => {
    await start();
    const line = await open(5);
    await world.clock.advance(5_000);
    line.say({ type: "lease", epoch: 4, sequence: line.of("lease").at(-1)!.sequence });
    await world.clock.advance(10_000);
    expect(world.lease.problem()).toContain("lease");
  });
});

describe("the lease", () => {
  test("holds from the hello on, and as long as renewals are answered", async () => {
    expect(world.lease.problem()).toBeDefined();
    await start();
    const line = await open(5);
    expect(world.lease.problem()).toBeUndefined();
    for (let second = 0; second < 60; second += 5) {
      line.say({ type: "lease", epoch: 5, sequence: line.of("lease").at(-1)!.sequence });
      await world.clock.advance(5_000);
    }
    expect(world.lease.problem()).toBeUndefined();
    await world.clock.advance(15_000);
    expect(world.lease.problem()).toContain("lease for 20 s");
  });

  test("waits for the documents that are still to come", async () => {
    await start();
    const line = await open(5, { resync: "full" });
    expect(world.lease.problem()).toBeDefined();
    line.say({ type: "lease", epoch: 5, sequence: line.of("lease")[0]!.sequence });
    await quiet();
    expect(world.lease.problem()).toBeUndefined();
  });

  test("is not held by an agent that was given no site", async () => {
    await start();
    await open(5, { site: undefined });
    expect(world.lease.problem()).toBeDefined();
  });

  test("of a lost session counts no longer than its last renewal", async () => {
    await start();
    const line = await open(5);
    line.pair.server.close(1012, "");
    world.reachable = false;
    await world.clock.advance(14_000);
    expect(world.lease.problem()).toBeUndefined();
    await world.clock.advance(1_000);
    expect(world.lease.problem()).toBeDefined();
  });

  test.each([closeCode.superseded, closeCode.unauthorized, closeCode.revoked])(
    "is over at once when the control plane closes with %i",
    async (code) => {
      await start();
      const line = await open(5);
      line.pair.server.close(code, "");
      world.reachable = false;
      await quiet();
      expect(world.lease.problem()).toBeDefined();
    },
  );
});

describe("observations", () => {
  test("are sent again after a reconnect from the committed watermark on", async () => {
    for (const on of [true, false, true]) world.observations.add(power(on));
    await start();
    const line = await open(5);
    expect(line.of("observations").flatMap(({ items }) => items.map(({ seq }) => seq))).toEqual([
      1, 2, 3,
    ]);
    line.say({ type: "committed", epoch: 5, seq: 1 });
    await quiet();
    line.pair.server.close(1012, "");
    await world.clock.advance(1_000);
    const again = await open(6, { committedSeq: 2 });
    expect(again.of("observations")).toMatchObject([{ epoch: 6, items: [{ seq: 3 }] }]);
  });

  test("go out at once while the link is open, each once", async () => {
    await start();
    const line = await open(5);
    world.observations.add(power(true));
    world.observations.add(power(false));
    await world.clock.advance(20_000);
    expect(line.of("observations").flatMap(({ items }) => items.map(({ seq }) => seq))).toEqual([
      1, 2,
    ]);
  });

  test("wait where the socket takes no more, and go on later", async () => {
    await start();
    const line = await open(5);
    world.fits = () => false;
    world.observations.add(power(true));
    await quiet();
    expect(line.of("observations")).toEqual([]);
    world.fits = () => true;
    await world.clock.advance(5_000);
    expect(line.of("observations")).toMatchObject([{ items: [{ seq: 1 }] }]);
  });

  test("that were not sent are not trimmed by a watermark above them", async () => {
    await start();
    const line = await open(5);
    world.fits = () => false;
    world.observations.add(power(true));
    line.say({ type: "committed", epoch: 5, seq: 99 });
    await quiet();
    world.fits = () => true;
    await world.clock.advance(5_000);
    expect(line.of("observations")).toMatchObject([{ items: [{ seq: 1 }] }]);
  });

  test("never make a frame of more than 64 KiB", async () => {
    for (let at = 0; at < 300; at += 1)
      world.observations.add({ kind: "bmc", hostUid: "u1", problem: "x".repeat(1_000) });
    await start();
    const line = await open(5);
    const sizes = line.of("observations").map((frame) => JSON.stringify(frame).length);
    expect(sizes.length).toBeGreaterThan(4);
    expect(Math.max(...sizes)).toBeLessThan(64 * 1024);
    const all = line.of("observations").flatMap(({ items }) => items.map(({ seq }) => seq));
    expect(all).toEqual(Array.from({ length: 300 }, (_, at) => at + 1));
  });

  test("are not trimmed beyond what was sent, whatever the control plane says", async () => {
    world.observations.add(power(true));
    await start();
    const line = await open(5, { committedSeq: 99 });
    line.say({ type: "committed", epoch: 5, seq: 99 });
    await quiet();
    world.observations.add(power(false));
    await quiet();
    expect(line.of("observations")).toMatchObject([{ items: [{ seq: 2 }] }]);
  });
});

describe("deliveries", () => {
  test("are acknowledged only when they are durable", async () => {
    const held = Promise.withResolvers<DeliveryOutcome>();
    world.outcome = () => held.promise;
    await start();
    const line = await open(5);
    line.say(deliveries(5, [cancel("1")]));
    await quiet();
    expect(line.of("ack")).toEqual([]);
    held.resolve({ ok: true });
    await quiet();
    expect(line.of("ack")).toEqual([{ type: "ack", epoch: 5, done: ["1"], failed: [] }]);
  });

  test("are acknowledged together once the send buffer has room again", async () => {
    await start();
    const line = await open(5);
    world.fits = () => false;
    line.say(deliveries(5, [cancel("1")]));
    line.say(deliveries(5, [cancel("2")]));
    await quiet();
    expect(line.of("ack")).toEqual([]);
    world.fits = () => true;
    await world.clock.advance(5_000);
    await quiet();
    expect(line.of("ack")).toEqual([{ type: "ack", epoch: 5, done: ["1", "2"], failed: [] }]);
  });

  test("that failed are told with their reason", async () => {
    world.outcome = async () => ({ ok: false, message: "x".repeat(2_000), retry: false });
    await start();
    const line = await open(5);
    line.say(deliveries(5, [cancel("1")]));
    await quiet();
    expect(line.of("ack")).toMatchObject([
      { done: [], failed: [{ id: "1", message: "x".repeat(1_024), retry: false }] },
    ]);
  });

  test("that could not be stored are asked for again", async () => {
    world.outcome = async () => {
      throw new Error("database or disk is full");
    };
    await start();
    const line = await open(5);
    line.say(deliveries(5, [cancel("1")]));
    await quiet();
    expect(line.of("ack")).toMatchObject([{ done: [], failed: [{ id: "1", retry: true }] }]);
  });

  test("that come twice are answered twice and done once, in their order [S32]", async () => {
    await start();
    const line = await open(5);
    line.say(deliveries(5, [cancel("1")]));
    line.say(deliveries(5, [cancel("2")]));
    line.say(deliveries(5, [cancel("1")]));
    await quiet();
    expect(world.delivered.map(({ id }) => id)).toEqual(["1", "2"]);
    expect(line.of("ack").flatMap(({ done }) => done)).toEqual(["1", "2", "1"]);
  });

  test("are answered together with what else happens in that moment", async () => {
    await start();
    const line = await open(5);
    world.outcome = async () => {
      world.observations.add(power(true));
      world.observations.add(power(false));
      return { ok: true };
    };
    line.say(deliveries(5, [cancel("1")]));
    line.say(deliveries(5, [cancel("2")]));
    await world.clock.advance(9);
    expect([...line.of("ack"), ...line.of("observations")]).toEqual([]);
    await world.clock.advance(1);
    expect(line.of("ack").map(({ done }) => done)).toEqual([["1", "2"]]);
    expect(line.of("observations").map(({ items }) => items.length)).toEqual([4]);
  });

  test("that are written are answered ten times a second, or as an agent stops", async () => {
    await start();
    const line = await open(5);
    line.say(deliveries(5, [writeItem("w1")]));
    await world.clock.advance(90);
    line.say(deliveries(5, [writeItem("w2")]));
    await world.clock.advance(9);
    expect(line.of("ack")).toEqual([]);
    await world.clock.advance(1);
    expect(line.of("ack").map(({ done }) => done)).toEqual([["w1", "w2"]]);
    line.say(deliveries(5, [writeItem("w3"), cancel("1")]));
    await quiet();
    expect(
      line
        .of("ack")
        .slice(1)
        .map(({ done }) => done.toSorted()),
    ).toEqual([["1", "w3"]]);
    line.say(deliveries(5, [writeItem("w4")]));
    await quiet();
    stop.abort();
    await quiet();
    expect(
      line
        .of("ack")
        .slice(2)
        .map(({ done }) => done),
    ).toEqual([["w4"]]);
  });

  test("are taken in their order", async () => {
    await start();
    const line = await open(5);
    line.say(deliveries(5, [cancel("1"), cancel("2")]));
    line.say(deliveries(5, [cancel("3")]));
    await quiet();
    expect(world.delivered.map(({ id }) => id)).toEqual(["1", "2", "3"]);
  });

  test("of operations do not wait for writes into a slow Kubernetes", async () => {
    const held = Promise.withResolvers<DeliveryOutcome>();
    world.outcome = async ({ kind }) => (kind === "write" ? await held.promise : { ok: true });
    await start();
    const line = await open(5);
    line.say(deliveries(5, [writeItem("w1"), cancel("1")]));
    line.say(deliveries(5, [cancel("2")]));
    await quiet();
    expect(line.of("ack").flatMap(({ done }) => done)).toEqual(["1", "2"]);
  });

  test("that wait when the socket closes are not taken any more", async () => {
    const held = Promise.withResolvers<DeliveryOutcome>();
    world.outcome = async () => await held.promise;
    await start();
    const line = await open(5);
    line.say(deliveries(5, [cancel("1"), cancel("2")]));
    await quiet();
    line.pair.server.close(1012, "");
    await quiet();
    held.resolve({ ok: true });
    await quiet();
    expect(world.delivered.map(({ id }) => id)).toEqual(["1"]);
  });

  test("of a new session write only after what the old one left is done", async () => {
    const held = Promise.withResolvers<DeliveryOutcome>();
    world.outcome = async () => (world.delivered.length === 1 ? await held.promise : { ok: true });
    await start();
    (await open(5)).say(deliveries(5, [writeItem("old")]));
    await quiet();
    world.line().pair.server.close(1012, "");
    await world.clock.advance(1_000);
    (await open(6)).say(deliveries(6, [writeItem("new")]));
    await quiet();
    expect(world.delivered.map(({ id }) => id)).toEqual(["old"]);
    held.resolve({ ok: true });
    await quiet();
    expect(world.delivered.map(({ id }) => id)).toEqual(["old", "new"]);
  });

  test("of an operation that a newer control plane knows are answered as unsupported", async () => {
    await start();
    const line = await open(5);
    const operation = {
      id: "u1.7",
      hostUid: "u1",
      payload: { kind: "levitate", secret: "hunter2" },
    };
    line.say(deliveries(5, [{ id: "1", delivery: { kind: "operation", operation } }, cancel("2")]));
    await quiet();
    expect(line.closed).toBeUndefined();
    expect(line.of("ack")).toMatchObject([{ done: ["2"], failed: [{ id: "1", retry: false }] }]);
    expect(line.of("observations")).toMatchObject([
      {
        items: [
          {
            body: {
              kind: "operation-failed",
              operationId: "u1.7",
              failure: { kind: "unsupported" },
            },
          },
        ],
      },
    ]);
    expect(JSON.stringify([line.frames, world.logged])).not.toContain("hunter2");
  });
});
