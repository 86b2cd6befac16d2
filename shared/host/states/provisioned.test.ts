// States provisioned and externally provisioned: power, reboots, and what ends the use of a host.
import { expect, test } from "vitest";
import {
  image,
  makeFact,
  makeHost,
  makeHostWorld,
  plainResult,
  type HostWorld,
} from "../../../test/support/host-world.ts";

const edit = (world: HostWorld, fields: object): void => {
  world.seen.host = { ...world.host, spec: { ...world.host.spec, ...fields } };
};
const annotate = (world: HostWorld, annotations: Record<string, string>): void => {
  world.seen.host = { ...world.host, metadata: { ...world.host.metadata, annotations } };
};
const provisioned = (spec: object = {}): HostWorld => {
  const world = makeHostWorld(makeHost({ image, ...spec }));
  world.reach("provisioned");
  world.settle();
  return world;
};
const external = (spec: object = {}): HostWorld => {
  const world = makeHostWorld(makeHost({ externallyProvisioned: true, ...spec }), {
    power: { on: true, atMs: 1 },
  });
  world.settle();
  world.succeed({ ...plainResult("register", undefined), on: true });
  return world;
};
const orders = (world: HostWorld) =>
  world.decisions.flatMap(({ command }) => command?.payload ?? []);

test("a provisioned host is settled, and says how the write went", () => {
  const world = provisioned();
  expect(world.settle().next).toEqual({ kind: "settled" });
});

test("a plain reboot is one power cycle, and the annotation goes [B74 S10]", () => {
  const world = provisioned();
  const before = orders(world).length;
  annotate(world, { "reboot.metal3.io": "" });
  world.settle();
  expect(world.ordered).toEqual({ kind: "power", want: "off", mode: "soft" });
  world.succeed({ kind: "power", on: false });
  expect(world.host.metadata.annotations).toEqual({});
  expect(world.ordered).toEqual({ kind: "power", want: "on", mode: "soft" });
  world.succeed({ kind: "power", on: true });
  expect(world.settle().next).toEqual({ kind: "settled" });
  expect(orders(world).slice(before)).toHaveLength(2);
  expect(world.events().slice(-2)).toEqual(["PowerOff", "PowerOn"]);
});

test("a reboot is not done twice while Kubernetes is slow to remove the annotation [S10]", () => {
  const world = provisioned();
  annotate(world, { "reboot.metal3.io": '{"mode":"hard"}' });
  world.kubernetesIsSlow = true;
  world.decide();
  expect(world.ordered).toEqual({ kind: "power", want: "off", mode: "hard" });
  world.succeed({ kind: "power", on: false });
  world.succeed({ kind: "power", on: true });
  expect(world.host.metadata.annotations).toHaveProperty(["reboot.metal3.io"]);
  expect(world.decide()).toMatchObject({ command: undefined, next: { kind: "settled" } });
  world.catchUp();
  annotate(world, { "reboot.metal3.io": "" });
  world.decide();
  annotate(world, {});
  world.decide();
});

test("a suffixed reboot holds the host off until every such key is gone [B75 B76]", () => {
  const world = provisioned();
  annotate(world, { "reboot.metal3.io/a": "", "reboot.metal3.io/b": "" });
  world.settle();
  world.succeed({ kind: "power", on: false });
  expect(world.settle().because.reason).toBe("HeldOff");
  annotate(world, { "reboot.metal3.io/b": "" });
  expect(world.settle().command).toBeUndefined();
  expect(world.host.metadata.annotations).toEqual({ "reboot.metal3.io/b": "" });
  annotate(world, {});
  world.settle();
  expect(world.ordered).toEqual({ kind: "power", want: "on", mode: "soft" });
});

test("power that changed by other hands is put right and reported [B79]", () => {
  const world = provisioned();
  world.seen.power = { on: false, atMs: world.seen.nowMs + 1 };
  world.settle();
  expect(world.host.status?.poweredOn).toBe(false);
  expect(world.ordered).toEqual({ kind: "power", want: "on", mode: "soft" });
});

test("a report from before the operation ended changes nothing", () => {
  const world = provisioned({ online: true });
  world.seen.power = { on: false, atMs: world.seen.nowMs - 5_000 };
  annotate(world, { "reboot.metal3.io": "" });
  world.settle();
  world.succeed({ kind: "power", on: false });
  world.succeed({ kind: "power", on: true });
  expect(world.settle().next).toEqual({ kind: "settled" });
});

