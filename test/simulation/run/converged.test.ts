import { expect, test } from "vitest";
import type { KubernetesObject } from "../world/events.ts";
import { isTaken } from "./converged.ts";

type Status = Readonly<Record<string, unknown>>;

function makeHost(name: string, address: string, status: Status): KubernetesObject {
  const metadata = { name, namespace: "metal", uid: name, resourceVersion: "1" };
  return { kind: "BareMetalHost", metadata, spec: { bmc: { address }, online: true }, status };
}

const settled = { provisioning: { state: "available" } };
const refused = { provisioning: { state: "registering" }, errorMessage: "another host has it" };

test("a machine is taken where another host that has what it wants names the same BMC", () => {
  const host = makeHost("a", "ipmi://10.1.0.1:623", refused);
  const others = (address: string, status: Status) =>
    isTaken(host, [host, makeHost("b", address, status)]);
  expect(others("ipmi://10.1.0.1:623", settled)).toBe(true);
  expect(others("ipmi://10.1.0.2:623", settled)).toBe(false);
  expect(others("ipmi://10.1.0.1:623", refused)).toBe(false);
  expect(others("ipmi://10.1.0.1:623", { provisioning: { state: "inspecting" } })).toBe(false);
});

test("a host without an error, or without a BMC, waits for nobody", () => {
  const owner = makeHost("b", "ipmi://10.1.0.1:623", settled);
  const settledToo = makeHost("a", "ipmi://10.1.0.1:623", settled);
  expect(isTaken(settledToo, [settledToo, owner])).toBe(false);
  const without = makeHost("a", "", refused);
  const unmanaged = makeHost("b", "", { provisioning: { state: "unmanaged" } });
  expect(isTaken(without, [without, unmanaged])).toBe(false);
});
