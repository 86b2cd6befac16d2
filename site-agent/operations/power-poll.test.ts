// The power poll: tells changes, never acts, and never mistakes what it saw before an operation for news.
import { afterEach, beforeEach, expect, test } from "vitest";
import { bmcAddress, makeFakeSite, secretOf, type FakeSite } from "../../test/support/fake-site.ts";
import { ok } from "../../shared/result.ts";
import { makeLease } from "../link/lease.ts";
import { runPowerPoll } from "./power-poll.ts";
import { reportStrangers } from "./report-strangers.ts";

let site: FakeSite;
let stop: AbortController;
beforeEach(() => {
  site = makeFakeSite();
  stop = new AbortController();
});
afterEach(() => stop.abort());

function start(): void {
  void runPowerPoll(site, stop.signal);
}
function told(): unknown[] {
  return site.told().flatMap((body) => {
    if (body.kind === "power") return [body.on ? "on" : "off"];
    return body.kind === "bmc" ? [body.problem ?? "reachable"] : [];
  });
}

test("the first look and every change are told, and nothing else", async () => {
  start();
  await site.clock.advance(60_000);
  expect(told()).toEqual(["on"]);
  site.bmc.on = false;
  await site.clock.advance(11_000);
  expect(told()).toEqual(["on", "off"]);
});

test("credentials are opened once for as long as they are sealed the same", async () => {
  let opened = 0;
  const openSecret: typeof site.site.openSecret = (...given) => {
    opened += 1;
    return site.site.openSecret(...given);
  };
  void runPowerPoll({ ...site, site: { ...site.site, openSecret } }, stop.signal);
  await site.clock.advance(60_000);
  expect(opened).toBe(1);
  const credentials = { ...secretOf("bmc"), ciphertext: "bmV3" };
  site.store({ credentials });
  await site.clock.advance(60_000);
  expect(opened).toBe(2);
  site.store({ credentials, bmcAddress: "ipmi://192.0.2.11" });
  await site.clock.advance(60_000);
  expect(opened).toBe(3);
});

test("the poll never does anything to the machine", async () => {
  site.bmc.on = false;
  start();
  await site.clock.advance(600_000);
  expect(site.did).toEqual([]);
});

test("a BMC that cannot be reached is told once, and when it can again", async () => {
  start();
  await site.clock.advance(1_000);
  site.bmc.fail = () => "unreachable";
  await site.clock.advance(30_000);
  site.bmc.fail = () => undefined;
  await site.clock.advance(30_000);
  expect(told()).toEqual(["on", expect.stringContaining("unreachable"), "on", "reachable"]);
});

test("a very long problem is cut to what the protocol carries", async () => {
  const bmc = {
    readPower: async () => ({
      ok: false as const,
      error: { kind: "refused" as const, message: "x".repeat(5_000) },
    }),
  };
  const bmcs = { ...site.site.bmcs, bmc: () => ok({ ...bmc } as never) };
  void runPowerPoll({ ...site, site: { ...site.site, bmcs } }, stop.signal);
  await site.clock.advance(1_000);
  expect(told()).toEqual(["x".repeat(1_024)]);
});

test("nobody is asked before the first session: until then a copy of the agent may be at work [S15]", async () => {
  let asked = 0;
  site.bmc.fail = () => {
    asked += 1;
    return undefined;
  };
  const lease = makeLease(site.clock);
  void runPowerPoll({ ...site, lease }, stop.signal);
  await site.clock.advance(600_000);
  expect(asked).toBe(0);
  lease.opened(site.clock.monotonicMs());
  await site.clock.advance(2_000);
  expect(told()).toEqual(["on"]);
});

test("nobody is asked while another process has the agent's identity", async () => {
  let asked = 0;
  site.bmc.fail = () => {
    asked += 1;
    return undefined;
  };
  site.lease.closed(true);
  start();
  await site.clock.advance(60_000);
  expect(asked).toBe(0);
  site.lease.opened(site.clock.monotonicMs());
  await site.clock.advance(11_000);
  expect(told()).toEqual(["on"]);
});

