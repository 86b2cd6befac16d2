import { afterEach, expect, test } from "vitest";
import { makeManualClock } from "../../test/support/control-plane/manual-clock.ts";
import type { Notifications } from "../ports.ts";
import { startBus, type RunningBus } from "./bus.ts";

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
let drawn = 0;
const crypto = {
  randomHex: (bytes: number) => String((drawn += 1)).padStart(bytes * 2, "0"),
  sha256Hex: () => Promise.resolve(""),
  verify: () => Promise.resolve(false),
};

/** One database's channel; `deaf` takes everything and delivers nothing, as a pooler does. */
function makeChannel(options: { deaf: boolean }) {
  const listeners: { hear: (payload: string) => void; ready: () => void }[] = [];
  const sent: string[] = [];
  const notifications: Notifications = {
    listen(_channel, hear, ready) {
      listeners.push({ hear, ready });
      ready();
      return Promise.resolve(() => Promise.resolve());
    },
    notify(_channel, payload) {
      sent.push(payload);
      if (!options.deaf) for (const { hear } of listeners) hear(payload);
      return Promise.resolve();
    },
  };
  return {
    notifications,
    sent,
    options,
    reconnect: () => listeners.forEach(({ ready }) => ready()),
  };
}

const running: RunningBus[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((bus) => bus.stop()));
});

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

async function start(channel: ReturnType<typeof makeChannel>) {
  const clock = makeManualClock();
  const starting = startBus({ notifications: channel.notifications, clock, crypto, log: silent });
  await settle();
  clock.advance(2_000);
  const bus = await starting;
  running.push(bus);
  const heard: (string | undefined)[] = [];
  bus.onNotify((topic) => void heard.push(topic));
  return { bus, clock, heard };
}

test("the bus wakes another instance at once, and once for what is named again and again within 10 ms", async () => {
  const channel = makeChannel({ deaf: false });
  const one = await start(channel);
  const two = await start(channel);
  channel.sent.length = 0;
  one.bus.notify(["site:a"]);
  expect(two.heard).toEqual(["site:a"]);
  one.bus.notify(["site:a", "site:b"]);
  one.bus.notify(["site:a"]);
  one.clock.advance(9);
  await settle();
  expect(channel.sent).toEqual([expect.stringMatching(/^from:\d{16},site:a$/)]);
  one.clock.advance(1);
  await settle();
  expect(channel.sent.slice(1)).toEqual([expect.stringMatching(/^from:\d{16},site:a,site:b$/)]);
  expect(two.heard).toEqual(["site:a", "site:a", "site:b"]);
  // It has looked already; what its own message could tell costs a statement.
  expect(one.heard).toEqual(two.heard);
  one.clock.advance(10);
  one.bus.notify(["site:c"]);
  expect(two.heard).toContain("site:c");
});

test("the bus sends what presses less ten times a second, or with what presses", async () => {
  const channel = makeChannel({ deaf: false });
  const { bus, clock, heard } = await start(channel);
  clock.advance(1_000);
  bus.notify(["site:a"], "soon");
  expect(heard).toEqual(["site:a"]);
  bus.notify(["site:b"], "soon");
  clock.advance(50);
  bus.notify(["site:c"], "soon");
  clock.advance(49);
  await settle();
  expect(heard).toEqual(["site:a"]);
  clock.advance(1);
  await settle();
  expect(heard.slice(1)).toEqual(["site:b", "site:c"]);
  clock.advance(10);
  bus.notify(["site:d"], "soon");
  bus.notify(["site:e"]);
  expect(heard.slice(3)).toEqual(["site:d", "site:e"]);
  bus.notify(["site:f"], "soon");
  bus.notify(["site:g"]);
  clock.advance(10);
  await settle();
  expect(heard.slice(5)).toEqual(["site:f", "site:g"]);
  bus.notify(["site:h"], "soon");
  await bus.stop();
  expect(heard.slice(7)).toEqual(["site:h"]);
});

test("the bus hears an instance of a version that does not say who it is", async () => {
  const channel = makeChannel({ deaf: false });
  const { heard } = await start(channel);
  await channel.notifications.notify("farrier", "site:a,site:b");
  expect(heard).toEqual(["site:a", "site:b"]);
});

test("the bus splits what is longer than a notification may be", async () => {
  const channel = makeChannel({ deaf: false });
  const { bus, clock, heard } = await start(channel);
  channel.sent.length = 0;
  const topics = Array.from({ length: 300 }, (_, index) => `site:${index}-${"x".repeat(40)}`);
  bus.notify(topics);
  clock.advance(10);
  await settle();
  expect(channel.sent.length).toBeGreaterThan(1);
  expect(channel.sent.every((payload) => payload.length <= 7_500)).toBe(true);
  expect(new Set(heard)).toEqual(new Set(topics));
});

test("the bus polls every second when its own test message does not arrive, and stops when it does", async () => {
  const channel = makeChannel({ deaf: true });
  const { bus, clock, heard } = await start(channel);
  expect(bus.mode()).toBe("poll");
  for (let second = 0; second < 3; second += 1) {
    clock.advance(1_000);
    await settle();
  }
  expect(heard).toEqual([undefined, undefined, undefined]);
  channel.options.deaf = false;
  clock.advance(27_000);
  await settle();
  expect(bus.mode()).toBe("listen");
});

test("the bus wakes its own sessions though notifications are not delivered", async () => {
  const channel = makeChannel({ deaf: true });
  const { bus, clock, heard } = await start(channel);
  bus.notify(["site:a"]);
  clock.advance(10);
  await settle();
  expect(heard).toContain("site:a");
});

test("the bus has everything looked at when it listens anew, and every 30 s", async () => {
  const channel = makeChannel({ deaf: false });
  const { bus, clock, heard } = await start(channel);
  expect(bus.mode()).toBe("listen");
  channel.reconnect();
  expect(heard).toEqual([undefined]);
  clock.advance(30_000);
  await settle();
  expect(heard).toEqual([undefined, undefined]);
});
