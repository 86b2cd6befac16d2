// A change is idle when nothing that work waits for is another than in the event before.
import { expect, test } from "vitest";
import type { FeedResource } from "../../../shared/protocol/feed.ts";
import { idleChanges } from "./idle-changes.ts";

let version = 0;
const changed = (
  object: { metadata?: object; status?: object; spec?: object },
  type = "MODIFIED",
) => ({
  type,
  object: {
    ...object,
    metadata: {
      uid: "u-1",
      ...object.metadata,
      resourceVersion: String((version += 1)),
      managedFields: [version],
    },
  },
});
/** Whether the second is idle after the first. */
function isIdle(resource: FeedResource, first: object, second: object): boolean {
  const isIdle = idleChanges(resource);
  expect(isIdle(changed(first, "ADDED"))).toBe(false);
  return isIdle(changed(second));
}

test("a host's status is idle that shows the same state", () => {
  const status = (state: string, more: object = {}) => ({
    status: { provisioning: { state }, ...more },
  });
  expect(isIdle("baremetalhosts", status("ready"), status("ready", { poweredOn: true }))).toBe(
    true,
  );
  expect(isIdle("baremetalhosts", status("ready"), status("provisioning"))).toBe(false);
  expect(isIdle("baremetalhosts", {}, status("registering"))).toBe(false);
});

test("a status of a Metal3Machine or Metal3Cluster is idle, anything else of it is not", () => {
  for (const resource of ["metal3machines", "metal3clusters"] as const) {
    expect(isIdle(resource, {}, { status: { ready: true } })).toBe(true);
    expect(isIdle(resource, { spec: {} }, { spec: { providerID: "x" } })).toBe(false);
    expect(isIdle(resource, {}, { metadata: { finalizers: ["a"] } })).toBe(false);
  }
});

test("a status of a Machine is idle unless it says that something is ready, or names its Node", () => {
  const resource = "machines.cluster.x-k8s.io";
  const condition = (type: string, status: string, message = "") => ({
    status: { deprecated: { v1beta1: { conditions: [{ type, status, message }] } } },
  });
  expect(isIdle(resource, {}, { status: { phase: "Pending" } })).toBe(true);
  expect(isIdle(resource, {}, condition("BootstrapReady", "False"))).toBe(true);
  expect(isIdle(resource, condition("Ready", "False"), condition("Ready", "False", "waits"))).toBe(
    true,
  );
  expect(
    isIdle(resource, condition("BootstrapReady", "False"), condition("BootstrapReady", "True")),
  ).toBe(false);
  expect(
    isIdle(resource, {}, { status: { initialization: { infrastructureProvisioned: true } } }),
  ).toBe(false);
  expect(isIdle(resource, {}, { status: { nodeRef: { name: "n" } } })).toBe(false);
});

test("of other resources, of what was not shown before or is gone, and of what is no object no change is idle", () => {
  expect(isIdle("namespaces", {}, { status: { phase: "Active" } })).toBe(false);
  const isIdleHere = idleChanges("metal3machines");
  expect(isIdleHere(changed({}))).toBe(false);
  expect(isIdleHere(changed({}))).toBe(true);
  expect(isIdleHere(changed({}, "DELETED"))).toBe(false);
  expect(isIdleHere(changed({}))).toBe(false);
  for (const type of ["BOOKMARK", "ERROR"]) {
    expect(isIdleHere({ type, object: { metadata: { resourceVersion: "9" } } })).toBe(false);
    expect(isIdleHere(changed({}, "BOOKMARK"))).toBe(false);
  }
});
