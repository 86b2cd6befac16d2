// Hands off: paused freezes everything, detached lets nothing touch the machine; both reach the site at once.
import { expect, test } from "vitest";
import {
  image,
  makeHost,
  makeHostWorld,
  plainResult,
  type HostWorld,
} from "../../../test/support/host-world.ts";

const detached = "baremetalhost.metal3.io/detached";
const paused = "baremetalhost.metal3.io/paused";

const annotate = (world: HostWorld, annotations: Record<string, string>): void => {
  world.seen.host = { ...world.host, metadata: { ...world.host.metadata, annotations } };
};
const remove = (world: HostWorld): void => {
  const metadata = { ...world.host.metadata, deletionTimestamp: "2026-11-01T13:00:00Z" };
  world.seen.host = { ...world.host, metadata };
};
const reached = (state: "inspecting" | "available" | "provisioning" | "provisioned"): HostWorld => {
  const world = makeHostWorld(makeHost(state === "available" ? {} : { image }));
  world.reach(state);
  world.settle();
  return world;
};
const orders = (world: HostWorld) =>
  world.decisions.flatMap(({ command }) => command?.payload ?? []);

test.each(["", "true", "false", "yes please"])(
  "detached works by presence, also with value %j [B80]",
  (value) => {
    const world = reached("provisioned");
    annotate(world, { [detached]: value });
    const decision = world.settle();
    expect(world.host.status).toMatchObject({
      operationalStatus: "detached",
      provisioning: { state: "provisioned", image },
    });
    expect(decision.document?.hold.detached).toBe(true);
    const conditions = world.host.status?.conditions ?? [];
    expect(conditions.find(({ type }) => type === "Ready")).toMatchObject({
      status: "False",
      reason: "Detached",
    });
  },
);

test("detaching waits for what runs, and holds it back at once [S3]", () => {
  const world = reached("provisioned");
  const spec = { ...world.host.spec, online: false };
  world.seen.host = { ...world.host, spec };
  world.settle();
  annotate(world, { [detached]: "" });
  const decision = world.settle();
  expect(decision.document?.hold.detached).toBe(true);
  expect(world.seen.operation).toMatchObject({ kind: "power", cancelled: true });
  expect(world.host.status?.operationalStatus).not.toBe("detached");
  world.fail({ kind: "fenced" });
  expect(world.host.status?.operationalStatus).toBe("detached");
  expect(world.host.status?.errorType).toBeUndefined();
});

test("a host that is inspected is detached when forced only [B81]", () => {
  const world = reached("inspecting");
  annotate(world, { [detached]: "" });
  expect(world.settle().document?.hold.detached).toBe(false);
  expect(world.seen.operation).toMatchObject({ kind: "inspect", cancelled: false });
  annotate(world, { [detached]: '{"force":true}' });
  world.settle();
  world.fail({ kind: "cancelled" });
  expect(world.host.status).toMatchObject({
    operationalStatus: "detached",
    provisioning: { state: "inspecting" },
  });
});

test("nothing is ordered for a detached host, whatever its spec says", () => {
  const world = reached("provisioned");
  annotate(world, { [detached]: "" });
  world.settle();
  const before = orders(world).length;
  world.seen.host = {
    ...world.host,
    spec: { ...world.host.spec, image: undefined, online: false },
  };
  world.seen.power = { on: true, atMs: world.seen.nowMs + 5 };
  world.pass(3_600_000);
  expect(orders(world)).toHaveLength(before);
});

test("a host that is attached again is registered anew, not provisioned anew [B84]", () => {
  const world = reached("provisioned");
  const history = world.host.status?.operationHistory?.provision;
  annotate(world, { [detached]: "" });
  world.settle();
  annotate(world, {});
  world.settle();
  expect(world.ordered).toEqual({ kind: "register" });
  world.succeed({ ...plainResult("register", undefined), on: true });
  expect(world.settle().next).toEqual({ kind: "settled" });
  expect(world.host.status).toMatchObject({ operationalStatus: "OK" });
  expect(world.host.status?.operationHistory?.provision).toEqual(history);
});

