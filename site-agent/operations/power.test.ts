// The power operation on a fake BMC: what is sent, in which order, behind which fence.
import { beforeEach, describe, expect, test } from "vitest";
import { makeFakeSite, type FakeSite } from "../../test/support/fake-site.ts";
import type { OperationPayload } from "../../shared/protocol/operation.ts";

let site: FakeSite;
beforeEach(() => {
  site = makeFakeSite();
});

type Payload = Extract<OperationPayload, { kind: "power" }>;
const power = (want: Payload["want"], mode: Payload["mode"] = "hard"): Payload => ({
  kind: "power",
  want,
  mode,
});

const success = (on: boolean) => ({ kind: "operation-succeeded", result: { kind: "power", on } });
const failure = (kind: string, message: string) => ({
  kind: "operation-failed",
  failure: { kind, message: expect.stringContaining(message), destroyed: false },
});

test("power off cuts the power and reads it back", async () => {
  site.bmc.lagReads = 5;
  expect(await site.run(power("off"))).toMatchObject(success(false));
  expect(site.acts()).toEqual(["power off"]);
});

test("power off does nothing when the host is off already", async () => {
  site.bmc.on = false;
  expect(await site.run(power("off"))).toMatchObject(success(false));
  expect(site.did).toEqual([]);
});

test.each(["soft", "hard"] as const)(
  "power off, %s, does not trust a BMC that shows off, and was told to switch on just before",
  async (mode) => {
    site.bmc.on = false;
    site.bmc.lagReads = 100;
    const order = site.order(power("on"));
    site.dispatcher.accept(order);
    site.clock.timer(5_000, () => site.dispatcher.cancel(order.id));
    expect(await site.ended(order.id)).toMatchObject({ failure: { kind: "cancelled" } });
    site.did.length = 0;
    site.bmc.lagReads = 3;
    expect(await site.run(power("off", mode))).toMatchObject(success(false));
    expect(site.acts()).toEqual(["power off"]);
  },
);

test("power off is sent again to a BMC that was told so, and lost it as it restarted", async () => {
  site.bmc.deaf = ["off"];
  const order = site.order(power("off"));
  site.dispatcher.accept(order);
  site.clock.timer(5_000, () => site.dispatcher.cancel(order.id));
  expect(await site.ended(order.id)).toMatchObject({ failure: { kind: "cancelled" } });
  site.bmc.deaf = [];
  site.did.length = 0;
  expect(await site.run(power("off"))).toMatchObject(success(false));
  expect(site.acts()).toEqual(["power off"]);
});

test("power on sets the boot device to disk before it switches on", async () => {
  site.bmc.on = false;
  expect(await site.run(power("on"))).toMatchObject(success(true));
  expect(site.acts()).toEqual(["boot device disk", "power on"]);
});

test("power on does nothing when the host is on already", async () => {
  expect(await site.run(power("on"))).toMatchObject(success(true));
  expect(site.did).toEqual([]);
});

test("a reboot is off, boot device, on", async () => {
  expect(await site.run(power("reboot"))).toMatchObject(success(true));
  expect(site.acts()).toEqual(["power off", "boot device disk", "power on"]);
});

test.each(["power off", "boot device disk", "power on"])(
  "%s is not sent by an agent that is told of its copy while it logs in to the BMC [S26]",
  async (sent) => {
    site.bmc.fail = (call) => {
      if (call === sent) site.lease.closed(true);
      return undefined;
    };
    const left = failure("fenced", "The power was left alone: the control plane");
    expect(await site.run(power("reboot"))).toMatchObject(left);
    expect(site.acts()).not.toContain(sent);
  },
);

test("nor is what was given up meanwhile", async () => {
  const order = site.order(power("off"));
  site.bmc.fail = (call) => {
    if (call === "power off") site.dispatcher.cancel(order.id);
    return undefined;
  };
  site.dispatcher.accept(order);
  expect(await site.ended(order.id)).toMatchObject({ failure: { kind: "cancelled" } });
  expect(site.acts()).toEqual([]);
});

