import { expect, test } from "vitest";
import type { PowerAction } from "../world/events.ts";
import { delivered, toRamdisk } from "./made-messages.ts";
import { s2 } from "./s2-held-power.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const truth = { machines: new Map([["m1", madeMachine()]]) };
const free = {
  paused: false,
  detached: false,
  externallyProvisioned: false,
  disablePowerOff: false,
};

function told(at: number, hold: Partial<typeof free>): Made {
  const document = {
    bmcAddress: "ipmi://10.1.0.11",
    bootMACAddress: undefined,
    hold: { ...free, ...hold },
  };
  return delivered(at, "document", at, { document });
}

function ordered(at: number, work: string, operationId = "u.1"): Made {
  return delivered(at, "operation", 1, { operationId, work });
}

function switched(at: number, action: PowerAction): Made {
  return { at, kind: "power-command", machine: "m1", action, agent: "site-1", done: true };
}

const judge = (...events: readonly Made[]) => tryJudge(s2, events, { truth });

test("a host that people hold for long is not switched off", () => {
  const held = stored(0, madeHost({ annotations: { "baremetalhost.metal3.io/paused": "" } }));
  expect(judge(held, switched(91, "off"))).toHaveLength(1);
  expect(judge(held, switched(80, "off"))).toEqual([]);
  expect(judge(held, switched(91, "on"))).toEqual([]);
  expect(judge(held, { ...switched(91, "off"), agent: undefined } as Made)).toEqual([]);
});

test.each([{ paused: true }, { detached: true }])(
  "an agent that knows of the hold switches nothing",
  (hold) => {
    const order = ordered(1, "inspect");
    expect(judge(order, told(2, hold), switched(40, "on"))).toHaveLength(1);
    expect(judge(order, told(2, hold), switched(30, "on"))).toEqual([]);
    expect(judge(order, told(2, hold), told(35, {}), switched(40, "on"))).toEqual([]);
  },
);

test("an agent that was stopped meanwhile has had less time for it", () => {
  const stopped = (at: number, kind: "fault" | "fault-ended"): Made => ({
    at,
    kind,
    fault: "agent-paused",
    target: "site-1",
  });
  const known = [ordered(1, "inspect"), told(2, { paused: true })];
  const pause = [stopped(5, "fault"), stopped(30, "fault-ended")];
  expect(judge(...known, ...pause, switched(40, "off"))).toEqual([]);
  expect(judge(...known, ...pause, switched(60, "off"))).toHaveLength(1);
});

test("what has begun to destroy is finished, and nothing else", () => {
  const begun = [ordered(1, "provision"), toRamdisk(2, "go", "u.1"), told(3, { paused: true })];
  expect(judge(...begun, switched(40, "off"))).toEqual([]);
  const before = ordered(0, "clean", "u.0");
  expect(judge(before, ...begun, { ...before, at: 4 }, switched(40, "off"))).toEqual([]);
  const ended: Made = {
    at: 39,
    kind: "reported",
    agent: "site-1",
    seq: 1,
    what: "operation-failed",
    hostUid: "u",
    operationId: "u.1",
    failure: "stream",
  };
  expect(judge(...begun, ended, switched(40, "off"))).toHaveLength(1);
  const ofCopy = { ...ended, agent: "site-1#2" };
  const own = begun.map((each) => ({ ...each, agent: "site-1" }) as Made);
  expect(judge(...own, ofCopy, switched(40, "off"))).toEqual([]);
});

test("work from before a host became externally provisioned is void, and its power may follow", () => {
  const external = told(2, { externallyProvisioned: true });
  expect(judge(ordered(1, "inspect"), external, switched(40, "off"))).toHaveLength(1);
  expect(judge(ordered(1, "inspect"), external, switched(20, "off"))).toEqual([]);
  expect(judge(ordered(1, "power"), external, switched(40, "off"))).toEqual([]);
  expect(judge(external, ordered(3, "power"), switched(40, "off"))).toEqual([]);
  expect(judge(external, ordered(3, "register"), switched(40, "off"))).toEqual([]);
});

test("of several hosts that name a machine's BMC, only those count whose machine it is", () => {
  const own = stored(0, madeHost({ status: { provisioning: { state: "provisioned" } } }));
  const other = (mac: string, state: string): Made => {
    const annotations = { "baremetalhost.metal3.io/paused": "" };
    const spec = { bootMACAddress: mac };
    const status = { provisioning: { state } };
    return stored(0, madeHost({ name: "other", uid: "v", annotations, spec, status }));
  };
  const mac = "52:54:01:00:01:00";
  expect(judge(own, other(mac, "provisioned"), switched(91, "off"))).toHaveLength(1);
  expect(judge(own, other("52:54:01:00:02:00", "provisioned"), switched(91, "off"))).toEqual([]);
  expect(judge(own, other(mac, "registering"), switched(91, "off"))).toEqual([]);
});

