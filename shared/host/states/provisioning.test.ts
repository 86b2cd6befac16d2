// State provisioning: what is recorded is what was written; a spec that changes meanwhile stops the write; a
// failed one goes by way of deprovisioning, five times at most.
import { expect, test } from "vitest";
import {
  disks,
  image,
  makeFact,
  makeHost,
  makeHostWorld,
  plainResult,
  startMs,
  type HostWorld,
} from "../../../test/support/host-world.ts";

const otherImage = { ...image, url: "http://images.example/other.raw" };
const edit = (world: HostWorld, fields: object): void => {
  world.seen.host = { ...world.host, spec: { ...world.host.spec, ...fields } };
};
const provisioning = (spec: object = {}): HostWorld => {
  const world = makeHostWorld(makeHost({ image, ...spec }));
  if ("userData" in spec) {
    world.seen.secrets = { ...world.seen.secrets, userData: makeFact("userData", "cloud") };
  }
  world.reach("provisioning");
  world.settle();
  return world;
};
/** Lets the next attempt come. */
const passBackoff = (world: HostWorld): void => {
  const { next } = world.settle();
  world.pass((next.kind === "wait" ? (next.wakeAtMs ?? world.seen.nowMs) : 0) - world.seen.nowMs);
};

test("a write that succeeds is recorded with disk and digest [B42 B43 B44]", () => {
  const world = provisioning();
  const { allocation } = world.seen.memory ?? {};
  expect(allocation).toMatch(/^[0-9a-f]{64}$/);
  expect(world.seen.operation?.allocation).toBe(allocation);
  world.reach("provisioned");
  expect(world.host.status).toMatchObject({
    errorCount: 0,
    provisioningFailCount: 0,
    poweredOn: true,
    provisioning: { image, bootMode: "UEFI" },
  });
  expect(world.seen.memory?.written).toEqual({
    allocation,
    image,
    bootMode: "UEFI",
    rootDeviceHints: { serialNumber: "D-1" },
    contentDigest: "d".repeat(64),
    disk: disks[0],
  });
  const { document } = world.settle();
  expect(document?.allocation).toBe(allocation);
});

test("that a write succeeded is told with the state that follows, in one status", () => {
  const world = provisioning();
  const before = world.writes.length;
  world.succeed(plainResult("provision", undefined));
  const statuses = world.writes
    .slice(before)
    .flatMap((write) => (write.kind === "status" ? [write.status] : []));
  expect(statuses).toMatchObject([{ provisioning: { state: "provisioned" } }]);
  expect(statuses[0]?.conditions).toContainEqual(
    expect.objectContaining({ type: "farrier.dev/Operation", reason: "ProvisionSucceeded" }),
  );
});

test("nothing is ordered before Kubernetes shows provisioning", () => {
  const world = makeHostWorld();
  world.reach("available");
  world.settle();
  edit(world, { image });
  world.kubernetesIsSlow = true;
  const decision = world.decide();
  expect(decision.status?.provisioning.state).toBe("provisioning");
  expect(world.decide()).toMatchObject({ command: undefined, next: { awaited: ["write-back"] } });
  world.catchUp();
  expect(world.decide().command?.payload.kind).toBe("provision");
});

test("an image that is swapped while it is written stops the write and is never recorded as written", () => {
  const world = provisioning();
  const first = world.seen.operation;
  edit(world, { image: otherImage });
  const decision = world.settle();
  expect(world.seen.operation).toMatchObject({ id: first?.id, cancelled: true });
  expect(decision.document?.allocation).toBe("");
  expect(decision.memory.revision).toBeGreaterThan(first?.revision ?? 0);
  // It had passed its point of no return already.
  world.succeed(plainResult("provision", undefined));
  expect(world.host.status?.provisioning.image).toEqual(image);
  expect(world.states.slice(-2)).toEqual(["provisioned", "deprovisioning"]);
  world.reach("provisioned");
  expect(world.host.status?.provisioning.image).toEqual(otherImage);
});

