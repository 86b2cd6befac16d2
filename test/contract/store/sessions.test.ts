import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { LinkName, OutboxRow } from "../../../control-plane/ports.ts";
import type { HostDocument } from "../../../shared/protocol/host-document.ts";
import {
  emptyDigest,
  hostObject,
  newOperation,
  type StoreWorld,
} from "../../support/control-plane/store-world.ts";
import { onEachDatabase, onPostgres } from "./databases.ts";

const links: readonly LinkName[] = ["site:lab", "cluster:east"];

async function withHost(world: StoreWorld): Promise<number> {
  const { epoch } = await world.start();
  await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "11") }]);
  return epoch;
}

function documentOf(hostUid: string, revision: number): HostDocument {
  return {
    hostUid,
    revision,
    hash: `hash-${revision}`,
    spec: {
      cluster: "east",
      namespace: "metal",
      name: hostUid,
      bmcAddress: "ipmi://192.0.2.1",
      bootMode: "UEFI",
      hold: {
        paused: false,
        detached: false,
        externallyProvisioned: false,
        disablePowerOff: false,
      },
      allocation: "",
    },
  };
}

const removal = (uid: string, key: string | undefined, revision: number): OutboxRow => ({
  link: "site:lab",
  key,
  hostUid: uid,
  delivery: { kind: "remove-document", hostUid: uid, revision },
});

const statusRow = (state: string, message: string): OutboxRow => ({
  link: "cluster:east",
  key: `status:a:${state}`,
  hostUid: "a",
  delivery: {
    kind: "write",
    write: {
      kind: "status",
      namespace: "metal",
      name: "a",
      uid: "a",
      status: {
        errorCount: 0,
        errorMessage: message,
        operationalStatus: "OK",
        poweredOn: false,
        provisioning: { state, ID: "" },
        provisioningFailCount: 0,
      },
    },
  },
});

async function queue(world: StoreWorld, ...outbox: readonly OutboxRow[]): Promise<void> {
  expect((await world.store.commitHost(await world.commit("a", { outbox }))).ok).toBe(true);
}

