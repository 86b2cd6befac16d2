// State available: what starts a provisioning, what only changes the power, and what keeps a host here.
import { expect, test } from "vitest";
import {
  disks,
  hardware,
  identity,
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
const available = (spec: object = {}): HostWorld => {
  const world = makeHostWorld(makeHost(spec));
  world.reach("available");
  world.settle();
  return world;
};

test("an available host is switched on and off by online, and stays available [B38 B39]", () => {
  const world = available();
  expect(world.host.status?.poweredOn).toBe(true);
  edit(world, { online: false });
  world.settle();
  expect(world.ordered).toEqual({ kind: "power", want: "off", mode: "soft" });
  world.succeed({ kind: "power", on: false });
  expect(world.host.status).toMatchObject({
    poweredOn: false,
    provisioning: { state: "available" },
  });
  expect(world.events().at(-1)).toBe("PowerOff");
  edit(world, { online: true });
  world.settle();
  expect(world.ordered).toEqual({ kind: "power", want: "on", mode: "soft" });
});

test("an image alone starts nothing while the host shall be off [B40]", () => {
  const world = available({ online: false });
  world.succeed({ kind: "power", on: false });
  edit(world, { image });
  world.settle();
  expect(world.states.at(-1)).toBe("available");
  expect(world.settle().next).toEqual({ kind: "settled" });
});

test("an image starts provisioning, with the very disk that was chosen [B41 B45 S7]", () => {
  const world = available({ rootDeviceHints: { minSizeGigabytes: 30 } });
  edit(world, { image, userData: { name: "cloud" } });
  world.seen.secrets = { ...world.seen.secrets, userData: makeFact("userData", "cloud") };
  world.settle();
  world.pass(1_000);
  expect(world.states.at(-1)).toBe("provisioning");
  expect(world.host.status?.lastAttemptedImage).toEqual(image);
  expect(world.ordered).toMatchObject({
    kind: "provision",
    image,
    bootMode: "UEFI",
    rootDeviceHints: { serialNumber: disks[1]?.serialNumber },
    userData: { context: { purpose: "userData" } },
  });
  expect(
    world.decisions.find(({ command }) => command?.payload.kind === "provision")?.command,
  ).toMatchObject({
    class: "once",
  });
});

test("a missing Secret for user data keeps the host here, not counted as a failure [B54]", () => {
  const world = available();
  edit(world, { image, userData: { name: "cloud" } });
  const missing = { ...makeFact("userData", "cloud"), found: false };
  world.seen.secrets = { ...world.seen.secrets, userData: missing };
  world.settle();
  expect(world.host.status).toMatchObject({
    errorType: "provisioning error",
    provisioningFailCount: 0,
    provisioning: { state: "available" },
  });
  expect(world.host.status?.errorMessage).toContain('"cloud" for userData does not exist');
  world.seen.secrets = { ...world.seen.secrets, userData: makeFact("userData", "cloud") };
  world.settle();
  expect(world.states.at(-1)).toBe("provisioning");
});

test("network data falls back to the preprovisioning one [B56]", () => {
  const world = available();
  edit(world, { image, preprovisioningNetworkDataName: "net" });
  const preprovisioningNetworkData = makeFact("preprovisioningNetworkData", "net");
  world.seen.secrets = { ...world.seen.secrets, preprovisioningNetworkData };
  world.settle();
  world.pass(1_000);
  expect(world.ordered).toMatchObject({
    networkData: { context: { purpose: "preprovisioningNetworkData" } },
  });
});

test("hints that fit no disk or several are told with the disks [B22 S7]", () => {
  const world = available();
  edit(world, { image, rootDeviceHints: { serialNumber: "D-9" } });
  world.settle();
  world.pass(1_000);
  expect(world.host.status?.errorType).toBe("provisioning error");
  expect(world.host.status?.errorMessage).toContain("No disk fits");
  edit(world, { rootDeviceHints: { minSizeGigabytes: 10 } });
  world.settle();
  expect(world.host.status?.errorMessage).toContain("fit 2 disks");
});

test.each([
  ["a small one comes first", [1, 40, 8], "D-2"],
  ["the first is large enough", [20, 8], "D-0"],
  ["none is large", [1, 2], "D-0"],
])("without hints the image goes to the right disk where %s", (_which, sizes, serialNumber) => {
  const storage = sizes.map((gibibytes, at) => ({
    name: `/dev/sd${"abc".charAt(at)}`,
    serialNumber: `D-${at}`,
    sizeBytes: gibibytes * 1024 ** 3,
  }));
  const world = makeHostWorld(makeHost());
  world.reach("inspecting");
  world.succeed({
    kind: "inspect",
    on: true,
    hardware: { ...hardware, storage },
    identity,
    disks: storage,
  });
  world.reach("available");
  edit(world, { image });
  world.settle();
  world.pass(1_000);
  expect(world.ordered).toMatchObject({ kind: "provision", rootDeviceHints: { serialNumber } });
});

/** A report of work that counted as ended before it changed anything. */
const workLate = (world: HostWorld): void => {
  world.seen.memory = { ...world.seen.memory!, lateWork: "a.7" };
};

test("disks that late work changed are erased before the host is offered again [S18]", () => {
  const world = available();
  workLate(world);
  world.settle();
  expect(world.states.at(-1)).toBe("preparing");
  expect(world.ordered?.kind).toBe("clean");
  expect(world.events()).toContain("LateWork");
  world.succeed(plainResult("clean", undefined));
  expect(world.states.at(-1)).toBe("available");
  expect(world.seen.memory).toMatchObject({ clean: true });
  expect(world.seen.memory?.lateWork).toBeUndefined();
});

test("a cleaning that was ordered before the report of late work does not count for it [S18]", () => {
  const world = available();
  workLate(world);
  world.settle();
  workLate(world);
  world.succeed(plainResult("clean", undefined));
  expect(world.states.at(-1)).toBe("preparing");
  expect(world.ordered?.kind).toBe("clean");
});

test("late work moves nothing where cleaning is disabled [S19]", () => {
  const world = available({ automatedCleaningMode: "disabled" });
  workLate(world);
  world.settle();
  expect(world.states.at(-1)).toBe("available");
});

test("changed root device hints lead through preparing [B63]", () => {
  const world = available();
  expect(world.host.status?.provisioning.rootDeviceHints).toEqual({ deviceName: "/dev/sda" });
  edit(world, { rootDeviceHints: { serialNumber: "D-2" } });
  world.settle();
  expect(world.states.slice(-2)).toEqual(["preparing", "available"]);
  expect(world.host.status?.provisioning.rootDeviceHints).toEqual({ serialNumber: "D-2" });
  expect(world.decisions.filter(({ command }) => command?.payload.kind === "clean")).toHaveLength(
    1,
  );
});

test("the inspect annotation inspects again, and is taken away [B33 B35]", () => {
  const world = available();
  annotate(world, { "inspect.metal3.io": "" });
  world.settle();
  expect(world.states.at(-1)).toBe("inspecting");
  expect(world.host.metadata.annotations).toEqual({});
  const written = world.writes.filter(({ kind }) => kind === "hardware-data").length;
  world.succeed({
    kind: "inspect",
    on: true,
    hardware: { ...hardware, hostname: "renamed" },
    identity: { macs: ["52:54:00:00:00:01"] },
    disks,
  });
  world.reach("available");
  expect(world.host.status?.hardware?.hostname).toBe("renamed");
  expect(world.writes.filter(({ kind }) => kind === "hardware-data")).toHaveLength(written + 1);
});

test("the inspect annotation does not loop when inspection is disabled", () => {
  const world = available({ inspectionMode: "disabled" });
  annotate(world, { "inspect.metal3.io": "" });
  world.settle();
  expect(world.states.at(-1)).toBe("available");
  expect(world.events().at(-1)).toBe("InspectionSkipped");
});

test("a reboot of an available host needs force [B77]", () => {
  const world = available();
  annotate(world, { "reboot.metal3.io": "" });
  world.settle();
  expect(world.seen.operation).toBeUndefined();
  expect(world.host.metadata.annotations).toEqual({ "reboot.metal3.io": "" });
  annotate(world, { "reboot.metal3.io": '{"force":true,"mode":"hard"}' });
  world.settle();
  expect(world.ordered).toEqual({ kind: "power", want: "off", mode: "hard" });
});

test("externallyProvisioned takes an available host over without touching it [B92]", () => {
  const world = available();
  const before = world.decisions.length;
  edit(world, { externallyProvisioned: true });
  world.settle();
  expect(world.states.at(-1)).toBe("externally provisioned");
  const orders = world.decisions.slice(before).flatMap(({ command }) => command ?? []);
  expect(orders).toEqual([]);
});

test("what somebody put on a clean host's disks is erased before it is offered again [S18]", () => {
  const world = available();
  edit(world, { externallyProvisioned: true });
  world.settle();
  edit(world, { externallyProvisioned: false });
  world.settle();
  expect(world.states.at(-1)).toBe("deprovisioning");
  expect(world.ordered).toMatchObject({ kind: "clean" });
});

test.each([
  ["customDeploy", { customDeploy: { method: "install" } }],
  ["ftp", { image: { ...image, url: "ftp://h/a.img" } }],
  ["live-iso", { image: { url: "http://h/a.iso", format: "live-iso" } }],
])("what is not supported yet is said openly: %s", (word, spec) => {
  const world = available();
  edit(world, spec);
  world.settle();
  expect(world.host.status?.errorType).toBe("provisioning error");
  expect(world.host.status?.errorMessage).toContain(word);
  expect(world.states.at(-1)).toBe("available");
});

test("a changed boot mode counts at the next provisioning [B120]", () => {
  const world = available();
  edit(world, { bootMode: "legacy" });
  const decision = world.settle();
  expect(world.host.status?.provisioning.bootMode).toBe("UEFI");
  expect(decision.document?.bootMode).toBe("UEFI");
  edit(world, { image });
  world.settle();
  expect(world.host.status?.provisioning.bootMode).toBe("legacy");
  expect(world.ordered).toMatchObject({ bootMode: "legacy" });
});

test("a host whose finalizer was taken away is not touched before Kubernetes shows it again", () => {
  const world = available();
  world.kubernetesIsSlow = true;
  world.seen.host = { ...world.host, metadata: { ...world.host.metadata, finalizers: [] } };
  edit(world, { online: false });
  expect(world.decide()).toMatchObject({ command: undefined, because: { reason: "NoFinalizer" } });
  world.catchUp();
  expect(world.decide().command?.payload).toMatchObject({ kind: "power", want: "off" });
});
