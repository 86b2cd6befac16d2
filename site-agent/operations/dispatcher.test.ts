// The dispatcher: one operation at a time per host, journaled before it acts, never twice, ended for good.
import { beforeEach, expect, test } from "vitest";
import { makeFakeSite, wellBehaved, type FakeSite } from "../../test/support/fake-site.ts";
import { makeObservations } from "../link/observations.ts";
import { makeJournal } from "../link/journal.ts";
import { makeDispatcher } from "./dispatcher.ts";

let site: FakeSite;
beforeEach(() => {
  site = makeFakeSite();
});

const off = { kind: "power", want: "off", mode: "hard" } as const;
const on = { kind: "power", want: "on", mode: "hard" } as const;
const clean = { kind: "clean", mode: "metadata", afterwards: "stay" } as const;

function kinds(operationId: string): string[] {
  return site
    .told()
    .flatMap((body) =>
      "operationId" in body && body.operationId === operationId ? [body.kind] : [],
    );
}

test("an operation is accepted, started and ended, each told once", async () => {
  const order = site.order({ kind: "register" });
  site.dispatcher.accept(order);
  await site.ended(order.id);
  expect(kinds(order.id)).toEqual([
    "operation-accepted",
    "operation-started",
    "operation-progress",
    "operation-succeeded",
  ]);
});

test("two operations of one host run one after the other, in their order", async () => {
  site.bmc.lagReads = 10;
  const [first, second] = [site.order(off), site.order(on)];
  site.dispatcher.accept(first);
  site.dispatcher.accept(second);
  await site.ended(second.id);
  expect(site.acts()).toEqual(["power off", "boot device disk", "power on"]);
  const order = site
    .told()
    .map((body) => `${body.kind} ${"operationId" in body ? body.operationId : ""}`);
  expect(order.indexOf(`operation-succeeded ${first.id}`)).toBeLessThan(
    order.indexOf(`operation-started ${second.id}`),
  );
});

test("an operation that comes before its document does nothing, and is no error of the host", async () => {
  const { hostUid, revision, ...document } = site.documents.get(site.order(off).hostUid)!;
  const { credentials: _, ...spec } = document.spec;
  site.documents.store({ ...document, hostUid, revision: revision + 1, spec });
  const early = await site.run({ kind: "register" }, { revision: revision + 2 });
  expect(early).toMatchObject({ failure: { kind: "fenced" } });
  site.documents.store({ ...document, hostUid, revision: revision + 2 });
  const again = await site.run({ kind: "register" }, { revision: revision + 2 });
  expect(again).toMatchObject({ kind: "operation-succeeded" });
});

test("an operation makes way for one of a control plane that knows nothing of it", async () => {
  site.ramdisk.arrivesAfterMs = undefined;
  const [older, newer] = [site.order({ kind: "inspect", afterwards: "stay" }), site.order(off)];
  site.dispatcher.accept(older);
  await site.clock.advance(5_000);
  expect(site.dispatcher.makeWayFor(older)).toBe(true);
  expect(site.dispatcher.makeWayFor({ ...newer, hostUid: "other" })).toBe(true);
  expect(site.dispatcher.makeWayFor(newer)).toBe(false);
  expect(await site.ended(older.id)).toMatchObject({ failure: { kind: "cancelled" } });
  expect(site.dispatcher.makeWayFor(newer)).toBe(true);
});

test("an operation of another host does not wait", async () => {
  site.ramdisk.arrivesAfterMs = undefined;
  const long = site.order({ kind: "inspect", afterwards: "stay" });
  const document = site.documents.get(long.hostUid);
  const spec = { ...document!.spec, bmcAddress: "ipmi://192.0.2.99" };
  site.documents.store({ ...document!, spec, hostUid: "other" });
  site.dispatcher.accept(long);
  await site.clock.advance(5_000);
  const other = site.order({ kind: "register" }, { hostUid: "other" });
  site.dispatcher.accept(other);
  await site.clock.advance(1_000);
  expect(kinds(other.id).at(-1)).toMatch(/operation-(succeeded|failed)/);
  expect(site.dispatcher.isBusy(long.hostUid)).toBe(true);
});

