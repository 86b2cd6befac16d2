// States inspecting and preparing: the hardware becomes known, pinned and clean before the host is offered.
import { expect, test } from "vitest";
import {
  disks,
  hardware,
  identity,
  makeFact,
  makeHost,
  makeHostWorld,
  plainResult,
  type HostWorld,
} from "../../../test/support/host-world.ts";

const becomeExternal = (world: HostWorld): void => {
  world.seen.host = { ...world.host, spec: { ...world.host.spec, externallyProvisioned: true } };
};
const annotated = (annotations: Record<string, string>, spec: object = {}) =>
  makeHost(spec, { annotations });

test("inspection writes HardwareData, status, architecture and the pins [B26 B27 B28]", () => {
  const world = makeHostWorld();
  world.reach("inspecting");
  world.settle();
  expect(world.ordered).toEqual({ kind: "inspect", afterwards: "stay" });
  expect(world.seen.operation).toMatchObject({ kind: "inspect" });
  world.succeed(plainResult("inspect", undefined));
  expect(world.seen.hardware).toEqual(hardware);
  expect(world.host.status?.hardware).toEqual(hardware);
  expect(world.host.spec.architecture).toBe("x86_64");
  expect(world.seen.memory).toMatchObject({ identity, disks });
  expect(world.decisions.at(-1)?.document).toMatchObject({ identity, disks });
  expect(world.events()).toContain("InspectionComplete");
});

test("inspection leaves an offline host off", () => {
  const world = makeHostWorld(makeHost({ online: false }));
  world.reach("inspecting");
  world.settle();
  expect(world.ordered).toEqual({ kind: "inspect", afterwards: "power-off" });
});

test("a failed inspection is an inspection error with the way out, tried again with patience [B37]", () => {
  const world = makeHostWorld();
  world.reach("inspecting");
  world.settle();
  const message = "power on ✓ 12:01, DHCP from 52:54:00:00:00:01 ✗";
  const { next } = world.fail({ kind: "boot-timeout", message });
  expect(world.host.status).toMatchObject({
    operationalStatus: "error",
    errorType: "inspection error",
    errorCount: 1,
    provisioning: { state: "inspecting" },
  });
  expect(world.host.status?.errorMessage).toContain(message);
  expect(world.host.status?.errorMessage).toContain("spec.bootMACAddress");
  world.pass((next.kind === "wait" ? (next.wakeAtMs ?? 0) : 0) - world.seen.nowMs);
  expect(world.seen.operation).toMatchObject({ kind: "inspect", attempt: 2 });
  world.reach("available");
  expect(world.host.status).toMatchObject({ errorMessage: "", errorCount: 0 });
});

test.each([
  ["spec.inspectionMode", makeHost({ inspectionMode: "disabled" })],
  ["the annotation", annotated({ "inspect.metal3.io": "disabled" })],
])(
  "inspection disabled by %s is skipped, and the machine is looked at before it is erased [B25]",
  (_, host) => {
    const world = makeHostWorld(host);
    world.reach("preparing");
    world.settle();
    expect(world.states).toEqual(["registering", "preparing"]);
    expect(world.ordered).toEqual({ kind: "inspect", afterwards: "stay" });
    world.succeed(plainResult("inspect", undefined));
    expect(world.ordered).toMatchObject({ kind: "clean" });
    world.reach("available");
    expect(world.host.status?.operationHistory?.inspect?.start).toBeUndefined();
    expect(world.host.status?.hardware).toBeUndefined();
    expect(world.seen.hardware).toBeUndefined();
  },
);

test("hardware from the annotation is taken when inspection is disabled [B30]", () => {
  const text = JSON.stringify(hardware);
  const world = makeHostWorld(
    annotated(
      { "inspect.metal3.io/hardwaredetails": text },
      { inspectionMode: "disabled", automatedCleaningMode: "disabled" },
    ),
  );
  world.reach("available");
  expect(world.host.status?.hardware).toEqual(hardware);
  expect(world.seen.hardware).toEqual(hardware);
  expect(world.host.metadata.annotations).toEqual({});
  expect(world.events()).toContain("UpdateHardwareDetails");
  expect(world.ordered?.kind).not.toBe("inspect");
});

