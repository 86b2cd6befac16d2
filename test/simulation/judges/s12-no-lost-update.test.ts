import { describe, expect, test } from "vitest";
import { frame } from "./made-events.ts";
import { s12 } from "./s12-no-lost-update.ts";
import { madeHost, madeMetal3Machine, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";
import type { KubernetesObject } from "../world/events.ts";

const host = madeHost({ annotations: { a: "1", b: "2" } });
const { metadata, spec } = host;

function observed(observedGeneration: number, generation = 5): KubernetesObject {
  const conditions = [{ type: "Ready", observedGeneration }];
  return { ...host, metadata: { ...metadata, generation }, status: { conditions } };
}

function written(after: KubernetesObject, before = host): readonly string[] {
  return tryJudge(s12, [stored(1, after, { before, by: "farrier" })]);
}

test("an observed generation that goes back, or is not there yet, is a violation", () => {
  const status = (was: number, is: number) =>
    tryJudge(s12, [
      stored(1, observed(is), { before: observed(was), by: "farrier", verb: "status" }),
    ]);
  expect(status(4, 3)).toEqual(["condition Ready has observed generation 3 after 4"]);
  expect(status(4, 6)).toEqual(["condition Ready has observed generation 6 of 5"]);
  expect(status(4, 5)).toEqual([]);
});

test("a finalizer of somebody else that Farrier takes away is a violation, of any kind of object", () => {
  const held = (finalizers: readonly string[], of = host): KubernetesObject => {
    return { ...of, metadata: { ...of.metadata, finalizers } };
  };
  const theirs = "example.com/theirs";
  const message = "Farrier took away finalizer example.com/theirs";
  expect(written(held(["ours"]), held(["ours", theirs]))).toEqual([message]);
  const machine = madeMetal3Machine("m");
  expect(written(held([], machine), held([theirs], machine))).toEqual([message]);
  expect(written(held([theirs]), held(["ours", theirs]))).toEqual([]);
});

test("a condition that changes before its last change is an older status, and a violation", () => {
  const changed = (second: number): KubernetesObject => {
    const lastTransitionTime = `2026-11-01T12:00:0${second}Z`;
    return { ...host, status: { conditions: [{ type: "Ready", lastTransitionTime }] } };
  };
  const status = (was: number, is: number) =>
    tryJudge(s12, [
      stored(1, changed(is), { before: changed(was), by: "farrier", verb: "status" }),
    ]);
  expect(status(4, 3)).toEqual(["condition Ready changed 1 s before its last change"]);
  expect(status(4, 4)).toEqual([]);
  expect(status(4, 5)).toEqual([]);
});

test("the status of a host that had the name before is a violation", () => {
  const known = (ID: string): KubernetesObject => ({ ...host, status: { provisioning: { ID } } });
  const status = (was: string, is: string) =>
    tryJudge(s12, [stored(1, known(is), { before: known(was), by: "farrier", verb: "status" })]);
  expect(status("", "v")).toEqual(["the status is that of v, which had the name before"]);
  expect(status("", "u")).toEqual([]);
  expect(status("moved", "moved")).toEqual([]);
});

test("what Farrier writes of other people's is a violation", () => {
  const asked = { ...metadata, annotations: { a: "1", b: "0" } };
  expect(written({ ...host, metadata: asked })).toEqual(["Farrier wrote annotation b"]);
  expect(written({ ...host, spec: { ...spec, online: false } })).toEqual([
    "Farrier changed the spec",
  ]);
  const labelled = { ...metadata, labels: { x: "y" } };
  expect(written({ ...host, metadata: labelled })).toEqual(["Farrier changed labels or owners"]);
  const known = { ...host, spec: { ...spec, architecture: "aarch64" } };
  const other = { ...host, spec: { ...spec, architecture: "x86_64" } };
  expect(written(other, known)).toEqual(["Farrier replaced spec.architecture"]);
});

test("finalizers, an annotation taken away and a first architecture are none, nor what people write", () => {
  const taken = { ...metadata, finalizers: ["x"], annotations: { b: "2" } };
  expect(written({ ...host, metadata: taken, spec: { ...spec, architecture: "x86_64" } })).toEqual(
    [],
  );
  expect(tryJudge(s12, [stored(1, { ...host, spec: {} }, { before: host })])).toEqual([]);
});

describe("on a host that a Metal3Machine uses", () => {
  const consumerRef = { kind: "Metal3Machine", name: "x", namespace: "a" };
  const used = madeHost({ spec: { consumerRef, image: { url: "i" } } });
  const becomes = (after: KubernetesObject, deleted: boolean, before = used) =>
    tryJudge(s12, [
      stored(0, madeMetal3Machine("x", deleted)),
      stored(1, after, { before, by: "farrier" }),
    ]);
  const usedWith = (more: object) => ({ ...used, spec: { ...used.spec, ...more } });

  test("Farrier writes what its machine wants", () => {
    expect(becomes(used, false, madeHost())).toEqual([]);
    expect(becomes(usedWith({ image: null, online: false }), true)).toEqual([]);
  });

  test("an image that is replaced, or taken while the machine stays, is a violation", () => {
    expect(becomes(usedWith({ image: { url: "j" } }), false)).toEqual([
      "Farrier replaced the image",
    ]);
    expect(becomes(usedWith({ image: null }), false)).toEqual(["Farrier replaced the image"]);
    expect(becomes(usedWith({ online: false }), false)).toEqual(["Farrier switched the host off"]);
  });

  test("what is not the machine's is a violation", () => {
    expect(becomes(usedWith({ bmc: {} }), true)).toEqual(["Farrier changed the spec"]);
  });
});

type Row = Readonly<Record<string, unknown>>;
const row: Row = {
  version: 7,
  resource_version: 40n,
  object: {},
  memory: { operationCount: 3 },
  document: { revision: 2, hash: "a" },
};

function committed(after: Row, table = "hosts", before = row): readonly string[] {
  const event: Made = {
    at: 1,
    kind: "commit",
    statement: "s",
    place: 0,
    table,
    key: "u",
    before,
    after,
  };
  return tryJudge(s12, [event]);
}

test("the same document with its fields in another order is none", () => {
  const document = { hash: "a", revision: 2 };
  expect(committed({ ...row, version: 8, document })).toEqual([]);
});

test.each([
  ["an older version", { version: 6 }],
  ["other content of one version", { object: {} }],
  ["an older object", { version: 8, resource_version: 39n }],
  ["forgotten operations", { version: 8, memory: { operationCount: 2 } }],
  ["another document of one revision", { version: 8, document: { revision: 2, hash: "b" } }],
])("a row that is overwritten with %s is a violation", (_, change) => {
  expect(committed({ ...row, ...change })).toHaveLength(1);
});

test("rows that get newer, and a row of which only the wake-up moves, are none", () => {
  const newer = { version: 8, object: {}, resource_version: 41n, memory: { operationCount: 4 } };
  expect(committed({ ...row, ...newer, document: { revision: 3, hash: "b" } })).toEqual([]);
  expect(committed({ ...row, wake_at: 1 })).toEqual([]);
});

test("a session or link of an older epoch is a violation, a newer one is none", () => {
  expect(committed({ epoch: 4 }, "sessions", { epoch: 5 })).toHaveLength(1);
  expect(committed({ epoch: 4 }, "links", { epoch: 5 })).toHaveLength(1);
  expect(committed({ epoch: 6 }, "sessions", { epoch: 5 })).toEqual([]);
  expect(committed({ epoch: 0 }, "links", { epoch: 5 })).toEqual([]);
});

describe("observations of an agent's program", () => {
  const begun = (boot: string): Made => {
    return { at: 0, kind: "hello", agent: "site-1", boot, capabilities: [] };
  };
  const hello = begun("b");
  const came = (...seqs: readonly [number, number]): Made =>
    Object.assign(frame(1, "hub", "observations"), { seqs });
  const taken = (committed_seq: number, boot_id = "b"): Made => ({
    at: 2,
    kind: "commit",
    statement: "s",
    place: 0,
    table: "sessions",
    key: "agent",
    before: { boot_id, committed_seq: 0 },
    after: { boot_id, committed_seq },
  });

  test("that count as taken in and never came are a violation", () => {
    const gap = "s: observations up to 5 count as taken in, and only 2 came";
    expect(tryJudge(s12, [hello, came(1, 2), came(4, 5), taken(5)])).toEqual([gap]);
  });

  test("that came, some of them twice, are none, nor is a program that begins anew", () => {
    expect(tryJudge(s12, [hello, came(1, 2), came(2, 3), taken(3)])).toEqual([]);
    expect(tryJudge(s12, [hello, came(1, 2), begun("c"), taken(0, "c")])).toEqual([]);
  });
});