test("a write that was stopped before it destroyed anything starts again with the new image", () => {
  const world = provisioning();
  edit(world, { image: otherImage });
  world.settle();
  world.fail({ kind: "fenced", message: "the host changed" });
  expect(world.host.status).toMatchObject({ errorCount: 0, provisioningFailCount: 0 });
  world.pass(2_000);
  expect(world.ordered).toMatchObject({ kind: "provision", image: otherImage });
  expect(world.states.at(-1)).toBe("provisioning");
});

test("a write that was stopped in the middle goes by way of deprovisioning", () => {
  const world = provisioning();
  edit(world, { image: otherImage });
  world.settle();
  world.fail({ kind: "cancelled", destroyed: true });
  expect(world.states.at(-1)).toBe("deprovisioning");
  expect(world.seen.operation?.kind).toBe("clean");
});

test("removing the image gives the write up", () => {
  const world = provisioning();
  edit(world, { image: undefined });
  world.settle();
  expect(world.seen.operation?.cancelled).toBe(true);
  world.fail({ kind: "cancelled" });
  world.pass(2_000);
  world.reach("available");
  expect(world.host.status?.provisioningFailCount).toBe(0);
});

test("changed user data starts an unfinished write again, a Secret that vanishes does not", () => {
  const world = provisioning({ userData: { name: "cloud" } });
  world.pass(1_000);
  const missing = { ...makeFact("userData", "cloud"), found: false };
  world.seen.secrets = { ...world.seen.secrets, userData: missing };
  world.settle();
  expect(world.seen.operation?.cancelled).toBe(false);
  const changed = makeFact("userData", "cloud", "777");
  world.seen.secrets = { ...world.seen.secrets, userData: changed };
  world.settle();
  expect(world.seen.operation?.cancelled).toBe(true);
});

test("a write waits for a Secret that was claimed just now, whose version changes by that", () => {
  const world = provisioning({ userData: { name: "cloud" } });
  expect(world.seen.operation).toBeUndefined();
  const labelled = makeFact("userData", "cloud", "101");
  world.seen.secrets = { ...world.seen.secrets, userData: labelled };
  world.settle();
  expect(world.ordered).toMatchObject({
    kind: "provision",
    userData: { context: { secretVersion: "101" } },
  });
});

test("online: false does not stop a write", () => {
  const world = provisioning();
  edit(world, { online: false });
  world.settle();
  expect(world.seen.operation).toMatchObject({ kind: "provision", cancelled: false });
});

test("a failed write is a provisioning error, then deprovisioning, then another try [B50]", () => {
  const world = provisioning();
  world.fail({ kind: "disk", message: "write error on /dev/sda", destroyed: true });
  expect(world.host.status).toMatchObject({
    errorType: "provisioning error",
    errorCount: 1,
    provisioning: { state: "provisioning", image: { url: "" } },
  });
  expect(world.host.status?.errorMessage).toContain("write error on /dev/sda");
  passBackoff(world);
  expect(world.states.at(-1)).toBe("deprovisioning");
  expect(world.host.status).toMatchObject({ errorMessage: "", provisioningFailCount: 1 });
  expect(world.ordered?.kind).toBe("clean");
  world.succeed(plainResult("clean", undefined));
  expect(world.states.slice(-2)).toEqual(["available", "provisioning"]);
});

test("a write that failed is erased first also where a login that failed after it is what was told last [S18]", () => {
  const world = provisioning();
  world.fail({ kind: "bmc-unreachable", destroyed: true });
  world.seen.secrets = { ...world.seen.secrets, bmc: makeFact("bmc", "metal-0-bmc", "102") };
  world.pass(1_000);
  expect(world.ordered?.kind).toBe("register");
  world.fail({ kind: "bmc-unreachable", destroyed: false });
  passBackoff(world);
  expect(world.ordered?.kind).toBe("register");
  world.succeed(plainResult("register", undefined, "102"));
  world.settle();
  expect(world.states.at(-1)).toBe("deprovisioning");
  expect(world.ordered?.kind).toBe("clean");
  world.reach("provisioned");
});

