import { expect, test } from "vitest";
import { fault } from "./made-events.ts";
import { fromRamdisk, toRamdisk } from "./made-messages.ts";
import { madeDisk, usedDisk } from "./made-disk.ts";
import { s22 } from "./s22-orderly-deletion.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

type Fields = Parameters<typeof madeHost>[0];

const status = { provisioning: { state: "provisioned" } };
const host = (fields: Fields = {}) => madeHost({ status, ...fields });
const made = stored(0, host());
const deleted = (at: number, fields: Fields = {}) =>
  stored(at, host({ deleted: true, ...fields }), { verb: "delete" });
const goes = (at: number, fields: Fields = {}) =>
  stored(at, host({ deleted: true, ...fields }), { verb: "gone", by: "farrier" });
const off: Made = { at: 210, kind: "power", machine: "m1", on: false, why: "bmc" };

function judged(events: readonly Made[], disks = [madeDisk("d1")]): readonly string[] {
  const machines = new Map([["m1", madeMachine({ disks })]]);
  return tryJudge(s22, events, { truth: { machines } });
}

test("a host that is let go of while it runs is a violation, off or told to be off it is none", () => {
  expect(judged([made, deleted(200), goes(220)])).toEqual([
    "let go of while it ran, 20000 ms after it was deleted",
  ]);
  expect(judged([made, deleted(200), off, goes(220)])).toEqual([]);
  const told = {
    at: 210,
    kind: "power-command",
    machine: "m1",
    action: "off",
    done: false,
  } as const;
  expect(judged([made, deleted(200), { ...told, agent: "site-1" }, goes(220)])).toEqual([]);
  expect(judged([made, deleted(200), { ...told, agent: undefined }, goes(220)])).toHaveLength(1);
});

test("a host that is let go of with its data is a violation, unless they were erased meanwhile", () => {
  const used = [usedDisk("d1")];
  expect(judged([made, deleted(200), off, goes(220)], used)).toEqual([
    "let go of uncleaned, 20000 ms after it was deleted",
  ]);
  const spec = { automatedCleaningMode: "disabled" };
  expect(judged([made, deleted(200), off, goes(220, { spec })], used)).toEqual([]);
});

test.each<[string, readonly Made[]]>([
  ["by force", [deleted(200, { annotations: { "farrier.dev/force-delete": "" } }), goes(220)]],
  [
    "detached",
    [deleted(200, { annotations: { "baremetalhost.metal3.io/detached": "" } }), goes(220)],
  ],
  ["externally provisioned", [deleted(200, { spec: { externallyProvisioned: true } }), goes(220)]],
  [
    "after failures",
    [deleted(200, { status: { ...status, errorType: "power management error" } }), goes(220)],
  ],
  ["after a long time", [deleted(200), goes(600)]],
  ["soon after it changed", [deleted(30), goes(50)]],
  ["by people", [deleted(200), { ...goes(220), by: "kubectl" } as Made]],
])("a host that goes %s may run and hold data", (_, events) => {
  expect(judged([made, ...events], [usedDisk("d1")])).toEqual([]);
});

test("a host without its BMC's Secret is let go of, and one that must not be switched off runs on", () => {
  const metadata = { name: "h-bmc", namespace: "a", uid: "s", resourceVersion: "1" };
  const lost = stored(190, { kind: "Secret", metadata }, { verb: "gone" });
  expect(judged([made, lost, deleted(200), goes(220)], [usedDisk("d1")])).toEqual([]);
  const spec = { disablePowerOff: true };
  expect(judged([made, deleted(200), goes(220, { spec })])).toEqual([]);
});

test("a host that was only registering, or whose machine is another's, is none", () => {
  const early = host({ status: { provisioning: { state: "registering" } } });
  expect(judged([stored(0, early), deleted(200), goes(220)], [usedDisk("d1")])).toEqual([]);
  const spec = { bootMACAddress: "52:54:01:00:09:00" };
  expect(judged([made, deleted(200), goes(220, { spec })])).toEqual([]);
});

test("destroying for a host long gone, or deleted while it was left alone, is a violation", () => {
  const go = (at: number) => toRamdisk(at, "go", "u.1");
  expect(judged([made, deleted(200), off, goes(220), go(300)])).toEqual([]);
  expect(judged([made, deleted(200), off, goes(220), go(320)])).toHaveLength(1);
  const stalled = (at: number) => fault(at, "api-watch-stalled", "c");
  expect(judged([made, deleted(200), off, stalled(219), goes(220), go(320)])).toEqual([]);
  expect(judged([made, deleted(200), off, goes(220), stalled(221), go(320)])).toHaveLength(1);
  const spec = { externallyProvisioned: true };
  const external = [stored(0, host({ spec })), deleted(50, { spec })];
  expect(judged([...external, go(100)])).toHaveLength(1);
  expect(judged([...external, go(80)])).toEqual([]);
  expect(judged([...external, fromRamdisk(100, "may-destroy", "u.1")])).toEqual([]);
});

test("a host that is let go of while the boot for its inspection goes on is a violation", () => {
  const inspecting = { status: { provisioning: { state: "inspecting" } } };
  const begun = [stored(150, host({ status: {} })), stored(190, host(inspecting))];
  const booted = (at: number): Made => {
    const command = { machine: "m1", action: "on", agent: "site-1", done: true } as const;
    return { at, kind: "power-command", ...command };
  };
  const ends = [deleted(200, inspecting), goes(220, inspecting)];
  expect(judged([...begun, booted(191), ...ends])).toHaveLength(1);
  expect(judged([...begun, booted(196), ...ends])).toEqual([]);
  expect(judged([...begun, booted(191), ends[0]!, off, ends[1]!])).toEqual([]);
});
