// Work past its point of no return goes over to corrected credentials, and no other work does.
import { beforeEach, expect, test } from "vitest";
import { makeFakeSite, secretOf, type FakeSite } from "../../../test/support/fake-site.ts";
import type { HostDocumentSpec } from "../../../shared/protocol/host-document.ts";
import type { OperationPayload } from "../../../shared/protocol/operation.ts";

let site: FakeSite;
beforeEach(() => {
  site = makeFakeSite();
});

const provision: OperationPayload = {
  kind: "provision",
  image: { url: "http://images.example/debian.qcow2", checksum: "a".repeat(64) },
  bootMode: "UEFI",
};
const failed = { kind: "operation-failed", failure: { kind: "bmc-credentials", destroyed: true } };

/** The BMC's password changes as the ramdisk is asked to leave; the site is told of the new one after so long. */
function changePassword(toldAfterMs: number, more: Partial<HostDocumentSpec> = {}): void {
  const { run } = site.ramdisk;
  let isChanged = false;
  const known = (): number => new Set(site.credentialVersions).size;
  site.bmc.fail = () => (isChanged && known() === 1 ? "credentials" : undefined);
  site.ramdisk.run = async (step, options) => {
    isChanged ||= step.kind === "leave";
    if (step.kind === "leave") site.clock.timer(toldAfterMs, tell);
    return await run(step, options);
  };
  const tell = (): void => {
    site.secrets.bmc = JSON.stringify({ username: "admin", password: "hobbes" });
    site.store({ credentials: { ...secretOf("bmc"), ciphertext: "bmV3" }, ...more });
  };
}

test("a password that is changed as a write ends is followed: what was written is not lost [L13]", async () => {
  changePassword(5_000);
  const end = await site.run(provision);
  expect(end).toMatchObject({
    kind: "operation-succeeded",
    result: { kind: "provision", on: true },
  });
  expect(site.acts().slice(-3)).toEqual(["power off", "boot device disk", "power on"]);
  // It stays with the new one.
  expect(site.credentialVersions).toHaveLength(3);
});

test("one that comes too late, or for another BMC, is of no use to it", async () => {
  changePassword(60_000);
  expect(await site.run(provision)).toMatchObject(failed);
  site = makeFakeSite();
  changePassword(5_000, { bmcAddress: "ipmi://192.0.2.11" });
  expect(await site.run(provision)).toMatchObject(failed);
});

test("work that has destroyed nothing ends with the password that it was ordered with", async () => {
  site.bmc.fail = (call) => {
    if (call !== "power on") return undefined;
    site.store({ credentials: { ...secretOf("bmc"), ciphertext: "bmV3" } });
    return "credentials";
  };
  expect(await site.run(provision)).toMatchObject({
    kind: "operation-failed",
    failure: { kind: "bmc-credentials", destroyed: false },
  });
  expect(new Set(site.credentialVersions).size).toBe(1);
});