test("a write that failed before it destroyed anything needs no cleaning", () => {
  const world = provisioning();
  world.fail({ kind: "image-not-found", message: "404" });
  passBackoff(world);
  expect(world.states.slice(-3)).toEqual(["deprovisioning", "available", "provisioning"]);
  expect(world.decisions.filter(({ command }) => command?.payload.kind === "clean")).toHaveLength(
    1,
  );
});

test("after five failures the host waits for a person [B51 B52 B53]", () => {
  const world = provisioning();
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    world.fail({ kind: "image-not-found", message: "404" });
    passBackoff(world);
  }
  expect(world.states.at(-1)).toBe("available");
  expect(world.host.status).toMatchObject({
    errorType: "provisioning error",
    provisioningFailCount: 5,
  });
  expect(world.host.status?.errorMessage).toContain("gave up after 5 failures: 404");
  world.pass(3_600_000);
  expect(world.states.at(-1)).toBe("available");
  edit(world, { image: { ...image, checksum: "b".repeat(64) } });
  world.settle();
  expect(world.states.at(-1)).toBe("provisioning");
  expect(world.host.status?.provisioningFailCount).toBe(0);
});

test("removing the image forgets the failures [B53]", () => {
  const world = provisioning();
  world.fail({ kind: "image-not-found" });
  passBackoff(world);
  edit(world, { image: undefined });
  world.settle();
  world.fail({ kind: "cancelled" });
  world.pass(2_000);
  world.reach("available");
  world.settle();
  expect(world.host.status).toMatchObject({ provisioningFailCount: 0, errorMessage: "" });
});

test("a write whose outcome is unknown never counts as clean [S18 S34]", () => {
  const world = provisioning();
  world.fail({ kind: "interrupted", destroyed: true });
  expect(world.seen.memory?.clean).toBe(false);
  passBackoff(world);
  expect(world.ordered?.kind).toBe("clean");
});

test("an unreachable site keeps its running write, and since when is said", () => {
  const world = provisioning();
  world.seen.site = { kind: "site", name: "lab", connection: "unreachable", lastSeenMs: startMs };
  const decision = world.pass(600_000);
  expect(decision.cancel).toBeUndefined();
  expect(decision.because.message).toContain("has not been heard since 2026-11-01T12:00:00Z");
  expect(decision.next).toMatchObject({ awaited: ["operation", "site", "spec"] });
});

test("steps and progress are shown with bytes, percent, speed and time left, at most every 2 s", () => {
  const world = provisioning();
  const report = (doneBytes: number): void => {
    const progress = {
      step: "Writing",
      doneBytes,
      totalBytes: 4 * 1024 ** 3,
      bytesPerSecond: 100 * 1024 ** 2,
      atMs: world.seen.nowMs,
    };
    world.seen.operation = { ...world.seen.operation!, state: "running", progress };
  };
  const shown = () =>
    world.host.status?.conditions?.find(({ type }) => type === "farrier.dev/Operation");
  report(1024 ** 3);
  expect(world.settle().next).toMatchObject({ wakeAtMs: startMs + 2_000 });
  expect(shown()).toMatchObject({ status: "True", reason: "Provisioning" });
  world.pass(2_000);
  expect(shown()).toMatchObject({
    status: "True",
    reason: "Writing",
    message: "1.0 GiB of 4.0 GiB, 25 %, 100.0 MiB/s, 31 s left",
  });
  expect(world.events().at(-1)).toBe("Writing");
  report(2 * 1024 ** 3);
  const decision = world.pass(500);
  expect(shown()?.message).toContain("25 %");
  expect(decision.next).toMatchObject({ wakeAtMs: startMs + 4_000 });
  world.pass(1_500);
  expect(shown()?.message).toContain("50 %");
  expect(world.events().filter((reason) => reason === "Writing")).toHaveLength(1);
  world.succeed(plainResult("provision", undefined));
  expect(shown()).toMatchObject({ status: "False", reason: "ProvisionSucceeded" });
});