test("a HardwareData that exists is taken when inspection is disabled [B31]", () => {
  const host = makeHost({ inspectionMode: "disabled", automatedCleaningMode: "disabled" });
  const world = makeHostWorld(host, { hardware });
  world.reach("available");
  expect(world.host.status?.hardware).toEqual(hardware);
});

test("the annotation is dropped unused when inspection knows better [B32]", () => {
  const world = makeHostWorld();
  world.reach("available");
  const annotations = { "inspect.metal3.io/hardwaredetails": '{"hostname":"other"}' };
  world.seen.host = { ...world.host, metadata: { ...world.host.metadata, annotations } };
  world.settle();
  expect(world.host.status?.hardware?.hostname).toBe("metal-0");
  expect(world.host.metadata.annotations).toEqual({});
  expect(world.events()).toContain("RemoveAnnotation");
});

test("inspection that is disabled while it runs is given up [B25]", () => {
  const world = makeHostWorld();
  world.reach("inspecting");
  world.settle();
  const spec = { ...world.host.spec, inspectionMode: "disabled" as const };
  world.seen.host = { ...world.host, spec };
  world.settle();
  expect(world.seen.operation).toMatchObject({ kind: "inspect", cancelled: true });
  world.fail({ kind: "cancelled" });
  expect(world.states.at(-1)).toBe("preparing");
  expect(world.events()).toContain("InspectionSkipped");
});

test("a forced reboot restarts a hanging inspection", () => {
  const world = makeHostWorld();
  world.reach("inspecting");
  world.settle();
  const first = world.seen.operation?.id;
  const annotations = { "reboot.metal3.io": '{"force":true}' };
  world.seen.host = { ...world.host, metadata: { ...world.host.metadata, annotations } };
  world.settle();
  expect(world.seen.operation).toMatchObject({ id: first, cancelled: true });
  world.fail({ kind: "cancelled" });
  world.pass(2_000);
  expect(world.seen.operation).toMatchObject({ kind: "inspect", attempt: 1 });
  expect(world.seen.operation?.id).not.toBe(first);
  expect(world.host.metadata.annotations).toEqual({});
  expect(world.host.status?.errorCount).toBe(0);
});

test("a forced reboot ends the wait after an inspection that failed, and is done with the next", () => {
  const world = makeHostWorld();
  world.reach("inspecting");
  world.settle();
  const first = world.seen.operation?.id;
  world.fail({ kind: "guard" });
  const annotations = { "reboot.metal3.io": '{"force":true}' };
  world.seen.host = { ...world.host, metadata: { ...world.host.metadata, annotations } };
  world.settle();
  expect(world.seen.operation).toMatchObject({ kind: "inspect", attempt: 1, cancelled: false });
  expect(world.seen.operation?.id).not.toBe(first);
  expect(world.host.metadata.annotations).toEqual({});
});

test("a reboot that holds the power off restarts no inspection", () => {
  const world = makeHostWorld();
  world.reach("inspecting");
  world.settle();
  const annotations = { "reboot.metal3.io/me": '{"force":true}' };
  world.seen.host = { ...world.host, metadata: { ...world.host.metadata, annotations } };
  world.settle();
  expect(world.seen.operation).toMatchObject({ kind: "inspect", cancelled: false });
});

test("the first cleaning erases all disks before the host is offered [S18]", () => {
  const world = makeHostWorld();
  world.reach("preparing");
  world.settle();
  expect(world.decisions.find(({ command }) => command?.payload.kind === "clean")?.command).toEqual(
    {
      payload: { kind: "clean", mode: "metadata", afterwards: "stay" },
      class: "once",
      validForMs: 3_600_000,
    },
  );
});

test("work that failed with a Secret that was corrected meanwhile does not wait: the new one is tried at once [L7]", () => {
  const world = makeHostWorld();
  world.reach("preparing");
  world.settle();
  world.seen.secrets = { ...world.seen.secrets, bmc: makeFact("bmc", "metal-0-bmc", "200") };
  world.fail({ kind: "bmc-credentials" });
  expect(world.host.status).toMatchObject({ operationalStatus: "OK", errorMessage: "" });
  world.pass(2_000);
  expect(world.ordered).toEqual({ kind: "register" });
  world.fail({ kind: "bmc-credentials" });
  expect(world.host.status?.errorType).toBe("registration error");
  const operations = world.seen.memory?.operationCount;
  world.pass(60_000);
  expect(world.seen.memory?.operationCount).toBe(operations);
});