test("an operation of another host on the same BMC waits: the first was removed by force", async () => {
  site.ramdisk.arrivesAfterMs = undefined;
  const long = site.order({ kind: "inspect", afterwards: "stay" });
  const document = site.documents.get(long.hostUid)!;
  site.documents.store({ ...document, hostUid: "other" });
  site.dispatcher.accept(long);
  await site.clock.advance(5_000);
  const other = site.order(off, { hostUid: "other" });
  site.dispatcher.accept(other);
  await site.clock.advance(5_000);
  expect(kinds(other.id)).toEqual(["operation-accepted"]);
  site.dispatcher.cancel(long.id);
  await site.ended(long.id);
  await site.clock.advance(5_000);
  expect(kinds(other.id)).toContain("operation-started");
});

test("an id that comes twice runs once, and is answered from the journal", async () => {
  const order = site.order(off);
  site.dispatcher.accept(order);
  site.dispatcher.accept(order);
  await site.ended(order.id);
  site.dispatcher.accept(order);
  await site.clock.advance(1_000);
  expect(site.acts()).toEqual(["power off"]);
  expect(kinds(order.id).filter((kind) => kind === "operation-succeeded")).toHaveLength(2);
  expect(kinds(order.id).filter((kind) => kind === "operation-accepted")).toHaveLength(1);
});

test("intent is in the journal before the BMC is asked for anything", async () => {
  const order = site.order(off);
  let state: string | undefined;
  site.bmc.fail = () => {
    state ??= site.journal.find(order.id)?.state;
    return undefined;
  };
  site.dispatcher.accept(order);
  expect(site.journal.find(order.id)?.state).toBe("accepted");
  await site.ended(order.id);
  expect(state).toBe("started");
});

test("an operation that is cancelled in the queue does nothing", async () => {
  site.ramdisk.arrivesAfterMs = undefined;
  const [long, queued] = [site.order({ kind: "inspect", afterwards: "stay" }), site.order(on)];
  site.dispatcher.accept(long);
  site.dispatcher.accept(queued);
  site.dispatcher.cancel(queued.id);
  await site.clock.advance(1_000);
  site.dispatcher.cancel(long.id);
  expect(await site.ended(queued.id)).toMatchObject({
    failure: { kind: "cancelled", destroyed: false },
  });
  expect(kinds(queued.id)).not.toContain("operation-started");
});

test("an operation that is cancelled in its first turn cuts no power", async () => {
  const order = site.order(off);
  site.dispatcher.accept(order);
  site.bmc.fail = () => {
    site.dispatcher.cancel(order.id);
    return undefined;
  };
  expect(await site.ended(order.id)).toMatchObject({ failure: { kind: "cancelled" } });
  expect(site.acts()).toEqual([]);
});

test("a cancellation past the point of no return changes nothing", async () => {
  const order = site.order(clean);
  site.ramdisk.run = async (step, options) => {
    const result = await wellBehaved(step, options);
    site.dispatcher.cancel(order.id);
    expect(options.signal.aborted).toBe(false);
    return result;
  };
  site.dispatcher.accept(order);
  expect(await site.ended(order.id)).toMatchObject({ kind: "operation-succeeded" });
});

test("a cancellation of something unknown is no failure", () => {
  expect(() => site.dispatcher.cancel("nothing.1")).not.toThrow();
});

test("a bug ends its operation as internal, and its words stay in the site's log", async () => {
  site.sessions.connect();
  site.ramdisk.run = async () => {
    throw new TypeError("cannot read xyzzy");
  };
  const end = await site.run(clean);
  expect(end).toMatchObject({ failure: { kind: "internal", destroyed: false } });
  expect(JSON.stringify(end)).not.toContain("xyzzy");
  expect(site.logged.join()).toContain("xyzzy");
  expect(await site.run({ kind: "register" })).toMatchObject({ kind: "operation-succeeded" });
});

test("a bug past the point of no return is told as destroyed", async () => {
  site.sessions.connect();
  site.ramdisk.run = async (step, options) => {
    await wellBehaved(step, options);
    throw new TypeError("oops");
  };
  expect(await site.run(clean)).toMatchObject({ failure: { kind: "internal", destroyed: true } });
});