test("a soft power-off that works is never followed by a hard one", async () => {
  expect(await site.run(power("off", "soft"))).toMatchObject(success(false));
  expect(site.acts()).toEqual(["power soft"]);
});

test("a soft power-off falls back to hard after its bound", async () => {
  site.bmc.deaf = ["soft"];
  const before = site.clock.monotonicMs();
  expect(await site.run(power("off", "soft"))).toMatchObject(success(false));
  expect(site.acts()).toEqual(["power soft", "power off"]);
  expect(site.clock.monotonicMs() - before).toBeGreaterThanOrEqual(180_000);
});

test("a soft power-off waits for no BMC that refuses its password meanwhile, and cuts nothing [L13]", async () => {
  site.bmc.deaf = ["soft"];
  const before = site.clock.monotonicMs();
  site.bmc.fail = () => (site.clock.monotonicMs() > before + 20_000 ? "credentials" : undefined);
  expect(await site.run(power("off", "soft"))).toMatchObject(failure("bmc-credentials", ""));
  expect(site.acts()).toEqual(["power soft"]);
  expect(site.clock.monotonicMs() - before).toBeLessThan(30_000);
});

test("a soft power-off that the BMC cannot do falls back to hard at once", async () => {
  site.bmc.fail = (call) => (call === "power soft" ? "unsupported" : undefined);
  expect(await site.run(power("off", "soft"))).toMatchObject(success(false));
  expect(site.acts()).toEqual(["power off"]);
});

test("a power-off without effect fails and says so", async () => {
  site.bmc.deaf = ["off"];
  expect(await site.run(power("off"))).toMatchObject(
    failure("power-no-effect", "60 s later the power is still on"),
  );
});

test("looks that get no answer while the power changes are repeated", async () => {
  let reads = 0;
  site.bmc.fail = (call) =>
    call === "readPower" && ++reads > 1 && reads < 10 ? "unreachable" : undefined;
  expect(await site.run(power("off"))).toMatchObject(success(false));
});

test("a BMC that stays away after the action is told as unreachable", async () => {
  let reads = 0;
  site.bmc.fail = (call) => (call === "readPower" && ++reads > 1 ? "unreachable" : undefined);
  expect(await site.run(power("off"))).toMatchObject(failure("bmc-unreachable", "readPower"));
});

test("a BMC that refuses the boot device does not keep the host off", async () => {
  site.bmc.on = false;
  site.bmc.fail = (call) => (call.startsWith("boot device") ? "refused" : undefined);
  expect(await site.run(power("on"))).toMatchObject(success(true));
  expect(site.acts()).toEqual(["power on"]);
});

test("a session of a ramdisk does not outlive the power", async () => {
  site.sessions.connect();
  await site.run(power("reboot"));
  expect(site.sessions.session()).toBeUndefined();
});

describe("a host with disablePowerOff", () => {
  beforeEach(() => site.hold({ disablePowerOff: true }));

  test("is reset instead of switched off and on", async () => {
    expect(await site.run(power("reboot", "soft"))).toMatchObject(success(true));
    expect(site.acts()).toEqual(["boot device disk", "power reset"]);
  });

  test("is switched on when it is off", async () => {
    site.bmc.on = false;
    expect(await site.run(power("reboot"))).toMatchObject(success(true));
    expect(site.acts()).toEqual(["boot device disk", "power on"]);
  });

  test("is reset though its BMC lost a power-off, of which it may still show nothing", async () => {
    site.hold({ disablePowerOff: false });
    site.bmc.deaf = ["off"];
    expect(await site.run(power("off"))).toMatchObject(failure("power-no-effect", ""));
    site.hold({ disablePowerOff: true });
    expect(await site.run(power("reboot"))).toMatchObject(success(true));
    expect(site.acts()).toEqual(["power off", "boot device disk", "power reset"]);
  });

  test.each(["soft", "hard"] as const)("is never switched off, %s", async (mode) => {
    expect(await site.run(power("off", mode))).toMatchObject(failure("fenced", "disablePowerOff"));
    expect(site.acts()).toEqual([]);
  });
});

