// How link sessions end and begin again, over a duplex in memory and on a virtual clock.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { closeCode } from "../../shared/protocol/frames.ts";
import { makeLinkWorld, openSession, type LinkWorld } from "../../test/support/link-world.ts";

let world: LinkWorld;
let stop: AbortController;
beforeEach(() => {
  world = makeLinkWorld();
  stop = new AbortController();
});
afterEach(() => stop.abort());

const quiet = () => world.clock.advance(0);

async function start(): Promise<void> {
  void world.session.run(stop.signal);
  await quiet();
}

const open = (epoch: number, over: object = {}) => openSession(world, epoch, over);
describe("a session ends", () => {
  test("on a message that is no frame", async () => {
    await start();
    const line = await open(5);
    line.raw("{half");
    await quiet();
    expect(line.closed?.code).toBe(closeCode.badFrame);
  });

  test("not on a frame that it does not know, but on a flood of them", async () => {
    await start();
    const line = await open(5);
    line.say({ type: "horoscope" });
    await quiet();
    expect(line.closed).toBeUndefined();
    for (let at = 0; at < 19; at += 1) line.say({ type: "horoscope" });
    await quiet();
    expect(line.closed?.code).toBe(closeCode.badFrame);
  });

  test("when nothing is heard for 45 s, and the next one begins", async () => {
    await start();
    const line = await open(5);
    await world.clock.advance(2_000);
    line.say({ type: "committed", epoch: 5, seq: 0 });
    await world.clock.advance(44_999);
    expect(line.closed).toBeUndefined();
    await world.clock.advance(1);
    expect(line.closed?.code).toBe(closeCode.silent);
    await world.clock.advance(1_000);
    expect(world.lines).toHaveLength(2);
  });

  test("and the next begins though a dead peer never confirms the close", async () => {
    await start();
    const line = await open(5);
    line.pair.cut();
    await world.clock.advance(56_000);
    expect(world.lines).toHaveLength(2);
  });

  test("when no welcome comes", async () => {
    await start();
    await world.clock.advance(15_000);
    expect(world.lines[0]?.closed?.code).toBe(closeCode.silent);
    expect(world.lines[0]?.of("hello")).toEqual([]);
  });

  test("with the agent", async () => {
    await start();
    const line = await open(5);
    stop.abort();
    await world.clock.advance(60_000);
    expect(line.closed).toEqual({ code: 1000, reason: "agent stops" });
    expect(world.lines).toHaveLength(1);
  });

  test("with the agent, whose work has ended before it says so; meanwhile nothing is said or done", async () => {
    let end: () => void = () => undefined;
    const work = new Promise<void>((resolve) => {
      end = resolve;
    });
    let hasReturned = false;
    void world.session
      .run(stop.signal, () => work)
      .then(() => {
        hasReturned = true;
      });
    await quiet();
    const line = await open(5);
    stop.abort();
    const before = line.frames.length;
    line.say({
      type: "deliveries",
      epoch: 5,
      items: [{ id: "1", delivery: { kind: "cancel", hostUid: "u1", operationId: "o" } }],
    });
    await world.clock.advance(12_000);
    expect(line.frames).toHaveLength(before);
    expect(world.delivered).toEqual([]);
    expect(hasReturned).toBe(false);
    end();
    await quiet();
    expect(line.frames.slice(before)).toEqual([{ type: "bye", epoch: 5 }]);
    expect(line.closed).toBeUndefined();
    line.pair.server.close(closeCode.gone, "");
    await quiet();
    expect(hasReturned).toBe(true);
  });

  test("with the agent within a second when nobody confirms that it ends", async () => {
    await start();
    const line = await open(5);
    stop.abort();
    await world.clock.advance(1_000);
    expect(line.closed).toEqual({ code: 1000, reason: "agent stops" });
  });

  test("at once when the agent stops while it connects", async () => {
    void world.session.run(stop.signal);
    stop.abort();
    await world.clock.advance(60_000);
    expect(world.lines.every((line) => line.closed !== undefined)).toBe(true);
    expect(world.lines.length).toBeLessThanOrEqual(1);
  });

  test("with a word about what to do when the agent is not approved", async () => {
    await start();
    world.line().pair.server.close(closeCode.unauthorized, "pending");
    await quiet();
    expect(world.logged.join()).toContain("approve the agent");
  });
});

describe("reconnecting", () => {
  /** Pauses between tries. */
  function pauses(): number[] {
    const times = world.requests.map(({ atMs }) => atMs);
    return times.slice(1).map((atMs, at) => atMs - (times[at] ?? 0));
  }

  test("waits up to 0.5, 1, 2 … 30 s, never longer", async () => {
    world.reachable = false;
    await start();
    await world.clock.advance(200_000);
    expect(pauses().slice(0, 10)).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000,
    ]);
  });

  test("may come at once: the jitter is full", async () => {
    world.reachable = false;
    world.random.bytes = [64, 0];
    await start();
    await world.clock.advance(30_000);
    expect(pauses().slice(0, 4)).toEqual([125, 250, 500, 1_000]);
  });

  test("respects what a control plane that goes away asks for, within reason", async () => {
    await start();
    const line = await open(5);
    line.say({ type: "goaway", retryAfterMs: 7_000 });
    line.pair.server.close(closeCode.goingAway, "");
    await world.clock.advance(6_999);
    expect(world.lines).toHaveLength(1);
    await world.clock.advance(1);
    expect(world.lines).toHaveLength(2);
    world.line().say({ type: "goaway", retryAfterMs: 1e12 });
    world.line().pair.server.close(closeCode.goingAway, "");
    await world.clock.advance(60_001);
    expect(world.lines).toHaveLength(3);
  });

  test("slows down when sessions are short, as those of two agents with one identity", async () => {
    await start();
    for (let epoch = 1; epoch <= 8; epoch += 1) {
      (await open(epoch)).pair.server.close(closeCode.superseded, "");
      await world.clock.advance(30_000);
    }
    expect(pauses().at(-1)).toBe(30_000);
  });

  test("begins anew with a short pause after a session that was good", async () => {
    world.reachable = false;
    await start();
    await world.clock.advance(60_000);
    world.reachable = true;
    while (world.lines.length === 0) await world.clock.advance(1_000);
    const line = await open(5);
    for (let at = 0; at < 8; at += 1) {
      line.say({ type: "sites", epoch: 5, sites: [] });
      await world.clock.advance(5_000);
    }
    const closedAtMs = world.clock.monotonicMs();
    line.pair.server.close(1012, "");
    await world.clock.advance(1_000);
    expect((world.requests.at(-1)?.atMs ?? 0) - closedAtMs).toBe(500);
  });
});
