import { expect, test } from "vitest";
import { machineLine } from "./machine-line.ts";

const machine = {
  uid: "u",
  cluster: "east",
  resource: "metal3machines",
  namespace: "metal",
  name: "worker-1",
  isDeleting: false,
  wakeAtMs: null,
  host: null,
  unmet: [],
};

test("machineLine tells why a machine has no host, and since when", () => {
  const unmet = [
    {
      type: "AssociateBareMetalHost",
      status: "False",
      reason: "AssociateBareMetalHostFailed",
      message: "none of 3 hosts is free: 2 are provisioned (a, b), 1 is paused (c)",
      lastTransitionTime: "2026-11-01T03:00:00Z",
    },
  ];
  expect(machineLine({ ...machine, unmet })).toBe(
    "east metal/worker-1  no host  ! AssociateBareMetalHostFailed since 2026-11-01T03:00:00Z: " +
      "none of 3 hosts is free: 2 are provisioned (a, b), 1 is paused (c)",
  );
});

test("machineLine tells what the host of a machine does, and nothing of one that is provisioned", () => {
  const host = { name: "m1", state: "provisioning", operation: "1.2 GiB of 4.0 GiB, 30 %" };
  expect(machineLine({ ...machine, host })).toBe(
    "east metal/worker-1  host m1, provisioning: 1.2 GiB of 4.0 GiB, 30 %",
  );
  const done = { ...host, state: "provisioned", operation: "as desired" };
  const resource = "machines.machine.openshift.io";
  expect(machineLine({ ...machine, resource, host: done, isDeleting: true })).toBe(
    "east metal/worker-1  machines.machine.openshift.io  host m1, provisioned  deleting",
  );
});