onEachDatabase("openSession", (held) => {
  test("gives each session a greater epoch than any before, whoever opens it", async () => {
    const { world } = held();
    await world.addAgent("one", { site: "lab" });
    await world.addAgent("two", { cluster: "east" });
    const epochs = [
      (await world.opened("one")).epoch,
      (await world.opened("two")).epoch,
      (await world.opened("one")).epoch,
    ];
    expect(epochs).toEqual(epochs.toSorted((left, right) => left - right));
    expect(new Set(epochs).size).toBe(3);
  });

  test("suspends an agent whose counter runs backwards under another boot id, until approved", async () => {
    const { world } = held();
    await world.addAgent("one", { site: "lab" });
    await world.open("one", { counter: 10 });
    const clone = await world.open("one", { counter: 10, bootId: "boot-of-clone" });
    expect(clone).toMatchObject({ ok: false, error: { kind: "cloned" } });
    expect((await world.store.loadAgent("one"))?.state).toBe("suspended");
    expect((await world.open("one", { counter: 11 })).ok).toBe(false);
    await world.store.setAgentState("one", "approved");
    world.clock.advance(20_001);
    expect((await world.open("one", { counter: 3, bootId: "boot-of-clone" })).ok).toBe(true);
  });

  test("refuses a late hello of the same boot without an alarm", async () => {
    const { world } = held();
    await world.addAgent("one", { site: "lab" });
    await world.open("one", { counter: 2 });
    expect(await world.open("one", { counter: 1 })).toMatchObject({
      error: { kind: "superseded" },
    });
    expect((await world.store.loadAgent("one"))?.state).toBe("approved");
  });

  test("refuses an agent that is pending or revoked", async () => {
    const { world } = held();
    await world.addAgent("one", { site: "lab" });
    await world.store.setAgentState("one", "revoked");
    expect((await world.open("one")).ok).toBe(false);
  });

  test("lets a second agent of a site take over 20 s after the first was heard last", async () => {
    const { world } = held();
    await world.addAgent("one", { site: "lab" });
    await world.addAgent("two", { site: "lab" });
    const first = await world.opened("one");
    world.clock.advance(10_000);
    const renewal = { agentId: "one", epoch: first.epoch, links: 1 };
    expect(await world.store.renewLease(renewal)).toBe("held");
    world.clock.advance(20_000);
    expect(await world.open("two")).toMatchObject({ error: { kind: "standby" } });
    world.clock.advance(1);
    expect((await world.open("two")).ok).toBe(true);
    expect(await world.store.renewLease(renewal)).toBe("lost");
    expect(
      await world.store.takeOutbox({ epoch: first.epoch, links: ["site:lab"] }, 10),
    ).toBeUndefined();
  });

  test("lets a second process of an agent take over 20 s after the first was heard last", async () => {
    const { world } = held();
    await world.addAgent("one", { site: "lab" });
    const first = await world.opened("one");
    world.clock.advance(10_000);
    const renewal = { agentId: "one", epoch: first.epoch, links: 1 };
    expect(await world.store.renewLease(renewal)).toBe("held");
    world.clock.advance(20_000);
    const second = { bootId: "boot-2" };
    expect(await world.open("one", second)).toMatchObject({ error: { kind: "occupied" } });
    expect(await world.store.renewLease(renewal)).toBe("beside");
    world.clock.advance(20_000);
    expect(await world.open("one", second)).toMatchObject({ error: { kind: "occupied" } });
    world.clock.advance(1);
    expect((await world.opened("one", second)).epoch).toBeGreaterThan(first.epoch);
    expect(await world.store.renewLease(renewal)).toBe("fenced");
  });

  test("lets the next process of an agent begin at once when the last has ended, and nobody else", async () => {
    const { world } = held();
    await world.addAgent("one", { site: "lab" });
    await world.addAgent("two", { site: "lab" });
    const first = await world.opened("one");
    const next = { bootId: "boot-2" };
    await world.store.endSession({ agentId: "one", epoch: first.epoch - 1 });
    await world.store.endSession({ agentId: "two", epoch: first.epoch });
    expect(await world.open("one", next)).toMatchObject({ error: { kind: "occupied" } });
    await world.store.endSession({ agentId: "one", epoch: first.epoch });
    expect(await world.open("two")).toMatchObject({ error: { kind: "standby" } });
    const second = await world.opened("one", next);
    expect(second.epoch).toBeGreaterThan(first.epoch);
    await world.store.endSession({ agentId: "one", epoch: first.epoch });
    expect(await world.open("one", { bootId: "boot-3" })).toMatchObject({
      error: { kind: "occupied" },
    });
  });

  test("tells a process of another before it that did not end in order, for half an hour", async () => {
    const { world } = held();
    await world.addAgent("one", { site: "lab" });
    const first = await world.opened("one");
    world.clock.advance(30_000);
    expect([first.afterAnother, (await world.opened("one")).afterAnother]).toEqual([false, false]);
    world.clock.advance(30_000);
    const second = await world.opened("one", { bootId: "boot-2" });
    const again = await world.opened("one", { bootId: "boot-2" });
    world.clock.advance(30 * 60_000 + 1);
    const later = await world.opened("one", { bootId: "boot-2" });
    await world.store.endSession({ agentId: "one", epoch: later.epoch });
    const third = await world.opened("one", { bootId: "boot-3" });
    world.clock.advance(30 * 60_000 + 1);
    const fourth = await world.opened("one", { bootId: "boot-4" });
    const after = [second, again, later, third, fourth].map(({ afterAnother }) => afterAnother);
    expect(after).toEqual([true, true, false, false, false]);
  });

  test("tells a process of another that asks for its session, for half an hour", async () => {
    const { world } = held();
    await world.addAgent("one", { site: "lab" });
    const { epoch } = await world.opened("one");
    const renewed = () => world.store.renewLease({ agentId: "one", epoch, links: 1 });
    expect(await renewed()).toBe("held");
    await world.open("one", { bootId: "boot-2" });
    expect(await renewed()).toBe("beside");
    world.clock.advance(30 * 60_000);
    expect(await renewed()).toBe("beside");
    world.clock.advance(1);
    expect(await renewed()).toBe("held");
    await world.open("one", { bootId: "boot-2" });
    expect((await world.opened("one")).afterAnother).toBe(true);
  });

  test("alarms when the first process of an agent comes back while a second one waits", async () => {
    const { world } = held();
    await world.addAgent("one", { site: "lab" });
    await world.opened("one");
    expect((await world.open("one", { counter: 2, bootId: "boot-2" })).ok).toBe(false);
    expect(await world.open("one", { counter: 2 })).toMatchObject({ error: { kind: "cloned" } });
  });

  test("gives an agent its own link back at once", async () => {
    const { world } = held();
    await world.addAgent("one", { site: "lab" });
    await world.opened("one");
    expect((await world.open("one")).ok).toBe(true);
  });

  test("ends once-work of a lost agent as interrupted, and asks for the rest again", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [
      { type: "ADDED", object: hostObject("a", "11") },
      { type: "ADDED", object: hostObject("b", "12") },
    ]);
    for (const [uid, kind] of [
      ["a", "once"],
      ["b", "observe"],
    ] as const) {
      const operation = newOperation(uid, `${uid}.1`, { class: kind });
      await world.store.commitHost(await world.commit(uid, { operation }));
      const hostUid = uid;
      await world.observe("both", epoch, {
        kind: "operation-started",
        hostUid,
        operationId: `${uid}.1`,
      });
    }
    await world.addAgent("new", { site: "lab" });
    world.clock.advance(60_001);
    const opened = await world.opened("new", { digest: "lost" });
    expect([...opened.touched].toSorted()).toEqual(["a", "b"]);
    expect((await world.store.loadHost("a"))?.operation).toMatchObject({
      state: "failed",
      failure: { kind: "interrupted", destroyed: true },
    });
    expect((await world.store.loadHost("b"))?.operation?.state).toBe("pending");
    const rows = await world.store.takeOutbox({ epoch: opened.epoch, links: ["site:lab"] }, 10);
    expect(rows?.map(({ delivery }) => delivery)).toEqual([
      { kind: "operation", operation: newOperation("b", "b.1").operation },
    ]);
  });

  test("ends work that the agent had accepted and knows nothing of", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [
      { type: "ADDED", object: hostObject("a", "11") },
      { type: "ADDED", object: hostObject("b", "12") },
    ]);
    for (const hostUid of ["a", "b"]) {
      const operation = newOperation(hostUid, `${hostUid}.1`, { class: "observe" });
      await world.store.commitHost(await world.commit(hostUid, { operation }));
      const operationId = `${hostUid}.1`;
      await world.observe("both", epoch, { kind: "operation-started", hostUid, operationId });
    }
    expect((await world.opened("both", {})).touched).toEqual([]);
    const opened = await world.opened("both", { inFlight: ["b.1"] });
    expect(opened.touched).toEqual(["a"]);
    expect((await world.store.loadHost("a"))?.operation).toMatchObject({
      state: "failed",
      failure: { kind: "interrupted" },
    });
    expect((await world.store.loadHost("b"))?.operation?.state).toBe("running");
  });

  test("gives a document before an operation that waited longer than it", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    await world.watch(epoch, "10", [{ type: "ADDED", object: hostObject("a", "11") }]);
    const document = documentOf("a", 3);
    const operation = newOperation("a", "a.1");
    await world.store.commitHost(await world.commit("a", { document, operation }));
    const links = ["site:lab"] as const;
    const [first] = (await world.store.takeOutbox({ epoch, links }, 10)) ?? [];
    await world.store.ackOutbox({ epoch, links }, { done: [first?.id ?? ""], retry: [] });
    const opened = await world.opened("both", { digest: "lost" });
    const rows = await world.store.takeOutbox({ epoch: opened.epoch, links }, 10);
    expect(rows?.map(({ delivery }) => delivery.kind)).toEqual(["document", "operation"]);
  });

  test("queues documents and then open operations when the agent's digest is another", async () => {
    const { world } = held();
    const epoch = await withHost(world);
    const document = documentOf("a", 3);
    await world.store.commitHost(
      await world.commit("a", { document, operation: newOperation("a", "a.1") }),
    );
    const line = `a 3 hash-3\n`;
    const digest = createHash("sha256").update(line).digest("hex");
    expect((await world.opened("both", { digest })).resync).toBe(false);
    const again = await world.opened("both", { digest: emptyDigest });
    expect(again.resync).toBe(true);
    const rows = await world.store.takeOutbox({ epoch: again.epoch, links }, 10);
    expect(rows?.map(({ delivery }) => delivery)).toEqual([
      { kind: "document", document },
      { kind: "operation", operation: newOperation("a", "a.1").operation },
    ]);
    expect(epoch).toBeLessThan(again.epoch);
  });

  test("wakes the hosts of a site that was away for a minute, and not of one that was not", async () => {
    const { world } = held();
    await withHost(world);
    await world.store.commitHost(await world.commit("a"));
    world.clock.advance(60_000);
    expect((await world.opened("both")).touched).toEqual([]);
    world.clock.advance(60_001);
    expect((await world.opened("both")).touched).toEqual(["a"]);
  });
});