test("a power operation that fails is a power management error, and the next is hard", () => {
  const world = provisioned();
  edit(world, { online: false });
  world.settle();
  const { next } = world.fail({ kind: "power-no-effect", message: "still on after 180 s" });
  expect(world.host.status).toMatchObject({
    errorType: "power management error",
    provisioning: { state: "provisioned" },
  });
  world.pass((next.kind === "wait" ? (next.wakeAtMs ?? 0) : 0) - world.seen.nowMs);
  expect(world.ordered).toEqual({ kind: "power", want: "off", mode: "hard" });
  world.succeed({ kind: "power", on: false });
  expect(world.host.status).toMatchObject({ errorMessage: "", errorCount: 0 });
});

test("unknown power is waited for, then asked for by an operation that reads first", () => {
  const world = external();
  world.seen.memory = { ...world.seen.memory!, power: undefined };
  world.seen.power = undefined;
  const decision = world.settle();
  expect(decision.because.reason).toBe("PowerUnknown");
  world.pass(60_000);
  expect(world.ordered).toMatchObject({ kind: "power", want: "on" });
});

test("disablePowerOff: a reboot is one reset, and nothing switches the host off [B99 S21]", () => {
  const world = provisioned({ disablePowerOff: true });
  annotate(world, { "reboot.metal3.io": "", "reboot.metal3.io/holder": "" });
  world.settle();
  expect(world.ordered).toEqual({ kind: "power", want: "reboot", mode: "soft" });
  world.succeed({ kind: "power", on: true });
  expect(world.host.metadata.annotations).toEqual({ "reboot.metal3.io/holder": "" });
  expect(world.settle().next).toEqual({ kind: "settled" });
  expect(world.events().at(-1)).toBe("Rebooted");
});

test.each([
  ["checksum", { image: { ...image, checksum: "b".repeat(64) } }],
  ["userData", { userData: { name: "cloud" } }],
  ["bootMode", { bootMode: "legacy" }],
  ["hints", { rootDeviceHints: { serialNumber: "D-2" } }],
])("a changed %s does nothing to a provisioned host [B47]", (_, fields) => {
  const world = provisioned();
  const before = world.settle();
  edit(world, fields);
  world.seen.secrets = { ...world.seen.secrets, userData: makeFact("userData", "cloud") };
  const after = world.settle();
  expect(after).toMatchObject({ command: undefined, next: { kind: "settled" } });
  expect(after.document).toEqual(before.document);
});

test("another URL deprovisions and provisions anew [B46]", () => {
  const world = provisioned();
  edit(world, { image: { ...image, url: "http://images.example/b.img" } });
  world.settle();
  expect(world.states.at(-1)).toBe("deprovisioning");
  world.reach("provisioned");
  expect(world.states.slice(-4)).toEqual([
    "deprovisioning",
    "available",
    "provisioning",
    "provisioned",
  ]);
});

test("the rebuild annotation writes the same image anew, once", () => {
  const world = provisioned();
  annotate(world, { "farrier.dev/rebuild": "" });
  world.settle();
  expect(world.states.at(-1)).toBe("deprovisioning");
  expect(world.host.metadata.annotations).toEqual({});
  world.reach("provisioned");
  expect(world.settle().next).toEqual({ kind: "settled" });
});

test("a rotated Secret is validated again, and the state stays [B17]", () => {
  const world = provisioned();
  world.seen.secrets = { ...world.seen.secrets, bmc: makeFact("bmc", "metal-0-bmc", "500") };
  world.settle();
  expect(world.ordered).toEqual({ kind: "register" });
  expect(world.host.status?.triedCredentials?.credentialsVersion).toBe("500");
  expect(world.host.status?.goodCredentials?.credentialsVersion).toBe("101");
  world.succeed(plainResult("register", undefined, "500"));
  expect(world.host.status?.goodCredentials?.credentialsVersion).toBe("500");
  expect(world.states.at(-1)).toBe("provisioned");
  expect(world.events().at(-1)).toBe("BMCAccessValidated");
  expect(world.events().filter((reason) => reason === "Registered")).toHaveLength(1);
});

test("a login that fails in use is an error type of its own, and goes when it works again", () => {
  const world = provisioned();
  world.seen.secrets = { ...world.seen.secrets, bmc: makeFact("bmc", "metal-0-bmc", "500") };
  world.settle();
  world.fail({ kind: "bmc-credentials" });
  expect(world.host.status).toMatchObject({
    errorType: "provisioned registration error",
    provisioning: { state: "provisioned", image },
  });
  world.seen.secrets = { ...world.seen.secrets, bmc: makeFact("bmc", "metal-0-bmc", "501") };
  world.settle();
  world.succeed(plainResult("register", undefined, "501"));
  expect(world.host.status).toMatchObject({ operationalStatus: "OK", errorMessage: "" });
});

