import { expect, test } from "vitest";
import { hostLine } from "./host-line.ts";

const host = {
  uid: "u",
  cluster: "east",
  namespace: "metal",
  name: "metal-0",
  site: "lab",
  state: "provisioning",
  operationalStatus: "OK",
  errorMessage: "",
  poweredOn: true,
  wakeAtMs: null,
};

test("hostLine tells how far a running operation is", () => {
  const progress = {
    step: "Writing",
    doneBytes: 45,
    totalBytes: 100,
    bytesPerSecond: 2 * 1024 ** 2,
  };
  const operation = { kind: "provision", state: "running", attempt: 2, progress };
  expect(hostLine({ ...host, operation })).toBe(
    "east metal/metal-0  site lab  provisioning  on  provision Writing 45 %, 2.0 MiB/s (attempt 2)",
  );
});

test("hostLine tells an error, and nothing of an operation that has ended", () => {
  const operation = { kind: "register", state: "failed", attempt: 1 };
  const failed = {
    ...host,
    site: null,
    state: null,
    poweredOn: null,
    errorMessage: "no answer",
    operation,
  };
  expect(hostLine(failed)).toBe("east metal/metal-0  no site  new  power unknown  ! no answer");
});