onEachDatabase("the outbox", (held) => {
  test("delivers in order, once a session, and again in the next when unanswered", async () => {
    const { world } = held();
    const epoch = await withHost(world);
    await queue(world, removal("a", undefined, 1), removal("a", undefined, 2));
    await queue(world, removal("a", undefined, 3));
    const revisions = async (
      session: { epoch: number; links: readonly LinkName[] },
      limit: number,
    ) => {
      const rows = await world.store.takeOutbox(session, limit);
      return rows?.map(({ delivery }) => ("revision" in delivery ? delivery.revision : 0));
    };
    expect(await revisions({ epoch, links }, 2)).toEqual([1, 2]);
    expect(await revisions({ epoch, links }, 2)).toEqual([3]);
    expect(await revisions({ epoch, links }, 2)).toEqual([]);
    const next = await world.opened("both");
    expect(await revisions({ epoch, links }, 9)).toBeUndefined();
    expect(await revisions({ epoch: next.epoch, links }, 9)).toEqual([1, 2, 3]);
  });

  test("drops what is done, and only what was sent in this session", async () => {
    const { world } = held();
    const epoch = await withHost(world);
    await queue(world, removal("a", undefined, 1), removal("a", undefined, 2));
    const rows = (await world.store.takeOutbox({ epoch, links }, 1)) ?? [];
    const ids = async () => (await world.table("outbox")).map(({ id }) => String(id));
    const all = await ids();
    const done = [...all, "nonsense", "1; DROP TABLE outbox"];
    await world.store.ackOutbox({ epoch, links }, { done, retry: [] });
    expect(await ids()).toEqual(all.filter((id) => id !== rows[0]?.id));
  });

  test("tries a failed row again after a while, and ever later", async () => {
    const { world } = held();
    const epoch = await withHost(world);
    await queue(world, removal("a", undefined, 1));
    const waits: (number | undefined)[] = [];
    for (let round = 0; round < 8; round += 1) {
      const [row] = (await world.store.takeOutbox({ epoch, links }, 1)) ?? [];
      const waitMs = await world.store.ackOutbox(
        { epoch, links },
        { done: [], retry: [row?.id ?? ""] },
      );
      waits.push(waitMs);
      expect(await world.store.takeOutbox({ epoch, links }, 1)).toEqual([]);
      world.clock.advance(waitMs ?? 0);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  test("drops an older status that failed when a newer one was written", async () => {
    const { world } = held();
    const epoch = await withHost(world);
    await queue(world, statusRow("registering", ""));
    await queue(world, statusRow("inspecting", ""), removal("a", undefined, 1));
    const rows = (await world.store.takeOutbox({ epoch, links }, 9)) ?? [];
    const [older, newer] = rows.filter(({ delivery }) => delivery.kind === "write");
    await world.store.ackOutbox({ epoch, links }, { done: [], retry: [older?.id ?? ""] });
    await world.store.ackOutbox({ epoch, links }, { done: [newer?.id ?? ""], retry: [] });
    world.clock.advance(60_000);
    expect(await world.store.takeOutbox({ epoch, links }, 9)).toEqual([]);
    expect(await world.table("outbox")).toHaveLength(1);
  });

  test("gives the next session only the newest of the statuses that may have been written", async () => {
    const { world } = held();
    const epoch = await withHost(world);
    await queue(world, statusRow("deprovisioning", ""));
    await queue(world, statusRow("available", ""), removal("a", undefined, 1));
    expect(await world.store.takeOutbox({ epoch, links }, 9)).toHaveLength(3);
    // In place of one that was sent, and may have been written.
    await queue(world, statusRow("available", "another"));
    await queue(world, statusRow("provisioning", ""));
    const next = await world.opened("both");
    const session = { epoch: next.epoch, links };
    const rows = (await world.store.takeOutbox(session, 9)) ?? [];
    const states = rows.map(({ delivery }) =>
      delivery.kind === "write" && delivery.write.kind === "status"
        ? delivery.write.status.provisioning.state
        : delivery.kind,
    );
    expect(states.toSorted()).toEqual(["available", "provisioning", "remove-document"]);
    await world.store.ackOutbox(session, { done: rows.map(({ id }) => id), retry: [] });
    expect(await world.table("outbox")).toEqual([]);
  });

  test("does not coalesce a status across a change of state", async () => {
    const { world } = held();
    const epoch = await withHost(world);
    await queue(world, statusRow("registering", "first"));
    await queue(world, statusRow("registering", "second"));
    await queue(world, statusRow("inspecting", "third"));
    const rows = (await world.store.takeOutbox({ epoch, links }, 9)) ?? [];
    const messages = rows.map(({ delivery }) =>
      delivery.kind === "write" && delivery.write.kind === "status"
        ? delivery.write.status.errorMessage
        : "",
    );
    expect(messages).toEqual(["second", "third"]);
  });
});

onEachDatabase("sessions", (held) => {
  test("are renewed while they are the newest and the agent is approved", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    const renewal = { agentId: "both", epoch, links: 2 };
    expect(await world.store.renewLease(renewal)).toBe("held");
    const next = await world.opened("both");
    expect(await world.store.renewLease(renewal)).toBe("fenced");
    await world.store.setAgentState("both", "revoked");
    expect(await world.store.renewLease({ ...renewal, epoch: next.epoch })).toBe("revoked");
    expect(await world.store.renewLease({ ...renewal, agentId: "nobody" })).toBe("revoked");
  });

  test("have a bearer for the cluster's posts until a newer one is open", async () => {
    const { world } = held();
    const { epoch } = await world.start();
    expect(await world.store.sessionOfToken("session-both-1")).toEqual({
      agentId: "both",
      epoch,
      cluster: "east",
    });
    await world.opened("both");
    expect(await world.store.sessionOfToken("session-both-1")).toBeUndefined();
    await world.store.setAgentState("both", "revoked");
    expect(await world.store.sessionOfToken("session-both-2")).toBeUndefined();
  });

  test("tell the key of the agent that holds each site", async () => {
    const { world } = held();
    await world.addAgent("one", { site: "lab" });
    await world.addAgent("two", { site: "lab" });
    await world.addAgent("three", { cluster: "east" });
    await world.opened("one");
    expect(await world.store.siteKeys()).toEqual([
      { site: "lab", publicKey: "sealing-one", fingerprint: "fingerprint-one" },
    ]);
  });
});

onPostgres("racing sessions", (held) => {
  test("leave one current session when one agent opens many at once", async () => {
    const { world, database } = held();
    await world.addAgent("one", { site: "lab" });
    const stores = [world.store, world.sibling(database.another())];
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        stores[index % 2]!.openSession({
          agentId: "one",
          bootId: "boot-1",
          counter: index + 1,
          instance: "test",
          tokenHash: `session-${index}`,
          programVersion: "1",
          documentsDigest: emptyDigest,
        }),
      ),
    );
    const epochs = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value.epoch] : []));
    expect(epochs.length).toBeGreaterThan(0);
    expect((await world.store.loadAgent("one"))?.state).toBe("approved");
    const states = await Promise.all(
      epochs.map((epoch) => world.store.renewLease({ agentId: "one", epoch, links: 1 })),
    );
    expect(states.filter((state) => state === "held")).toHaveLength(1);
    expect(states[epochs.indexOf(Math.max(...epochs))]).toBe("held");
  });

  test("give a free site to one of two agents that stand by", async () => {
    const { world, database } = held();
    const second = world.sibling(database.another());
    const ids = ["one", "two", "three", "four", "five", "six"];
    for (const id of ids) await world.addAgent(id, { site: "lab" });
    for (let round = 1; round <= 10; round += 1) {
      world.clock.advance(30_000);
      const outcomes = await Promise.all(
        ids.map((agentId, index) =>
          (index % 2 === 0 ? world.store : second).openSession({
            agentId,
            bootId: "boot-1",
            counter: round,
            instance: "test",
            tokenHash: `session-${agentId}-${round}`,
            programVersion: "1",
            documentsDigest: emptyDigest,
          }),
        ),
      );
      expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
    }
  });
});
