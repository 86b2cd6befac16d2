// clean: every planned disk, or it has failed; nothing begins on a machine that cannot be recognised.
import { beforeEach, expect, test } from "vitest";
import {
  disk,
  identity,
  makeFakeSite,
  outcomeOf,
  type FakeSite,
} from "../../test/support/fake-site.ts";
import type { OperationPayload } from "../../shared/protocol/operation.ts";
import type { ErasedDisk } from "../../shared/protocol/ramdisk.ts";

let site: FakeSite;
beforeEach(() => {
  site = makeFakeSite();
});

const clean = (afterwards: "stay" | "power-off" = "stay"): OperationPayload => ({
  kind: "clean",
  mode: "metadata",
  afterwards,
});

/** The ramdisk asks, erases, and reports this. */
function reports(disks: readonly Partial<ErasedDisk>[]): void {
  const { run } = site.ramdisk;
  site.ramdisk.run = async (step, options) => {
    const result = await run(step, options);
    if (step.kind !== "erase" || !result.ok) return result;
    const whole = outcomeOf(step);
    const [first] = whole.kind === "erase" ? whole.disks : [];
    return {
      ok: true,
      outcome: { kind: "erase", disks: disks.map((each) => ({ ...first!, ...each })) },
    };
  };
}

test("cleaning boots the ramdisk, erases and reports what was done", async () => {
  expect(await site.run(clean())).toMatchObject({
    kind: "operation-succeeded",
    result: { kind: "clean", on: true, disks: [{ ok: true, disk: { serialNumber: "D1" } }] },
  });
  expect(site.acts()).toEqual(["power off", "boot device pxe once", "power on", "ramdisk erase"]);
});

test("cleaning fails when one disk could not be erased, and names it", async () => {
  const second = { ...disk, name: "/dev/sdb", serialNumber: "D2" };
  site.store({ disks: [disk, second] });
  reports([{ disk }, { disk: second, ok: false, detail: "write error at 4096" }]);
  expect(await site.run(clean())).toMatchObject({
    kind: "operation-failed",
    failure: {
      kind: "disk",
      destroyed: true,
      message: expect.stringMatching(/^1 of 2 disks.*\/dev\/sdb \(serial D2.*write error at 4096/),
    },
  });
});

test("cleaning fails when a planned disk is not in the report", async () => {
  const second = { ...disk, name: "/dev/sdb", serialNumber: "D2" };
  site.store({ disks: [disk, second] });
  reports([{ disk }]);
  expect(await site.run(clean())).toMatchObject({
    failure: {
      kind: "disk",
      message: expect.stringContaining("serial D2, 0.0 GiB): not reported"),
    },
  });
});

test("a failure of very many disks still fits into the protocol", async () => {
  const disks = Array.from({ length: 200 }, (_, at) => ({ ...disk, serialNumber: `D${at}` }));
  site.store({ disks });
  reports(disks.map((each) => ({ disk: each, ok: false, detail: "x".repeat(500) })));
  const end = await site.run(clean());
  expect(end).toMatchObject({ failure: { kind: "disk" } });
  expect(site.observations.takeAfter(0).length).toBeGreaterThan(0);
});

test.each([
  ["that was never inspected", { identity: undefined, disks: undefined }, "identity"],
  ["without disks", { identity, disks: [] }, "no-disk"],
])("cleaning leaves a machine %s alone", async (_words, spec, kind) => {
  const { identity: _i, disks: _d, ...plain } = site.store().spec;
  const over = spec.identity === undefined ? {} : { identity: spec.identity, disks: spec.disks };
  const { hostUid } = site.order(clean());
  site.documents.store({ hostUid, revision: 9, hash: "h", spec: { ...plain, ...over } });
  expect(await site.run(clean(), { revision: 9 })).toMatchObject({
    failure: { kind, destroyed: false },
  });
  expect(site.did).toEqual([]);
});

test("another machine at the point of no return is not erased", async () => {
  site.store({ identity: { ...identity, serialNumber: "SN-2" } });
  expect(await site.run(clean())).toMatchObject({
    failure: { kind: "identity", destroyed: false, message: expect.stringContaining("SN-2") },
  });
});

test("cleaning switches off afterwards though the control plane is gone", async () => {
  site.sessions.connect();
  const { run } = site.ramdisk;
  site.ramdisk.run = async (step, options) => {
    const result = await run(step, options);
    if (step.kind !== "erase") return result;
    site.renews = false;
    site.store();
    await site.clock.sleep(7_200_000);
    return result;
  };
  expect(await site.run(clean("power-off"))).toMatchObject({
    kind: "operation-succeeded",
    result: { on: false },
  });
  expect(site.acts().at(-1)).toBe("power off");
});

test("cleaning leaves a host with disablePowerOff on", async () => {
  site.hold({ disablePowerOff: true });
  expect(await site.run(clean("power-off"))).toMatchObject({ result: { on: true } });
  expect(site.acts()).toEqual(["boot device pxe once", "power reset", "ramdisk erase"]);
});

test("an order that calls a cleaning harmless is refused at the point of no return", async () => {
  expect(await site.run(clean(), { class: "converge" })).toMatchObject({
    failure: { kind: "fenced", destroyed: false },
  });
});
