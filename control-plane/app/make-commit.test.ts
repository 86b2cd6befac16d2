import { expect, test } from "vitest";
import type { Decision } from "../../shared/host/decision.ts";
import type { Snapshot } from "../../shared/host/snapshot.ts";
import { makeHost, startMs } from "../../test/support/host-world.ts";
import { hostObject, memoryOf } from "../../test/support/control-plane/store-world.ts";
import type { HostRows } from "../ports.ts";
import { makeCommit } from "./make-commit.ts";

const document = {
  cluster: "east",
  namespace: "metal",
  name: "name-a",
  bmcAddress: "ipmi://192.0.2.1",
  bootMode: "UEFI",
  hold: { paused: false, detached: false, externallyProvisioned: false, disablePowerOff: false },
  allocation: "alloc",
} as const;

function makeRows(site: string | undefined, memory: HostRows["host"]["memory"]): HostRows {
  return {
    host: {
      uid: "a",
      cluster: "east",
      namespace: "metal",
      name: "name-a",
      version: 4,
      object: hostObject("a", "11"),
      deleted: false,
      site,
      memory,
      power: undefined,
      bmcProblem: undefined,
    },
    feedsComplete: true,
    namespaceKnown: true,
    hardware: undefined,
    namespaceAnnotations: {},
    secrets: [],
    operation: undefined,
    sites: [],
    clusterLink: { lastSeenMs: startMs, behind: false },
    elders: [],
  };
}

function makeSnapshot(site: string | undefined, more: Partial<Snapshot> = {}): Snapshot {
  return {
    nowMs: startMs,
    cluster: "east",
    host: makeHost(),
    invalid: [],
    memory: undefined,
    hardware: undefined,
    site:
      site === undefined
        ? { kind: "none", reason: "none" }
        : { kind: "site", name: site, connection: "connected", lastSeenMs: startMs },
    clusterLink: { kind: "current" },
    secrets: {},
    operation: undefined,
    power: undefined,
    bmcProblem: undefined,
    claimConflict: undefined,
    ...more,
  };
}

function makeDecision(more: Partial<Decision> = {}): Decision {
  return {
    memory: held(5),
    status: undefined,
    document,
    command: undefined,
    cancel: undefined,
    consumed: undefined,
    claims: [],
    writes: [],
    next: { kind: "settled" },
    because: { reason: "Test", message: "test" },
    ...more,
  };
}

const held = (revision: number) => ({ ...memoryOf("available"), revision, documentHash: "h" });

test("makeCommit sends the document before the operation, both with the memory's revision", () => {
  const command = { payload: { kind: "register" }, class: "observe", validForMs: 1000 } as const;
  const memory = { ...held(5), operationCount: 3, attempt: 1, allocation: "alloc" };
  const commit = makeCommit(
    makeRows("lab", held(4)),
    makeSnapshot("lab"),
    makeDecision({ memory, command }),
  );
  const operation = {
    id: "a.3",
    hostUid: "a",
    revision: 5,
    attempt: 2,
    allocation: "alloc",
    ...command,
  };
  expect(commit.document).toEqual({ hostUid: "a", revision: 5, hash: "h", spec: document });
  expect(commit.outbox).toEqual([
    {
      link: "site:lab",
      key: "document:a",
      hostUid: "a",
      delivery: { kind: "document", document: commit.document },
    },
    {
      link: "site:lab",
      key: "operation:a.3",
      hostUid: "a",
      delivery: { kind: "operation", operation },
    },
  ]);
  expect(commit.operation).toEqual({ site: "lab", createdAtMs: startMs, operation });
});

test("makeCommit sends no document when its revision is the one that the site has", () => {
  const commit = makeCommit(makeRows("lab", held(5)), makeSnapshot("lab"), makeDecision());
  expect(commit.outbox).toEqual([]);
  expect(commit.document?.revision).toBe(5);
});

test("makeCommit takes the document from the old site, and gives a new revision to the new one", () => {
  const commit = makeCommit(makeRows("lab", held(5)), makeSnapshot("other"), makeDecision());
  expect(commit.memory.revision).toBe(6);
  expect(commit.outbox.map(({ link, delivery }) => [link, delivery])).toEqual([
    ["site:lab", { kind: "remove-document", hostUid: "a", revision: 6 }],
    ["site:other", { kind: "document", document: { ...commit.document, revision: 6 } }],
  ]);
});

test("makeCommit takes the document away when the site shall hold none any more", () => {
  const memory = { ...held(6), documentHash: "" };
  const decision = makeDecision({ memory, document: undefined, next: { kind: "gone" } });
  const commit = makeCommit(makeRows("lab", held(5)), makeSnapshot("lab"), decision);
  expect(commit).toMatchObject({ gone: true, document: undefined });
  expect(commit.outbox.map(({ delivery }) => delivery)).toEqual([
    { kind: "remove-document", hostUid: "a", revision: 6 },
  ]);
});

