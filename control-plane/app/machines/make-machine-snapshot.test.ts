import { expect, test } from "vitest";
import { hostRow, machineRows } from "../../../test/support/control-plane/machine-rows.ts";
import { makeMachineSnapshot } from "./make-machine-snapshot.ts";

const moment = { nowMs: 1_000_000, draw: "00112233445566aa" };

test("makeMachineSnapshot shows all hosts of the namespace while the machine has none", () => {
  const sites = [{ name: "lab", lastSeenMs: moment.nowMs - 70_000 }];
  const rows = machineRows({ hosts: [hostRow("h-1"), hostRow("h-2", { site: "lab" })], sites });
  const made = makeMachineSnapshot(rows, moment);
  expect(made).toMatchObject({
    ok: true,
    value: {
      kind: "machine",
      draw: moment.draw,
      host: undefined,
      hosts: [
        { uid: "h-1", state: "available", errorMessage: "", deleting: false, site: undefined },
        { uid: "h-2", site: { name: "lab", connection: "degraded" } },
      ],
    },
  });
});

test("makeMachineSnapshot shows nothing but the host that the machine has", () => {
  const hosts = [hostRow("h-1"), hostRow("h-2", { systemUuid: "ABCD", deleted: true })];
  const made = makeMachineSnapshot(machineRows({ hosts }, { hostUid: "h-2" }), moment);
  expect(made).toMatchObject({
    value: { host: { uid: "h-2", systemUuid: "abcd", gone: true, deleting: true }, hosts: [] },
  });
});

test("makeMachineSnapshot leaves out a host that does not fit its kind, unless the machine has it", () => {
  const hosts = [hostRow("h-1", { object: { spec: { image: 7 } } }), hostRow("h-2")];
  const free = makeMachineSnapshot(machineRows({ hosts }), moment);
  expect(free).toMatchObject({ ok: true, value: { hosts: [{ uid: "h-2" }] } });
  const bound = makeMachineSnapshot(machineRows({ hosts }, { hostUid: "h-1" }), moment);
  expect(bound).toMatchObject({ ok: false, error: { kind: "invalid" } });
  expect(bound.ok ? "" : bound.error.message).toContain("spec.image");
});

test("makeMachineSnapshot does without a template that does not fit its kind", () => {
  const metadata = { name: "t", namespace: "metal", uid: "t", resourceVersion: "1" };
  const spec = { image: { url: "http://images.example/a", checksum: "0" } };
  const template = { metadata, spec: { template: { spec } } };
  const read = makeMachineSnapshot(machineRows({ template }), moment);
  expect(read).toMatchObject({ ok: true, value: { template } });
  const unread = makeMachineSnapshot(machineRows({ template: { metadata } }), moment);
  expect(unread).toMatchObject({ ok: true, value: { template: undefined } });
});

test("makeMachineSnapshot names fields and no values when an object does not fit its kind", () => {
  const owner = { metadata: { name: "secret" }, spec: {} };
  const made = makeMachineSnapshot(machineRows({ owner }), moment);
  expect(made.ok ? "" : made.error.message).toContain("Machine spec.clusterName");
  expect(made.ok ? "" : made.error.message).not.toContain("secret");
});

test("makeMachineSnapshot tells which Machines a Metal3Cluster still has", () => {
  const rows = machineRows({ machines: ["m-1"] }, { resource: "metal3clusters" });
  expect(makeMachineSnapshot(rows, moment)).toMatchObject({
    value: { kind: "cluster", machines: ["m-1"], object: { kind: "Metal3Cluster" } },
  });
});
