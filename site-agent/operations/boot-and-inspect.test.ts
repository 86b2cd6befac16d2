// inspect, and with it how a ramdisk is brought up: fast track, full boot, reset, and the boot that does not come.
import { beforeEach, describe, expect, test } from "vitest";
import {
  hostUid,
  identity,
  mac,
  makeFakeSite,
  secretOf,
  type FakeSite,
} from "../../test/support/fake-site.ts";
import type { OperationPayload } from "../../shared/protocol/operation.ts";

let site: FakeSite;
beforeEach(() => {
  site = makeFakeSite();
});

const inspect = (afterwards: "stay" | "power-off" = "stay"): OperationPayload => ({
  kind: "inspect",
  afterwards,
});

test("an inspection boots the ramdisk: off, PXE once, answer its MAC, on; and withdraws", async () => {
  expect(await site.run(inspect())).toMatchObject({
    kind: "operation-succeeded",
    result: { kind: "inspect", on: true, identity },
  });
  expect(site.did).toEqual([
    "power off",
    "boot device pxe once",
    `netboot allow ${mac}`,
    "power on",
    `netboot withdraw ${mac}`,
    "ramdisk inspect",
  ]);
});

test("the disks of an inspection are told as ramdisk and fences tell them", async () => {
  const end = await site.run(inspect());
  expect(end).toMatchObject({
    result: { disks: [{ name: "/dev/sda", serialNumber: "D1", wwn: "0x5000abcd" }] },
  });
});

test("an inspection uses the ramdisk that is up already", async () => {
  site.sessions.connect();
  expect(await site.run(inspect())).toMatchObject({ kind: "operation-succeeded" });
  expect(site.did).toEqual(["ramdisk inspect"]);
});

test("an inspection leaves the host off when it is told to", async () => {
  expect(await site.run(inspect("power-off"))).toMatchObject({ result: { on: false } });
  expect(site.acts().slice(-2)).toEqual(["ramdisk leave power-off", "power off"]);
});

test("a ramdisk that goes off by itself is not cut off", async () => {
  site.sessions.connect();
  const { run } = site.ramdisk;
  site.ramdisk.run = async (step, options) => {
    if (step.kind === "leave") site.clock.timer(2_000, () => (site.bmc.on = false));
    return await run(step, options);
  };
  expect(await site.run(inspect("power-off"))).toMatchObject({ result: { on: false } });
  expect(site.acts()).toEqual(["ramdisk inspect", "ramdisk leave power-off"]);
});

test("a ramdisk that does not answer is cut off by the BMC", async () => {
  site.sessions.connect();
  const { run } = site.ramdisk;
  site.ramdisk.run = async (step, options) =>
    step.kind === "leave"
      ? { ok: false, failure: { kind: "lost", message: "silent", destroyed: false } }
      : await run(step, options);
  expect(await site.run(inspect("power-off"))).toMatchObject({ result: { on: false } });
  expect(site.acts().at(-1)).toBe("power off");
});

test("an inspection is not lost when the power may not be cut at its end", async () => {
  site.sessions.connect();
  site.guard.says = 'the site guard says "allow-destructive": false';
  expect(await site.run(inspect("power-off"))).toMatchObject({
    kind: "operation-succeeded",
    result: { on: true },
  });
  expect(site.acts()).toEqual(["ramdisk inspect"]);
});