test("disablePowerOff that arrives before the fall-back keeps the hard power-off away", async () => {
  site.bmc.deaf = ["soft"];
  const order = site.order(power("off", "soft"));
  site.dispatcher.accept(order);
  site.clock.timer(60_000, () => site.hold({ disablePowerOff: true }));
  expect(await site.ended(order.id)).toMatchObject({ kind: "operation-failed" });
  expect(site.acts()).toEqual(["power soft"]);
});

describe("the fence before anything is done", () => {
  test.each(["paused", "detached"] as const)("refuses a %s host", async (hold) => {
    site.hold({ [hold]: true });
    expect(await site.run(power("reboot"))).toMatchObject(failure("fenced", hold));
    expect(site.acts()).toEqual([]);
  });

  test("refuses to set the boot device of a detached host, too", async () => {
    site.bmc.on = false;
    site.hold({ detached: true });
    expect(await site.run(power("on"))).toMatchObject(failure("fenced", "detached"));
    expect(site.acts()).toEqual([]);
  });

  test("refuses when the lease has run out", async () => {
    await site.clock.advance(20_000);
    site.renews = false;
    expect(await site.run(power("off"))).toMatchObject(failure("fenced", "lease"));
    expect(site.acts()).toEqual([]);
  });

  test("refuses an operation of an older revision", async () => {
    const order = site.order(power("off"));
    site.store();
    site.dispatcher.accept(order);
    expect(await site.ended(order.id)).toMatchObject(failure("fenced", "the host changed"));
    expect(site.acts()).toEqual([]);
  });

  test("is asked again before the hard fall-back of a soft power-off", async () => {
    site.bmc.deaf = ["soft"];
    const order = site.order(power("off", "soft"));
    site.dispatcher.accept(order);
    site.clock.timer(60_000, () => site.hold({ detached: true }));
    expect(await site.ended(order.id)).toMatchObject(failure("fenced", "the host changed"));
    expect(site.acts()).toEqual(["power soft"]);
  });

  test("refuses when the site's operator forbids it", async () => {
    site.guard.says = "the site guard protects the machine";
    expect(await site.run(power("off"))).toMatchObject(failure("guard", "protects"));
    expect(site.guard.asked).toEqual(["destroy"]);
    expect(site.acts()).toEqual([]);
  });

  test("counts a power-on as no destruction", async () => {
    site.bmc.on = false;
    await site.run(power("on"));
    expect(new Set(site.guard.asked)).toEqual(new Set(["touch"]));
  });
});

describe("an externally provisioned host", () => {
  beforeEach(() => site.hold({ externallyProvisioned: true }));

  test("has its power switched, and its boot device left alone", async () => {
    expect(await site.run(power("reboot"))).toMatchObject(success(true));
    expect(site.acts()).toEqual(["power off", "power on"]);
  });

  test("has its power left alone by anything but a converging order", async () => {
    expect(await site.run(power("off"), { class: "once" })).toMatchObject(
      failure("fenced", "externally provisioned"),
    );
    expect(site.acts()).toEqual([]);
  });
});

describe("a reboot that has cut the power", () => {
  test("switches on again though the control plane is gone", async () => {
    const order = site.order(power("reboot"));
    site.bmc.lagReads = 20;
    site.dispatcher.accept(order);
    site.renews = false;
    expect(await site.ended(order.id)).toMatchObject(success(true));
    expect(site.clock.monotonicMs()).toBeGreaterThan(15_000);
    expect(site.acts()).toEqual(["power off", "boot device disk", "power on"]);
  });

  test("stops when the host was detached meanwhile", async () => {
    const order = site.order(power("reboot"));
    site.bmc.lagReads = 20;
    site.dispatcher.accept(order);
    site.clock.timer(5_000, () => site.hold({ detached: true }));
    expect(await site.ended(order.id)).toMatchObject(failure("fenced", "detached"));
    expect(site.acts()).toEqual(["power off"]);
  });
});
