import { expect, test } from "vitest";
import { readProviderSpec } from "./provider-spec.ts";

const base = {
  apiVersion: "baremetal.cluster.k8s.io/v1alpha1",
  kind: "BareMetalMachineProviderSpec",
};
const image = { url: "http://images.example/a.qcow2", checksum: "0".repeat(32) };
const problem = (value: unknown) => {
  const read = readProviderSpec(value);
  return read.ok ? "none" : `${read.error.kind}: ${read.error.message}`;
};

test("readProviderSpec reads what the actuator of 2019 documents, and what OpenShift writes", () => {
  const matchExpressions = [
    { key: "rack", operator: "in", values: ["a"] },
    { key: "bad", operator: "!" },
  ];
  const hostSelector = { matchLabels: { size: "big" }, matchExpressions };
  const value = { ...base, metadata: { creationTimestamp: null }, image, hostSelector };
  expect(readProviderSpec({ ...value, userData: { name: "worker-user-data" } })).toEqual({
    ok: true,
    value: {
      image,
      userData: { name: "worker-user-data" },
      hostSelector: {
        matchLabels: { size: "big" },
        matchExpressions: [matchExpressions[0], { ...matchExpressions[1], values: [] }],
      },
    },
  });
});

test("readProviderSpec takes an empty image for none, and an empty list of expressions", () => {
  const customDeploy = { method: "install_coreos" };
  const hostSelector = { matchExpressions: [] };
  const value = { ...base, image: { url: "", checksum: "" }, customDeploy, hostSelector };
  expect(readProviderSpec(value)).toEqual({ ok: true, value: { customDeploy, hostSelector: {} } });
});

test("readProviderSpec tells another provider's from a mistake in its own", () => {
  const aws = { apiVersion: "machine.openshift.io/v1beta1", kind: "AWSMachineProviderConfig" };
  expect(problem(aws)).toMatch(/^foreign: .*AWSMachineProviderConfig.*give a BareMetalMachine/);
  expect(problem(undefined)).toMatch(/^foreign: spec\.providerSpec\.value has no kind/);
  expect(problem({ ...base, imagee: image })).toMatch(
    /^invalid: spec\.providerSpec\.value: the field "imagee" is not known; remove it/,
  );
  expect(problem({ ...base, image: { ...image, size: 3 } })).toMatch(
    /^invalid: spec\.providerSpec\.value\.image: the field "size"/,
  );
  expect(problem({ ...base, image: { ...image, diskFormat: "tar" } })).toMatch(
    /^invalid: spec\.providerSpec\.value\.image\.diskFormat: /,
  );
});