describe("a host with disablePowerOff", () => {
  beforeEach(() => site.hold({ disablePowerOff: true }));

  test("is reset into the ramdisk, which is answered before", async () => {
    expect(await site.run(inspect("power-off"))).toMatchObject({ result: { on: true } });
    expect(site.did).toEqual([
      "boot device pxe once",
      `netboot allow ${mac}`,
      "power reset",
      `netboot withdraw ${mac}`,
      "ramdisk inspect",
    ]);
  });

  test("is switched on when it is off", async () => {
    site.bmc.on = false;
    expect(await site.run(inspect())).toMatchObject({ kind: "operation-succeeded" });
    expect(site.acts()).toEqual(["boot device pxe once", "power on", "ramdisk inspect"]);
  });

  test.each([
    ["off", true, "power reset"],
    ["on", false, "power on"],
  ] as const)(
    "whose BMC lost the power %s is brought up by what it shows in the end",
    async (want, on, act) => {
      site.hold({ disablePowerOff: false });
      site.bmc.on = on;
      site.bmc.deaf = [want];
      expect(await site.run({ kind: "power", want, mode: "hard" })).toMatchObject({
        failure: { kind: "power-no-effect" },
      });
      site.bmc.deaf = [];
      site.did.length = 0;
      site.hold({ disablePowerOff: true });
      expect(await site.run(inspect())).toMatchObject({ kind: "operation-succeeded" });
      expect(site.acts()).toEqual(["boot device pxe once", act, "ramdisk inspect"]);
    },
  );
});

describe("a boot that does not arrive", () => {
  beforeEach(() => {
    site.ramdisk.arrivesAfterMs = undefined;
  });

  test("ends in time, says what was seen, and withdraws the answer", async () => {
    const before = site.clock.monotonicMs();
    const atMs = site.clock.nowMs();
    site.network.sightings = [
      { kind: "dhcp-discover", mac, atMs, detail: "UEFI x64" },
      { kind: "dhcp-ack", mac, atMs, detail: "192.0.2.100" },
      { kind: "bootloader", mac, atMs, detail: "snponly.efi by TFTP" },
    ];
    const end = await site.run(inspect());
    expect(end).toMatchObject({
      kind: "operation-failed",
      failure: {
        kind: "boot-timeout",
        destroyed: false,
        message:
          "The ramdisk did not call within 600 s: power on ✓ 12:00:00, DHCP request from its MAC ✓ 12:00:00 (UEFI x64), DHCP address taken ✓ 12:00:00 (192.0.2.100), boot loader fetched ✓ 12:00:00 (snponly.efi by TFTP), boot script fetched ✗. The machine stopped fetching: check its network link and the boot mode.",
      },
    });
    expect(site.clock.monotonicMs() - before).toBeLessThan(610_000);
    expect(site.did.at(-1)).toBe(`netboot withdraw ${mac}`);
  });

  test("names the machines that were seen instead", async () => {
    site.network.strangers = ["52:54:00:00:00:99"];
    expect(await site.run(inspect())).toMatchObject({
      failure: { message: expect.stringContaining("MACs seen instead: 52:54:00:00:00:99") },
    });
  });

  test("says nothing of machines of hosts in other namespaces [S43]", async () => {
    const { spec } = site.documents.get(hostUid)!;
    const neighbour = { ...spec, bootMACAddress: "52:54:00:00:00:98" };
    const other = { ...spec, namespace: "other", bootMACAddress: "52:54:00:00:00:97" };
    site.documents.store({ hostUid: "u-98", revision: 1, hash: "h", spec: neighbour });
    site.documents.store({ hostUid: "u-97", revision: 1, hash: "h", spec: other });
    site.network.strangers = ["52:54:00:00:00:97", "52:54:00:00:00:98"];
    const failure = { message: expect.stringContaining("MACs seen instead: 52:54:00:00:00:98.") };
    expect(await site.run(inspect())).toMatchObject({ failure });
    site.clock.timer(300_000, () => void site.documents.remove("u-97", 2));
    expect(await site.run(inspect())).toMatchObject({ failure });
    site.clock.timer(100_000, () => {
      site.documents.store({ hostUid: "u-96", revision: 1, hash: "h", spec: other });
    });
    site.clock.timer(300_000, () => void site.documents.remove("u-96", 2));
    expect(await site.run(inspect())).toMatchObject({ failure });
  });

  test("says that the BMC could not be told to boot from the network", async () => {
    site.bmc.fail = (call) => (call === "boot device pxe" ? "unsupported" : undefined);
    expect(await site.run(inspect())).toMatchObject({
      failure: { message: expect.stringContaining("boot device ✗ (BMC 192.0.2.10") },
    });
  });

  test("leaves nobody expected: a ramdisk that comes too late is not taken", async () => {
    site.ramdisk.arrivesAfterMs = 700_000;
    await site.run(inspect());
    await site.clock.advance(200_000);
    expect(site.sessions.session()).toBeUndefined();
  });
});