test("a host in use whose BMC another host holds says so, and goes on when it is let go", () => {
  const world = provisioned();
  world.seen.claimConflict = "BMC 192.0.2.10:623/ is used by another host";
  edit(world, { image: undefined });
  world.settle();
  expect(world.ordered?.kind).toBe("provision");
  expect(world.host.status).toMatchObject({
    errorType: "provisioned registration error",
    errorMessage: "BMC 192.0.2.10:623/ is used by another host",
    provisioning: { state: "provisioned" },
  });
  world.seen.claimConflict = undefined;
  world.settle();
  expect(world.host.status).toMatchObject({ errorMessage: "" });
  expect(world.states).toContain("deprovisioning");
});

test("a spec that became invalid past the webhook is told, and goes on when it is corrected", () => {
  const world = provisioned();
  edit(world, { image: undefined, online: false, disablePowerOff: true });
  world.settle();
  expect(world.ordered?.kind).toBe("provision");
  expect(world.host.status).toMatchObject({
    errorType: "provisioned registration error",
    errorCount: 1,
    provisioning: { state: "provisioned" },
  });
  expect(world.host.status?.errorMessage).toContain("spec.disablePowerOff is true");
  edit(world, { disablePowerOff: false });
  world.settle();
  expect(world.host.status).toMatchObject({ errorMessage: "" });
  expect(world.states).toContain("deprovisioning");
});

test("an external host is never switched while its power is as online says", () => {
  const world = external();
  expect(orders(world)).toEqual([{ kind: "register" }]);
  edit(world, { online: false });
  world.settle();
  expect(world.ordered).toEqual({ kind: "power", want: "off", mode: "soft" });
});

test("clearing externallyProvisioned keeps a matching image and wipes without one [B90 B91]", () => {
  const kept = external({ image });
  edit(kept, { externallyProvisioned: false });
  kept.settle();
  expect(kept.states.at(-1)).toBe("provisioned");
  expect(kept.host.status?.provisioning.image).toEqual(image);
  expect(kept.host.status?.operationHistory?.provision).toEqual({});

  const emptied = external();
  edit(emptied, { externallyProvisioned: false });
  emptied.settle();
  expect(emptied.states.slice(-2)).toEqual(["externally provisioned", "deprovisioning"]);
  expect(emptied.ordered).toEqual({ kind: "inspect", afterwards: "stay" });
  emptied.reach("available");
  expect(orders(emptied).map(({ kind }) => kind)).toContain("clean");
});

test("an image that is named just after externallyProvisioned was cleared is written", () => {
  const world = external();
  edit(world, { externallyProvisioned: false });
  world.kubernetesIsSlow = true;
  world.decide();
  edit(world, { image });
  world.kubernetesIsSlow = false;
  world.catchUp();
  world.reach("provisioned");
  expect(orders(world).map(({ kind }) => kind)).toContain("provision");
  expect(world.settle().next).toEqual({ kind: "settled" });
});

test("a host that moves to another site logs in there before anything else", () => {
  const world = provisioned();
  world.seen.site = { kind: "site", name: "north", connection: "connected", lastSeenMs: 1 };
  expect(world.settle().because.reason).toBe("SealingSecret");
  const fact = makeFact("bmc", "metal-0-bmc", "101");
  const sealed = fact.sealed!;
  const context = { ...sealed.context, site: "north" };
  world.seen.secrets = { bmc: { ...fact, sealed: { ...sealed, context } } };
  world.settle();
  expect(world.ordered).toEqual({ kind: "register" });
  world.succeed({ ...plainResult("register", undefined), on: true });
  expect(world.settle().next).toEqual({ kind: "settled" });
});

test("a settled host says so when its site is not heard", () => {
  const world = provisioned();
  const lastSeenMs = world.seen.nowMs;
  world.seen.site = { kind: "site", name: "lab", connection: "unreachable", lastSeenMs };
  const decision = world.pass(600_000);
  expect(decision.because.message).toBe(
    "as desired when site lab was heard last, at 2026-11-01T12:00:00Z",
  );
  expect(world.host.status).toMatchObject({ operationalStatus: "OK", poweredOn: true });
});

test("a BMC that is taken out of the spec is missed, and a Secret of another name releases the old one", () => {
  const world = provisioned();
  edit(world, { bmc: undefined });
  world.settle();
  expect(world.host.status?.errorMessage).toContain("spec.bmc.address");
  edit(world, { bmc: { address: "ipmi://192.0.2.10", credentialsName: "other" } });
  world.seen.secrets = { bmc: makeFact("bmc", "other", "900") };
  world.settle();
  expect(world.writes).toContainEqual(
    expect.objectContaining({ kind: "release-secret", secretName: "metal-0-bmc" }),
  );
  expect(world.ordered).toEqual({ kind: "register" });
});