test("makeCommit takes away what a lost database may have sent of a host that shall have none", () => {
  const { status } = memoryOf("deleting");
  const decision = makeDecision({ memory: { ...held(9), documentHash: "" }, document: undefined });
  const shown = makeSnapshot("lab", { host: { ...makeHost(), status } });
  expect(makeCommit(makeRows(undefined, undefined), shown, decision).outbox).toEqual([
    {
      link: "site:lab",
      key: "document:a",
      hostUid: "a",
      delivery: { kind: "remove-document", hostUid: "a", revision: 9 },
    },
  ]);
  const { status: _none, ...host } = makeHost();
  const isNew = makeSnapshot("lab", { host });
  expect(makeCommit(makeRows(undefined, undefined), isNew, decision).outbox).toEqual([]);
  const keeps = makeDecision({ memory: held(9), document: undefined });
  expect(makeCommit(makeRows(undefined, undefined), shown, keeps).outbox).toEqual([]);
});

test("makeCommit cancels at the site that has the operation, though the host has moved", () => {
  const commit = makeCommit(
    makeRows("lab", held(5)),
    makeSnapshot("other"),
    makeDecision({ cancel: "a.1" }),
  );
  expect(commit.outbox).toContainEqual({
    link: "site:lab",
    key: "cancel:a.1",
    hostUid: "a",
    delivery: { kind: "cancel", hostUid: "a", operationId: "a.1" },
  });
});

test("makeCommit keeps the claims of a managed host in a conflict, and none of an unmanaged one", () => {
  const snapshot = makeSnapshot("lab", { claimConflict: "BMC x is used by another host" });
  const managed = makeCommit(makeRows("lab", held(5)), snapshot, makeDecision());
  expect(managed).toMatchObject({ claims: undefined, blocked: true });
  const unmanaged = makeCommit(
    makeRows("lab", held(5)),
    snapshot,
    makeDecision({ document: undefined }),
  );
  expect(unmanaged.claims).toEqual([]);
});

test("makeCommit gives a status the key of its state, and other writes keys of their own", () => {
  const names = { namespace: "metal", name: "name-a", uid: "a" };
  const commit = makeCommit(
    makeRows("lab", held(5)),
    makeSnapshot("lab"),
    makeDecision({
      status: memoryOf("available").status,
      writes: [
        { kind: "metadata", ...names, addFinalizers: ["f"] },
        { kind: "metadata", ...names, removeAnnotations: ["a"] },
      ],
    }),
  );
  const keys = commit.outbox.map(({ key }) => key);
  expect(keys[0]).toBe("status:a:available");
  expect(new Set(keys).size).toBe(3);
  expect(commit.outbox.every(({ link }) => link === "cluster:east")).toBe(true);
});

test("makeCommit wakes the host when the decision says", () => {
  const next = { kind: "wait", awaited: ["spec"], wakeAtMs: 7 } as const;
  const commit = makeCommit(makeRows("lab", held(5)), makeSnapshot("lab"), makeDecision({ next }));
  expect(commit.wakeAtMs).toBe(7);
});

test.each([
  ["a minute later", undefined, startMs + 60_000],
  ["when the decision says, if that is earlier", startMs + 5, startMs + 5],
] as const)("makeCommit wakes whoever waits for another host's claim %s", (_, own, expected) => {
  const next = {
    kind: "wait",
    awaited: ["claim", "spec"],
    ...(own === undefined ? {} : { wakeAtMs: own }),
  } as const;
  const commit = makeCommit(makeRows("lab", held(5)), makeSnapshot("lab"), makeDecision({ next }));
  expect(commit.wakeAtMs).toBe(expected);
});

test.each([
  ["when the site would be unreachable", "connected", undefined, startMs - 7_000 + 300_000],
  ["when the decision says, if that is earlier", "degraded", startMs + 5, startMs + 5],
  ["never, where the site is unreachable already", "unreachable", undefined, undefined],
] as const)(
  "makeCommit wakes whoever waits for an operation %s",
  (_, connection, own, expected) => {
    const next = {
      kind: "wait",
      awaited: ["operation"],
      ...(own === undefined ? {} : { wakeAtMs: own }),
    } as const;
    const site = { kind: "site", name: "lab", connection, lastSeenMs: startMs - 7_000 } as const;
    const snapshot = makeSnapshot("lab", { site });
    const commit = makeCommit(makeRows("lab", held(5)), snapshot, makeDecision({ next }));
    expect(commit.wakeAtMs).toBe(expected);
  },
);