test("a result that the protocol cannot carry fails the operation and not the link", async () => {
  const { run } = site.ramdisk;
  site.ramdisk.run = async (step, options) => {
    const result = await run(step, options);
    if (!result.ok || result.outcome.kind !== "inspect") return result;
    const storage = [{ name: "/dev/sda", serialNumber: "x".repeat(300), sizeBytes: 1 }];
    return { ok: true, outcome: { ...result.outcome, hardware: { storage } } };
  };
  expect(await site.run({ kind: "inspect", afterwards: "stay" })).toMatchObject({
    failure: { kind: "unsupported", message: expect.stringContaining("disks.0.serialNumber") },
  });
});

test("an outcome that cannot be stored at once is stored later, and nothing follows before", async () => {
  const [first, second] = [site.order(off), site.order(on)];
  let full = true;
  const journal = {
    ...site.journal,
    finish: (...args: Parameters<typeof site.journal.finish>) => {
      if (full) throw new Error("database or disk is full");
      site.journal.finish(...args);
    },
  };
  const dispatcher = makeDispatcher({ ...site, journal });
  dispatcher.accept(first);
  dispatcher.accept(second);
  await site.clock.advance(60_000);
  expect(kinds(second.id)).toEqual(["operation-accepted"]);
  full = false;
  await site.ended(second.id);
  expect(kinds(first.id).at(-1)).toBe("operation-succeeded");
  expect(site.acts()).toEqual(["power off", "boot device disk", "power on"]);
});

test("an operation that cannot be journaled is not accepted", () => {
  const journal = {
    ...site.journal,
    accept: () => {
      throw new Error("database or disk is full");
    },
  };
  const dispatcher = makeDispatcher({ ...site, journal });
  expect(() => dispatcher.accept(site.order(off))).toThrow("full");
  expect(site.told()).toEqual([]);
});

test.each([
  ["before it began", false, "expired", false],
  ["past its point of no return", true, "interrupted", true],
])(
  "an agent that died %s ends the operation at its restart",
  async (_words, destroying, kind, destroyed) => {
    const order = site.order(clean);
    site.journal.accept(order);
    site.journal.start(order.id);
    if (destroying) site.journal.destroying(order.id);

    const observations = makeObservations(site.database, site.clock, "boot-2");
    const journal = makeJournal(site.database);
    makeDispatcher({ ...site, journal, observations }).recover();
    expect(observations.takeAfter(0).map(({ body }) => body)).toMatchObject([
      { kind: "operation-failed", operationId: order.id, failure: { kind, destroyed } },
    ]);
    expect(journal.unfinished()).toEqual([]);
    expect(site.did).toEqual([]);
  },
);

test("an operation whose host has left the site ends before it begins", async () => {
  const order = site.order(off);
  site.documents.remove(order.hostUid, 99);
  site.dispatcher.accept(order);
  expect(await site.ended(order.id)).toMatchObject({ failure: { kind: "fenced" } });
  expect(site.did).toEqual([]);
});

test("an operation that is too old when its turn comes does nothing", async () => {
  site.ramdisk.arrivesAfterMs = undefined;
  const long = site.order({ kind: "inspect", afterwards: "stay" });
  const short = site.order(off, { validForMs: 10_000 });
  site.dispatcher.accept(long);
  site.dispatcher.accept(short);
  expect(await site.ended(short.id)).toMatchObject({ failure: { kind: "expired" } });
  expect(site.acts().filter((act) => act === "power off")).toHaveLength(1);
});

test("progress comes at most twice a second, and the first of a step at once", async () => {
  site.sessions.connect();
  site.ramdisk.run = async (step, options) => {
    for (let at = 0; at < 100; at += 1) {
      options.onProgress({ step: "Erasing", doneBytes: at });
      await site.clock.sleep(50);
    }
    return await wellBehaved(step, options);
  };
  const order = site.order({ kind: "inspect", afterwards: "stay" });
  site.dispatcher.accept(order);
  await site.ended(order.id);
  const reports = kinds(order.id).filter((kind) => kind === "operation-progress");
  // The inventory's own first one, and 5 s of the other.
  expect(reports).toHaveLength(11);
});