test("the power of a host that is attached again is not what was reported before it was detached", () => {
  const world = makeHostWorld(makeHost({ image }));
  world.seen.power = { on: false, atMs: world.seen.nowMs };
  world.reach("provisioned");
  world.settle();
  expect(world.host.status?.poweredOn).toBe(true);
  annotate(world, { [detached]: "" });
  world.settle();
  annotate(world, {});
  world.settle();
  expect(world.ordered).toEqual({ kind: "register" });
  world.settle();
  expect(world.host.status?.poweredOn).toBe(true);
});

test("a write that was detached by force is finished after the host is attached again", () => {
  const world = reached("provisioning");
  annotate(world, { [detached]: '{"force":true}' });
  world.settle();
  world.fail({ kind: "cancelled" });
  annotate(world, {});
  world.settle();
  world.succeed(plainResult("register", undefined));
  world.pass(2_000);
  world.reach("provisioned");
});

test.each(["provisioned", "inspecting"] as const)(
  "a detached host in %s is deleted without touching the machine [B82 S22]",
  (state) => {
    const world = reached(state);
    annotate(world, { [detached]: "" });
    const before = orders(world).length;
    remove(world);
    expect(world.settle().next).toEqual({ kind: "gone" });
    expect(orders(world)).toHaveLength(before);
    expect(world.states.at(-1)).toBe("deleting");
    expect(world.states).not.toContain("deprovisioning");
  },
);

test("deleteAction delay holds the deletion until it is changed [B83]", () => {
  const world = reached("provisioned");
  annotate(world, { [detached]: '{"deleteAction":"delay"}' });
  world.settle();
  remove(world);
  expect(world.pass(3_600_000)).toMatchObject({
    command: undefined,
    because: { reason: "Detached", message: expect.stringContaining("deleteAction") },
  });
  annotate(world, { [detached]: '{"deleteAction":"delete"}' });
  expect(world.settle().next).toEqual({ kind: "gone" });
});

test("deleteAction delay lets no new write begin on a host that is not detached yet [S22]", () => {
  const world = reached("provisioning");
  annotate(world, { [detached]: '{"deleteAction":"delay"}' });
  remove(world);
  world.fail({ kind: "boot-timeout" });
  const before = orders(world).length;
  expect(world.pass(3_600_000)).toMatchObject({
    command: undefined,
    because: { reason: "DeletionDelayed", message: expect.stringContaining("deleteAction") },
  });
  expect(orders(world)).toHaveLength(before);
  annotate(world, {});
  world.settle();
  expect(world.states).toContain("deprovisioning");
});

test("a delayed deletion without its annotation goes the usual way", () => {
  const world = reached("provisioned");
  annotate(world, { [detached]: '{"deleteAction":"delay"}' });
  world.settle();
  remove(world);
  world.settle();
  annotate(world, {});
  world.settle();
  expect(world.states.at(-1)).toBe("deprovisioning");
});

test("paused freezes everything, deletion too, and tells the site [B86 S2]", () => {
  const world = reached("provisioned");
  const writes = world.writes.length;
  annotate(world, { [paused]: "metal3.io/capm3" });
  remove(world);
  world.seen.host = { ...world.host, spec: { ...world.host.spec, image: undefined } };
  const decision = world.pass(3_600_000);
  expect(decision).toMatchObject({
    command: undefined,
    status: undefined,
    writes: [],
    document: { hold: { paused: true } },
    because: { reason: "Paused" },
  });
  expect(world.writes).toHaveLength(writes);
});

test("the outcome of work that ended while paused counts afterwards", () => {
  const world = reached("provisioning");
  annotate(world, { [paused]: "" });
  world.settle();
  const running = world.seen.operation!;
  world.seen.operation = {
    ...running,
    state: "succeeded",
    result: plainResult("provision", undefined),
  };
  expect(world.settle().consumed).toBeUndefined();
  annotate(world, {});
  world.settle();
  expect(world.states.at(-1)).toBe("provisioned");
});

test("a paused host that was never managed here claims nothing, so that it can be moved", () => {
  const world = makeHostWorld(makeHost({}, { annotations: { [paused]: "" } }));
  expect(world.settle()).toMatchObject({ document: undefined, claims: [], status: undefined });
});