test("an inspection that is given up while it waits ends at once and withdraws", async () => {
  site.ramdisk.arrivesAfterMs = undefined;
  const order = site.order(inspect());
  site.dispatcher.accept(order);
  site.clock.timer(100_000, () => site.dispatcher.cancel(order.id));
  const before = site.clock.monotonicMs();
  expect(await site.ended(order.id)).toMatchObject({ failure: { kind: "cancelled" } });
  expect(site.clock.monotonicMs() - before).toBeLessThan(101_000);
  expect(site.did.at(-1)).toBe(`netboot withdraw ${mac}`);
});

test("a host without bootMACAddress is not switched off for nothing", async () => {
  const { bootMACAddress: _none, ...spec } = site.store().spec;
  site.documents.store({ hostUid, revision: 9, hash: "h", spec });
  expect(await site.run(inspect(), { revision: 9 })).toMatchObject({
    failure: { message: expect.stringContaining("spec.bootMACAddress") },
  });
  expect(site.did).toEqual([]);
});

test("nothing is booted on an externally provisioned host", async () => {
  site.hold({ externallyProvisioned: true });
  expect(await site.run(inspect())).toMatchObject({
    failure: { kind: "fenced", message: expect.stringContaining("externally provisioned") },
  });
  expect(site.acts()).toEqual([]);
});

test("a ramdisk that asks to destroy during an inspection is refused", async () => {
  site.sessions.connect();
  let answer: unknown;
  const { run } = site.ramdisk;
  site.ramdisk.run = async (step, options) => {
    answer = await options.mayDestroy({ identity, disks: [] });
    return await run(step, options);
  };
  await site.run(inspect());
  expect(answer).toMatchObject({ go: false });
});

test("registering identifies the BMC and changes nothing", async () => {
  expect(await site.run({ kind: "register" })).toMatchObject({
    kind: "operation-succeeded",
    result: {
      kind: "register",
      on: true,
      protocol: "ipmi",
      manufacturerId: 32473,
      firmware: "1.02",
      credentialsVersion: "41",
    },
  });
  expect(site.did).toEqual([]);
});

test.each([
  ["unreachable", "bmc-unreachable"],
  ["credentials", "bmc-credentials"],
  ["login-budget", "bmc-login-budget"],
] as const)("registering tells a BMC that is %s", async (kind, told) => {
  site.bmc.fail = () => kind;
  expect(await site.run({ kind: "register" })).toMatchObject({ failure: { kind: told } });
});

test("credentials that are no credentials are told without a word of their content", async () => {
  site.secrets.bmc = '{"username":"admin","password":hunter2}';
  const end = await site.run({ kind: "register" });
  expect(end).toMatchObject({ failure: { kind: "secret" } });
  expect(JSON.stringify([end, site.logged])).not.toContain("hunter2");
});

test("credentials are new to a BMC when their content is, not when their Secret was labelled", async () => {
  const sealed = secretOf("bmc");
  const labelled = { ...sealed, context: { ...sealed.context, secretVersion: "42" } };
  await site.run({ kind: "register" });
  site.store({ credentials: labelled });
  await site.run({ kind: "register" });
  site.secrets.bmc = JSON.stringify({ username: "admin", password: "hobbes" });
  await site.run({ kind: "register" });
  const [first, second, third] = site.credentialVersions;
  expect(second).toBe(first);
  expect(third).not.toBe(first);
  // Another agent process tells the same credentials apart by another word: it is no digest to guess from.
  const other = makeFakeSite();
  await other.run({ kind: "register" });
  expect(other.credentialVersions[0]).not.toBe(first);
});
