import { expect, test } from "vitest";
import type { LinkNode } from "./link-node.ts";
import { missingMarks } from "./missing-marks.ts";
import { readNode } from "./workload-node.ts";

const providerID = "baremetalhost:///metal/h1/uid-h1";
const write: LinkNode = {
  kind: "link-node",
  namespace: "metal",
  name: "worker-1",
  uid: "m-1",
  providerID,
  hostUid: "uid-h1",
  hostnames: [],
  mayWrite: true,
};
const taint = { key: "gpu", value: "yes", effect: "NoSchedule" };
const marks = {
  labels: { role: "worker" },
  annotations: { "machine.openshift.io/machine": "metal/worker-1" },
  taints: [taint],
};

function nodeOf(spec: object, metadata: object = {}) {
  const node = readNode({
    metadata: { name: "n", uid: "n", resourceVersion: "1", ...metadata },
    spec,
  });
  if (node === undefined) throw new Error("no Node");
  return node;
}

test("missingMarks gives a new Node all of them", () => {
  expect(missingMarks(nodeOf({}), { ...write, marks })).toEqual({
    metadata: {
      labels: { role: "worker", "metal3.io/uuid": "uid-h1" },
      annotations: marks.annotations,
    },
    spec: { providerID, taints: [taint] },
  });
});

test("missingMarks gives nothing where all is there, whatever else is", () => {
  const labels = { role: "worker", "metal3.io/uuid": "another", more: "x" };
  const metadata = { labels, annotations: { ...marks.annotations, more: "x" } };
  const held = { ...taint, value: "no", timeAdded: "2026-11-01T12:00:00Z" };
  const node = nodeOf({ providerID: "other", taints: [held] }, metadata);
  expect(missingMarks(node, { ...write, marks })).toBeUndefined();
  expect(missingMarks(node, write)).toBeUndefined();
});

test("missingMarks keeps the taints of others whole", () => {
  const other = { key: "x", effect: "NoExecute", timeAdded: "2026-11-01T12:00:00Z" };
  const node = nodeOf({ providerID, taints: [other] }, { labels: { "metal3.io/uuid": "uid-h1" } });
  expect(
    missingMarks(node, { ...write, marks: { ...marks, labels: {}, annotations: {} } }),
  ).toEqual({
    metadata: {},
    spec: { taints: [other, taint] },
  });
});