test("a cleaning that could not erase a disk keeps the host from being offered [S18 S45]", () => {
  const world = makeHostWorld();
  world.reach("preparing");
  world.settle();
  const failed = {
    disk: disks[1] ?? disks[0]!,
    ok: false,
    method: "",
    detail: "I/O error",
    erasedBytes: 0,
  };
  world.succeed({ kind: "clean", on: true, disks: [failed] });
  expect(world.host.status).toMatchObject({
    errorType: "preparation error",
    provisioning: { state: "preparing" },
  });
  expect(world.host.status?.errorMessage).toContain("/dev/sdb (serial D-2, 40.0 GiB): I/O error");
  expect(world.seen.memory?.clean).toBe(false);
});

test("a cleaning that reports no disk proves nothing [S45]", () => {
  const world = makeHostWorld();
  world.reach("preparing");
  world.settle();
  world.succeed({ kind: "clean", on: true, disks: [] });
  expect(world.host.status?.errorType).toBe("preparation error");
});

test("disabled cleaning leaves the disks alone", () => {
  const world = makeHostWorld(makeHost({ automatedCleaningMode: "disabled" }));
  world.reach("available");
  const kinds = world.decisions.flatMap(({ command }) => command?.payload.kind ?? []);
  expect(kinds).toEqual(["register", "inspect"]);
});

test("RAID is refused openly [B64]", () => {
  const raid = { softwareRAIDVolumes: [{ level: "1" }] };
  const world = makeHostWorld(makeHost({ raid }));
  world.reach("preparing");
  world.settle();
  expect(world.host.status?.errorType).toBe("preparation error");
  expect(world.host.status?.errorMessage).toContain("spec.raid");
});

test.each(["inspecting", "preparing"] as const)(
  "a host that becomes external past the webhook while it is %s is handed over at once, and nothing more is done to it",
  (state) => {
    const world = makeHostWorld();
    world.reach(state);
    world.settle();
    const ordered = world.decisions.length;
    becomeExternal(world);
    world.settle();
    expect(world.seen.operation).toMatchObject({ cancelled: true });
    world.fail({ kind: "fenced" });
    world.seen.power = { on: true, atMs: world.seen.nowMs };
    world.settle();
    expect(world.states.slice(-2)).toEqual([state, "externally provisioned"]);
    expect(world.events().at(-1)).toBe("ExternallyProvisioned");
    world.pass(3_600_000);
    expect(world.decisions.slice(ordered).flatMap(({ command }) => command ?? [])).toEqual([]);
    expect(world.host.status).toMatchObject({ operationalStatus: "OK", errorMessage: "" });
  },
);

test("a host that becomes external while an inspection or a cleaning waits to be tried again is handed over", () => {
  for (const state of ["inspecting", "preparing"] as const) {
    const world = makeHostWorld();
    world.reach(state);
    world.settle();
    world.fail({ kind: "boot-timeout" });
    becomeExternal(world);
    world.settle();
    expect(world.states.at(-1)).toBe("externally provisioned");
    expect(world.host.status).toMatchObject({ errorMessage: "", errorCount: 0 });
  }
});

test("an inspection that ends just when its host becomes external is published, and nothing is erased", () => {
  const world = makeHostWorld();
  world.reach("inspecting");
  world.settle();
  becomeExternal(world);
  world.succeed(plainResult("inspect", undefined));
  expect(world.states.slice(-2)).toEqual(["inspecting", "externally provisioned"]);
  expect(world.seen.hardware).toEqual(hardware);
});

test("a cleaning that succeeds although its host became external does not count as clean [S18]", () => {
  const world = makeHostWorld();
  world.reach("preparing");
  world.settle();
  becomeExternal(world);
  world.succeed(plainResult("clean", undefined));
  expect(world.states.slice(-2)).toEqual(["preparing", "externally provisioned"]);
  expect(world.seen.memory?.clean).toBe(false);
});