test.each(["paused", "detached"] as const)("a %s host is left in peace", async (hold) => {
  let asked = 0;
  site.bmc.fail = () => {
    asked += 1;
    return undefined;
  };
  site.hold({ [hold]: true });
  start();
  await site.clock.advance(60_000);
  expect(asked).toBe(0);
  expect(told()).toEqual([]);
});

test("the poll rests while an operation works on the host", async () => {
  site.ramdisk.arrivesAfterMs = undefined;
  start();
  await site.clock.advance(1_000);
  const order = site.order({ kind: "inspect", afterwards: "stay" });
  site.dispatcher.accept(order);
  await site.clock.advance(20_000);
  site.bmc.on = false;
  await site.clock.advance(60_000);
  expect(told()).toEqual(["on"]);
  site.dispatcher.cancel(order.id);
  await site.clock.advance(20_000);
  expect(told()).toEqual(["on", "off"]);
});

test("power that a button switched back after an operation is told", async () => {
  start();
  await site.clock.advance(1_000);
  site.clock.timer(10, () =>
    site.dispatcher.accept(site.order({ kind: "power", want: "off", mode: "hard" })),
  );
  await site.clock.advance(2_000);
  expect(site.bmc.on).toBe(false);
  site.bmc.on = true;
  await site.clock.advance(11_000);
  expect(told()).toEqual(["on", "on"]);
});

test("what a slow BMC answers after an operation has worked meanwhile is not told", async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = {
    ...site.site.bmcs,
    bmc: () =>
      ok({
        readPower: async () => {
          await held;
          return ok({ on: true });
        },
      } as never),
  };
  void runPowerPoll({ ...site, site: { ...site.site, bmcs: slow } }, stop.signal);
  await site.clock.advance(1_000);
  await site.run({ kind: "power", want: "off", mode: "hard" });
  release();
  await site.clock.advance(1_000);
  expect(told()).toEqual([]);
});

test("a host that left the site and came back is told anew", async () => {
  start();
  await site.clock.advance(1_000);
  const { hostUid, spec } = site.store();
  site.documents.remove(hostUid, 50);
  await site.clock.advance(20_000);
  site.documents.store({ hostUid, revision: 51, hash: "h", spec });
  await site.clock.advance(20_000);
  expect(told()).toEqual(["on", "on"]);
});

test("a host whose credentials have not come is not asked", async () => {
  const { credentials: _none, ...spec } = site.store().spec;
  site.documents.store({ hostUid: "b", revision: 1, hash: "h", spec: { ...spec, bmcAddress } });
  start();
  await site.clock.advance(1_000);
  expect(site.told().filter((body) => "hostUid" in body && body.hostUid === "b")).toEqual([]);
});

test("a host that a full resync has not brought again may be gone: its BMC is left alone until it has [S13, S15]", async () => {
  const { hostUid } = site.store();
  site.unconfirmed.add(hostUid);
  start();
  await site.clock.advance(30_000);
  expect(site.credentialVersions).toEqual([]);
  site.unconfirmed.delete(hostUid);
  await site.clock.advance(11_000);
  expect(told()).toEqual(["on"]);
});

test("strangers are told once an hour, and a flood of them a few at a time", async () => {
  let strangers = ["52:54:00:00:00:01"];
  void reportStrangers(
    { ...site, ...site.site, netboot: { strangers: () => strangers } },
    stop.signal,
  );
  await site.clock.advance(60_000);
  const count = () => site.told().filter((body) => body.kind === "stranger").length;
  expect(count()).toBe(1);
  strangers = Array.from({ length: 5_000 }, (_, at) => `made-up-${at}`);
  await site.clock.advance(30_000);
  expect(count()).toBe(31);
  await site.clock.advance(3_000_000);
  expect(count()).toBeLessThanOrEqual(1_001);
});

test("a BMC that an operation could not reach is told, and so is its return, though the poll never missed it", async () => {
  start();
  await site.clock.advance(1_000);
  site.bmc.fail = () => "unreachable";
  await site.run({ kind: "register" });
  site.bmc.fail = () => undefined;
  await site.clock.advance(11_000);
  expect(told()).toEqual(["on", expect.stringContaining("unreachable"), "on", "reachable"]);
});
