import { expect, test } from "vitest";
import type { KubernetesObject } from "../world/events.ts";
import { l8 } from "./l8-delete-completes.ts";
import { fault, faultEnded } from "./made-events.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const machines = new Map([["m1", madeMachine()]]);
const secret: KubernetesObject = {
  kind: "Secret",
  metadata: { name: "h-bmc", namespace: "a", uid: "s", resourceVersion: "1" },
  data: { password: btoa("right") },
};
const going = (annotations: Record<string, string> = {}, state = "provisioned") =>
  madeHost({ deleted: true, annotations, status: { provisioning: { state } } });
const messagesOf = (host: KubernetesObject, goneAt: number, more: readonly Made[] = []) =>
  tryJudge(
    l8,
    [stored(0, secret), stored(10, host), ...more, stored(goneAt, host, { verb: "gone" })],
    { truth: { machines } },
  );
const detached = "baremetalhost.metal3.io/detached";
const external = going({}, "externally provisioned");
const forced = { "farrier.dev/force-delete": "" };

test.each([
  ["forced", going(forced), 10],
  ["detached", going({ [detached]: "" }), 60],
  ["external", external, 60],
  ["with a BMC", going(), 600],
])(
  "a deletion of a host that is %s keeps the promise in time, and breaks it later",
  (_, host, s) => {
    expect(messagesOf(host, 10 + s)).toEqual([]);
    expect(messagesOf(host, 11 + s)).toHaveLength(1);
  },
);

test("without a BMC that can be used a deletion has 15 min", () => {
  const elsewhere = madeHost({
    deleted: true,
    spec: { bmc: { address: "ipmi://10.9.9.9", credentialsName: "h-bmc" } },
  });
  expect(messagesOf(elsewhere, 910)).toEqual([]);
  expect(messagesOf(elsewhere, 911)).toEqual(["in any case, u is there after 901000 ms"]);
});

test("an external host whose Secret is wrong, and that cannot be switched off, has the time of any such host", () => {
  const wrong = stored(10, { ...secret, data: { password: btoa("wrong") } });
  const off = stored(50, going({}, "powering off before delete"));
  expect(messagesOf(external, 900, [wrong, off])).toEqual([]);
  expect(messagesOf(external, 951, [wrong, off])).toHaveLength(1);
  expect(messagesOf(external, 71, [off])).toHaveLength(1);
  expect(messagesOf(going({ [detached]: "" }), 71, [wrong])).toHaveLength(1);
});

test("nor can one whose BMC has few sessions, as long as a lost one keeps its place", () => {
  const few = madeMachine({ quirks: ["one-session"] });
  const events = [stored(0, secret), stored(10, external)];
  const judged = (until: number, machine = few) =>
    tryJudge(l8, events, { truth: { machines: new Map([["m1", machine]]) }, until });
  expect(judged(900)).toEqual([]);
  expect(judged(911)).toHaveLength(1);
  expect(judged(71, madeMachine({ quirks: ["slow-bmc"] }))).toHaveLength(1);
});

test("nor can one whose BMC accepted the command and did nothing, until it is given again", () => {
  const command = (at: number, done: boolean): Made => {
    const about = { machine: "m1", action: "off", agent: "site-1" } as const;
    return { at, kind: "power-command", ...about, done };
  };
  const off = (at: number) => stored(at, going({}, "powering off before delete"));
  const ignored = [command(12, false), off(13)];
  expect(messagesOf(external, 600, ignored)).toEqual([]);
  expect(messagesOf(external, 611, ignored)).toHaveLength(1);
  expect(messagesOf(external, 71, [command(12, true), off(13)])).toHaveLength(1);
  const again = [...ignored, command(100, true), stored(101, external)];
  expect(messagesOf(external, 161, again)).toEqual([]);
  expect(messagesOf(external, 162, again)).toHaveLength(1);
  const gone = going({ [detached]: "" });
  expect(messagesOf(gone, 71, [command(12, false), stored(13, gone)])).toHaveLength(1);
});

test("a host that is attached again before it goes has the time of any other", () => {
  const again = stored(20, going({}, "deprovisioning"));
  expect(messagesOf(going({ [detached]: "" }), 600, [again])).toEqual([]);
  expect(messagesOf(going({ [detached]: "" }), 700, [again])).toHaveLength(1);
  const off = stored(20, going({}, "powering off before delete"));
  expect(messagesOf(going({ [detached]: "" }), 600, [off])).toEqual([]);
  expect(
    messagesOf(going({ [detached]: "" }), 71, [stored(20, going({}, "deleting"))]),
  ).toHaveLength(1);
});

test("what is held back, and what goes wrong, stops the clock", () => {
  expect(messagesOf(going({ [detached]: '{"deleteAction":"delay"}' }), 9_000)).toEqual([]);
  const hangs = [fault(20, "bmc-hangs", "m1"), faultEnded(500, "bmc-hangs", "m1")];
  expect(messagesOf(going(), 1_090, hangs)).toEqual([]);
  expect(messagesOf(going(forced), 100, hangs)).toHaveLength(1);
});

test("work that was begun while something was wrong ends in its own time, and work that was not, does not", () => {
  const about = { hostUid: "u", id: "1", operationId: "u.1", agent: "site-1" };
  const order: Made = { at: 30, kind: "delivered", what: "operation", ...about };
  const end = { kind: "reported", seq: 1, failure: "boot-timeout", agent: "site-1" } as const;
  const failed: Made = {
    at: 500,
    ...end,
    what: "operation-failed",
    hostUid: "u",
    operationId: "u.1",
  };
  const rogue = [fault(20, "rogue-dhcp", "site-1"), order, faultEnded(40, "rogue-dhcp", "site-1")];
  expect(messagesOf(going(), 1_100, [...rogue, failed])).toEqual([]);
  expect(messagesOf(going(), 1_101, [...rogue, failed])).toHaveLength(1);
  expect(messagesOf(going(), 700, [order, failed])).toHaveLength(1);
});
