// Each fence of the point of no return, one at a time: everything else as it should be.
import { beforeEach, expect, test } from "vitest";
import type { HostDocument } from "../../shared/protocol/host-document.ts";
import type { Operation } from "../../shared/protocol/operation.ts";
import { makeVirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import { makeNodeCrypto } from "../adapters/node-crypto.ts";
import { openNodeDatabase } from "../adapters/node-database.ts";
import { prepareDatabase } from "./database.ts";
import { makeDocuments } from "./documents.ts";
import { makeFences, type Question } from "./fences.ts";
import { makeLease } from "./lease.ts";

const identity = { systemUuid: "6fa59e1e-0000", serialNumber: "SN-1", macs: ["52:54:00:fa:00:01"] };
const disk = { name: "/dev/sda", serialNumber: "D1", wwn: "0x5000", sizeBytes: 1000 };
const document: HostDocument = {
  hostUid: "u1",
  revision: 7,
  hash: "h7",
  spec: {
    cluster: "stable",
    namespace: "horses",
    name: "m1",
    bmcAddress: "ipmi://192.168.101.11",
    bootMACAddress: "52:54:00:FA:00:01",
    bootMode: "legacy",
    hold: { paused: false, detached: false, externallyProvisioned: false, disablePowerOff: false },
    allocation: "a1",
    identity,
    disks: [disk],
  },
};
const operation: Operation = {
  id: "u1.3",
  hostUid: "u1",
  revision: 7,
  attempt: 1,
  validForMs: 60_000,
  class: "once",
  allocation: "a1",
  payload: { kind: "clean", mode: "metadata", afterwards: "stay" },
};
const question: Question = { identity, disks: [disk] };

let clock = makeVirtualClock();
let guardSays: string | undefined;
let documents: ReturnType<typeof makeDocuments>;
let lease: ReturnType<typeof makeLease>;

beforeEach(() => {
  clock = makeVirtualClock();
  guardSays = undefined;
  const database = openNodeDatabase(":memory:");
  prepareDatabase(database);
  documents = makeDocuments(database, makeNodeCrypto());
  documents.store(document);
  lease = makeLease(clock);
  lease.opened(clock.monotonicMs());
});

function ask(over: { question?: Question; operation?: Partial<Operation>; ageMs?: number } = {}) {
  const fences = makeFences({ documents, lease, clock, guard: { problem: async () => guardSays } });
  const received = {
    operation: { ...operation, ...over.operation },
    atMs: clock.monotonicMs() - (over.ageMs ?? 0),
  };
  return fences.mayDestroy(received, over.question ?? question);
}

function changed(spec: Partial<HostDocument["spec"]>, revision = 7): void {
  // Same revision with other content is a protocol error, so a change here comes with its own database row.
  const database = openNodeDatabase(":memory:");
  prepareDatabase(database);
  documents = makeDocuments(database, makeNodeCrypto());
  documents.store({ ...document, revision, hash: "other", spec: { ...document.spec, ...spec } });
}

test("the fences say go when everything is as ordered", async () => {
  expect(await ask()).toBeUndefined();
});

test("the fences refuse an operation that is too old", async () => {
  expect(await ask({ ageMs: 60_001 })).toMatchObject({ kind: "expired" });
});

test("the fences refuse when the lease was not renewed for 15 s", async () => {
  await clock.advance(14_999);
  expect(await ask()).toBeUndefined();
  await clock.advance(1);
  expect(await ask()).toMatchObject({ kind: "fenced", message: expect.stringContaining("lease") });
});

test("a lease counts from when its renewal was sent, not from when it was answered", async () => {
  const sequence = lease.sent();
  await clock.advance(10_000);
  lease.answered(sequence);
  await clock.advance(5_000);
  expect(await ask()).toMatchObject({ kind: "fenced" });
});

test.each([
  ["paused", { paused: true }],
  ["detached", { detached: true }],
  ["externally provisioned", { externallyProvisioned: true }],
])("the fences refuse a host that is %s", async (words, hold) => {
  changed({ hold: { ...document.spec.hold, ...hold } });
  expect(await ask()).toMatchObject({ kind: "fenced", message: expect.stringContaining(words) });
});

test("the fences refuse when a newer revision has arrived", async () => {
  changed({}, 8);
  expect(await ask()).toMatchObject({ kind: "fenced", message: expect.stringContaining("7 → 8") });
});

test("the fences refuse when the allocation is another", async () => {
  expect(await ask({ operation: { allocation: "a2" } })).toMatchObject({ kind: "fenced" });
});

test("the fences refuse when the ordered revision has not arrived yet", async () => {
  expect(await ask({ operation: { revision: 9 } })).toMatchObject({ kind: "fenced" });
});

test("the fences refuse a host that was taken from this site", async () => {
  documents.remove("u1", 8);
  expect(await ask()).toMatchObject({ kind: "fenced" });
});

test("the fences refuse a host that was never inspected", async () => {
  const { identity: _none, ...spec } = document.spec;
  const database = openNodeDatabase(":memory:");
  prepareDatabase(database);
  documents = makeDocuments(database, makeNodeCrypto());
  documents.store({ ...document, spec });
  expect(await ask()).toMatchObject({ kind: "identity" });
});

test.each([
  ["another UUID", { ...identity, systemUuid: "00000000-1111" }],
  ["no UUID where one was pinned", { macs: identity.macs, serialNumber: "SN-1" }],
  ["another serial number", { ...identity, serialNumber: "SN-2" }],
  ["another NIC", { ...identity, macs: ["52:54:00:fa:00:02"] }],
  ["one NIC more", { ...identity, macs: [...identity.macs, "52:54:00:fa:00:02"] }],
])("the fences refuse a machine with %s", async (_words, seen) => {
  expect(await ask({ question: { identity: seen, disks: [disk] } })).toMatchObject({
    kind: "identity",
  });
});

test("the fences do not care about the case of a MAC or UUID", async () => {
  const upper = { ...identity, systemUuid: "6FA59E1E-0000", macs: ["52:54:00:FA:00:01"] };
  expect(await ask({ question: { identity: upper, disks: [disk] } })).toBeUndefined();
});

test.each([
  ["another serial", { ...disk, serialNumber: "D2" }],
  ["another WWN", { ...disk, wwn: "0x6000" }],
  ["another size", { ...disk, sizeBytes: 999 }],
])("the fences refuse a disk with %s", async (_words, other) => {
  expect(await ask({ question: { identity, disks: [other] } })).toMatchObject({ kind: "identity" });
});

test("the fences know a disk again under another name", async () => {
  expect(
    await ask({ question: { identity, disks: [{ ...disk, name: "/dev/sdb" }] } }),
  ).toBeUndefined();
});

test("the fences refuse when no disk is named", async () => {
  expect(await ask({ question: { identity, disks: [] } })).toMatchObject({ kind: "identity" });
});

test("the site's operator has the last word", async () => {
  guardSays = "the site guard protects the machine";
  expect(await ask()).toEqual({ kind: "guard", message: "the site guard protects the machine" });
});

test("a clean or a write that is not marked as one to do once is refused", async () => {
  expect(await ask({ operation: { class: "converge" } })).toMatchObject({ kind: "fenced" });
});

test("an operation that destroys nothing may not destroy, whatever it is marked", async () => {
  const payload = { kind: "power", want: "off", mode: "hard" } as const;
  expect(await ask({ operation: { payload } })).toMatchObject({ kind: "fenced" });
});

test("the fences look again after the guard's file was read", async () => {
  const guard = {
    problem: async () => {
      documents.store({ ...document, revision: 8, hash: "h8" });
      return undefined;
    },
  };
  const fences = makeFences({ documents, lease, clock, guard });
  const received = { operation, atMs: clock.monotonicMs() };
  expect(await fences.mayDestroy(received, question)).toMatchObject({ kind: "fenced" });
});

test("the guard is asked by the boot MAC of a machine that was never inspected", async () => {
  const { identity: _none, ...spec } = document.spec;
  documents.remove("u1", 8);
  documents.store({ ...document, revision: 9, spec });
  const asked: string[] = [];
  const guard = {
    problem: async ({ macs }: { macs: readonly string[] }) => {
      asked.push(...macs);
      return undefined;
    },
  };
  const fences = makeFences({ documents, lease, clock, guard });
  await fences.mayTouch(
    { operation: { ...operation, revision: 9 }, atMs: clock.monotonicMs() },
    "destroy",
  );
  expect(asked).toEqual(["52:54:00:FA:00:01"]);
});

test("an operation that has cut the power goes on without the control plane, unless that took the site away", () => {
  const fences = makeFences({ documents, lease, clock, guard: { problem: async () => undefined } });
  const received = { operation, atMs: clock.monotonicMs() - 10 * 60_000 };
  lease.closed(false);
  expect(fences.mayGoOn(received)).toBeUndefined();
  lease.closed(true);
  expect(fences.mayGoOn(received)).toMatchObject({ kind: "fenced" });
  lease.opened(undefined);
  expect(fences.mayGoOn(received)).toBeUndefined();
});
