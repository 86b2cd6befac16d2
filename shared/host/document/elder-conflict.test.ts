// A new host comes after hosts that name its machine at its site and are not adopted yet.
import { expect, test } from "vitest";
import { elderConflict, type Placed } from "./elder-conflict.ts";

const host: Placed = {
  cluster: "east",
  namespace: "metal",
  name: "new",
  site: "lab",
  bmcAddress: "192.0.2.1",
  bootMACAddress: "52:54:00:FA:00:01",
};

function conflict(elder: Partial<Placed> = {}, documentHash = ""): string | undefined {
  const elders = [{ ...host, name: "old", bmcAddress: "ipmi://192.0.2.1:623", ...elder }];
  return elderConflict(host, { documentHash }, elders);
}

test("who names the same BMC or boot MAC, however it is spelled, counts as its holder", () => {
  expect(conflict()).toContain('BMC 192.0.2.1:623 is used by host "old"');
  expect(conflict({}, "unknown")).toContain('is used by host "old"');
  expect(elderConflict(host, undefined, [{ ...host, name: "old" }])).toContain('host "old"');
  expect(conflict({ namespace: "other" })).toContain("is used by another host");
  expect(conflict({ cluster: "west" })).toContain("is used by another host");
  const other = { bmcAddress: undefined, bootMACAddress: "52:54:00:fa:00:01" };
  expect(conflict(other)).toContain("MAC address 52:54:00:fa:00:01 is used by");
});

test("who names another, is at another site, or comes too late, does not", () => {
  expect(conflict({ bmcAddress: "192.0.2.2", bootMACAddress: undefined })).toBeUndefined();
  expect(conflict({ site: "elsewhere" })).toBeUndefined();
  expect(conflict({ site: undefined })).toBeUndefined();
  expect(conflict({}, "a hash")).toBeUndefined();
});
