// What a site tells of its last write to a host, from its journal.
import { beforeEach, expect, test } from "vitest";
import { contentDigest, disk, hostUid, makeFakeSite } from "../../test/support/fake-site.ts";
import type { FakeSite } from "../../test/support/fake-site.ts";
import type { Operation, OperationPayload } from "../../shared/protocol/operation.ts";
import type { Outcome } from "../link/journal.ts";

const image = { url: "http://images.example/debian.img" };
const provision = { kind: "provision", image, bootMode: "UEFI" } as const;
const clean = { kind: "clean", mode: "metadata", afterwards: "stay" } as const;
const written: Outcome = {
  ok: true,
  result: {
    kind: "provision",
    on: true,
    disk,
    contentDigest,
    writtenBytes: 1,
    durationMs: 1,
    bootEntry: "b",
  },
};
const cleaned: Outcome = { ok: true, result: { kind: "clean", on: true, disks: [] } };
const failed = (destroyed: boolean): Outcome => ({
  ok: false,
  failure: { kind: destroyed ? "interrupted" : "fenced", message: "it ended", destroyed },
});

let site: FakeSite;
beforeEach(() => {
  site = makeFakeSite();
});

/** Into the journal, as if an earlier control plane had ordered it. */
function journal(id: string, payload: OperationPayload, outcome: Outcome, revision = 1): void {
  const operation: Operation = {
    id,
    hostUid,
    revision,
    attempt: 1,
    validForMs: 1,
    class: "once",
    allocation: "a",
    payload,
  };
  site.journal.accept(operation);
  site.journal.finish(id, outcome);
}

async function recalled(upToRevision = 1): Promise<unknown> {
  const revision = upToRevision + 1;
  const end = await site.run({ kind: "recall", upToRevision }, { revision });
  if (end.kind !== "operation-succeeded") throw new Error(JSON.stringify(end));
  return end.result;
}

const told = (write?: object) => ({
  kind: "recall",
  isKnown: true,
  ...(write === undefined ? {} : { write: { allocation: "a", image, bootMode: "UEFI", ...write } }),
});

test("recall knows nothing when the journal begins with later orders", async () => {
  journal("old", provision, written, 2);
  expect(await recalled()).toEqual({ kind: "recall", isKnown: false });
});

test("recall tells what was written last, without its secrets", async () => {
  journal("c", clean, cleaned);
  journal("p", provision, written);
  expect(await recalled()).toEqual(told({ written: { contentDigest, disk } }));
  expect(site.did).toEqual([]);
});

test("recall tells of a write that was interrupted", async () => {
  journal("p", provision, failed(true));
  expect(await recalled()).toEqual(told({ failure: expect.objectContaining({ destroyed: true }) }));
});

test.each([
  ["was cleaned away", [clean, cleaned]],
  ["was refused before its first byte", [provision, failed(false)]],
] as const)("recall tells of no write when the last one %s", async (_, [payload, outcome]) => {
  if (payload === clean) journal("p", provision, written);
  journal("last", payload, outcome);
  expect(await recalled()).toEqual(told());
});

test("recall waits for the end of what is at work on the host", async () => {
  site.bmc.on = false;
  const order = site.order({ kind: "power", want: "on", mode: "hard" });
  site.dispatcher.accept(order);
  expect(await recalled(order.revision)).toMatchObject({ isKnown: true });
  expect(site.journal.find(order.id)?.state).toBe("finished");
});
