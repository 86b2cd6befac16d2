// What a site holds and a control plane, whose database went back in time, knows nothing of.
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeLinkWorld, openSession, type LinkWorld } from "../../../test/support/link-world.ts";
import type { HostDocument } from "../../../shared/protocol/host-document.ts";

let world: LinkWorld;
let stop: AbortController;
beforeEach(async () => {
  world = makeLinkWorld();
  stop = new AbortController();
  for (const hostUid of ["u1", "u2"]) world.documents.store(documentOf(hostUid));
  void world.session.run(stop.signal);
  await world.clock.advance(0);
});
afterEach(() => stop.abort());

const forgotten = () => world.seen.filter((text) => text.startsWith("forget"));

async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) await world.clock.advance(1_000);
}

test("half a minute after a full resync a host is forgotten that was not spoken of", async () => {
  const line = await openSession(world, 5, { resync: "full" });
  const delivery = { kind: "document", document: documentOf("u1") };
  expect([...world.unconfirmed]).toEqual(["u1", "u2"]);
  line.say({ type: "deliveries", epoch: 5, items: [{ id: "1", delivery }] });
  await pass(29);
  expect(forgotten()).toEqual([]);
  expect([...world.unconfirmed]).toEqual(["u2"]);
  await pass(2);
  expect(forgotten()).toEqual(["forget u2"]);
  expect([...world.unconfirmed]).toEqual([]);
});

test("without a resync, and where the session has ended, nobody is forgotten", async () => {
  (await openSession(world, 5)).pair.server.close(1012, "");
  await pass(2);
  (await openSession(world, 6, { resync: "full" })).pair.server.close(1012, "");
  await pass(2);
  expect([...world.unconfirmed]).toEqual(["u1", "u2"]);
  await openSession(world, 7);
  expect([...world.unconfirmed]).toEqual([]);
  await pass(40);
  expect(forgotten()).toEqual([]);
});

test("a host that is worked on is kept until the work, which is given up, has ended", async () => {
  world.journal.accept({
    id: "u2.1",
    hostUid: "u2",
    revision: 1,
    attempt: 1,
    validForMs: 1,
    class: "once",
    allocation: "",
    payload: { kind: "register" },
  });
  await openSession(world, 5, { resync: "full" });
  await pass(29);
  expect(world.seen).not.toContain("give up u2.1");
  await pass(3);
  expect(world.seen).toContain("give up u2.1");
  expect(forgotten()).toEqual(["forget u1"]);
  const failure = { kind: "expired", message: "", destroyed: false } as const;
  world.journal.finish("u2.1", { ok: false, failure });
  await pass(6);
  expect(forgotten()).toEqual(["forget u1", "forget u2"]);
});

test("while documents come nobody is forgotten", async () => {
  const line = await openSession(world, 5, { resync: "full" });
  await pass(27);
  const delivery = { kind: "document", document: documentOf("u1") };
  line.say({ type: "deliveries", epoch: 5, items: [{ id: "1", delivery }] });
  await pass(5);
  expect(forgotten()).toEqual([]);
  await pass(5);
  expect(forgotten()).toEqual(["forget u2"]);
});

function documentOf(hostUid: string): HostDocument {
  const hold = { paused: false, detached: false, externallyProvisioned: false };
  return {
    hostUid,
    revision: 1,
    hash: "h",
    spec: {
      cluster: "stable",
      namespace: "horses",
      name: hostUid,
      bmcAddress: "ipmi://192.0.2.10",
      bootMode: "UEFI",
      hold: { ...hold, disablePowerOff: false },
      allocation: "",
    },
  };
}