function heard(at: number): Made {
  const [before, after] = [{ seen_at: at - 1 }, { seen_at: at }];
  const row = { table: "links", key: "cluster:c", before, after, place: 0 };
  return { at, kind: "commit", statement: "renewLease", ...row };
}

function newOperation(at: number, kind: string): Made {
  const after = { host_uid: "u", kind };
  const row = { table: "operations", key: "u.1", before: undefined, after, place: 0 };
  return { at, kind: "commit", statement: "commitHost", ...row };
}

test("nothing is ordered while the cluster link is not heard", () => {
  const host = stored(0, madeHost());
  expect(judge(host, heard(1), newOperation(32, "power"))).toHaveLength(1);
  expect(judge(host, heard(1), newOperation(32, "register"))).toEqual([]);
  expect(judge(host, heard(1), newOperation(30, "power"))).toEqual([]);
  expect(judge(host, heard(1), heard(6), newOperation(32, "power"))).toEqual([]);
});

test("nothing is ordered for a host that was held while the cluster link was away", () => {
  const held = (at: number) =>
    stored(at, madeHost({ annotations: { "baremetalhost.metal3.io/paused": "" } }));
  const host = stored(0, madeHost());
  const away = [host, heard(1), held(10), heard(40)];
  expect(judge(...away, newOperation(41, "clean"))).toHaveLength(1);
  expect(judge(...away, heard(45), newOperation(46, "clean"))).toHaveLength(1);
  expect(judge(...away, stored(42, madeHost()), newOperation(43, "clean"))).toEqual([]);
  expect(judge(host, heard(1), heard(40), held(41), newOperation(42, "clean"))).toEqual([]);
  expect(judge(host, heard(1), held(10), heard(20), newOperation(22, "clean"))).toEqual([]);
  const stalled: Made = { at: 39, kind: "fault", fault: "api-watch-stalled", target: "c" };
  expect(judge(...away.slice(0, 3), stalled, heard(40), newOperation(41, "clean"))).toEqual([]);
});

test("what people do while all watches stand still is not known", () => {
  const held = stored(10, madeHost({ annotations: { "baremetalhost.metal3.io/paused": "" } }));
  const off = switched(101, "off");
  const stall = (at: number, kind: "fault" | "fault-ended" = "fault"): Made => ({
    at,
    kind,
    fault: "api-watch-stalled",
    target: "c",
  });
  const host = stored(0, madeHost());
  expect(judge(host, held, off)).toHaveLength(1);
  expect(judge(host, stall(9), held, off)).toEqual([]);
  expect(judge(host, stall(9), held, stall(11, "fault-ended"), off)).toEqual([]);
  expect(judge(host, held, stall(11), off)).toHaveLength(1);
});

test("nothing that was ordered before is given to a site while the cluster link is not heard", () => {
  const host = stored(0, madeHost());
  expect(judge(host, heard(1), ordered(32, "inspect"))).toHaveLength(1);
  expect(judge(host, heard(1), ordered(30, "inspect"), ordered(32, "inspect"))).toEqual([]);
  expect(judge(host, heard(1), ordered(32, "register"))).toEqual([]);
});

test("what an agent that was stopped finds in its socket was given when it was sent", () => {
  const sending = (at: number): Made => {
    const [before, after] = [{ sent_epoch: 0 }, { sent_epoch: at, key: "operation:u.1" }];
    const row = { table: "outbox", key: "7", before, after, place: 0 };
    return { at, kind: "commit", statement: "takeOutbox", ...row };
  };
  const order = ordered(92, "inspect");
  const host = stored(0, madeHost());
  expect(judge(host, heard(1), sending(2), order)).toEqual([]);
  expect(judge(host, heard(1), sending(2), sending(32), order)).toHaveLength(1);
  expect(judge(host, heard(1), order)).toHaveLength(1);
  const held = stored(10, madeHost({ annotations: { "baremetalhost.metal3.io/paused": "" } }));
  const away = [heard(40), ordered(41, "inspect")];
  expect(judge(host, heard(1), sending(2), held, ...away)).toEqual([]);
  expect(judge(host, heard(1), held, sending(11), ...away)).toHaveLength(1);
});

test("what waited for a site that knows better by now is given to it", () => {
  const held = stored(10, madeHost({ annotations: { "baremetalhost.metal3.io/paused": "" } }));
  const away = [stored(0, madeHost()), heard(1), held, heard(40)];
  expect(judge(...away, ordered(41, "clean"))).toHaveLength(1);
  expect(judge(...away, told(41, { paused: true }), ordered(41, "clean"))).toEqual([]);
});
