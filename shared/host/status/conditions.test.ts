// The conditions of a host in each state, as upstream's table has them [B108], and the text of progress.
import { expect, test } from "vitest";
import { hardware, makeFact, makeHost, makeHostWorld } from "../../../test/support/host-world.ts";
import type { BareMetalHostStatus } from "../../metal3/bare-metal-host.ts";
import { bytesText, progressText, timeText } from "./operation-condition.ts";

const shown = (state: string, fields: object = {}, seen: object = {}): Record<string, string> => {
  const status: BareMetalHostStatus = {
    errorCount: 0,
    errorMessage: "",
    operationalStatus: "OK",
    poweredOn: true,
    provisioningFailCount: 0,
    lastUpdated: "2026-10-01T00:00:00Z",
    provisioning: { state, ID: "id", image: { url: "" } },
    ...fields,
  };
  const host = { ...makeHost(), status };
  const lastSeenMs = Date.parse("2026-11-01T11:00:00Z");
  const site = { kind: "site", name: "lab", connection: "unreachable", lastSeenMs } as const;
  const power = { on: true, atMs: 1 };
  const secrets = { bmc: makeFact("bmc", "metal-0-bmc", "101") };
  const { memory } = makeHostWorld(host, { hardware, site, secrets, power, ...seen }).decide();
  return Object.fromEntries(
    (memory.status.conditions ?? []).map(({ type, status: value, reason }) => [
      type,
      `${value.charAt(0)} ${reason}`,
    ]),
  );
};

const common = {
  AvailableForProvisioning: "F NotAvailable",
  Provisioned: "F NotProvisioned",
  Ready: "F NotProvisioned",
};

test.each([
  ["registering", { Manageable: "F Registering", ...common, Progressing: "T Registering" }],
  ["inspecting", { Manageable: "T Manageable", ...common, Progressing: "T Inspecting" }],
  ["preparing", { Manageable: "T Manageable", ...common, Progressing: "T Preparing" }],
  ["match profile", { Manageable: "T Manageable", ...common, Progressing: "T Preparing" }],
  [
    "available",
    {
      ...common,
      Manageable: "T Manageable",
      AvailableForProvisioning: "T Available",
      Progressing: "F NotProgressing",
    },
  ],
  ["provisioning", { Manageable: "T Manageable", ...common, Progressing: "T Provisioning" }],
  ["deprovisioning", { Manageable: "T Manageable", ...common, Progressing: "T Deprovisioning" }],
  [
    "powering off before delete",
    { Manageable: "T Manageable", ...common, Progressing: "T PoweringOffBeforeDelete" },
  ],
  ["deleting", { Manageable: "T Manageable", ...common, Progressing: "T Deleting" }],
])("the conditions in state %s are upstream's", (state, expected) => {
  const fields = state === "provisioning" ? { errorType: "provisioning error" } : {};
  expect(shown(state, fields)).toMatchObject(expected);
});

test.each([
  ["provisioned", {}],
  ["externally provisioned", { externallyProvisioned: true }],
])("the conditions in state %s are those of a host in use", (state, spec) => {
  const status: BareMetalHostStatus = {
    errorCount: 0,
    errorMessage: "",
    operationalStatus: "OK",
    poweredOn: true,
    provisioningFailCount: 0,
    lastUpdated: "2026-10-01T00:00:00Z",
    provisioning: { state, ID: "id", image: { url: "http://images.example/debian.qcow2" } },
  };
  const image = { url: "http://images.example/debian.qcow2", checksum: "a".repeat(64) };
  const world = makeHostWorld({ ...makeHost({ image, ...spec }), status });
  const conditions = world.decide().memory.status.conditions ?? [];
  expect(conditions[0]).toMatchObject({ type: "Ready", status: "True", reason: "Provisioned" });
  expect(conditions.find(({ type }) => type === "Progressing")?.reason).toBe("NotProgressing");
  expect(conditions.map(({ type }) => type)).toEqual([
    "Ready",
    "AvailableForProvisioning",
    "Manageable",
    "Progressing",
    "Provisioned",
    "farrier.dev/Operation",
  ]);
});

test("a host without BMC is managed by nobody", () => {
  const world = makeHostWorld(makeHost({ bmc: undefined }));
  world.settle();
  const conditions = world.host.status?.conditions ?? [];
  expect(conditions.find(({ type }) => type === "Manageable")?.reason).toBe("NotManaged");
});

test("an error makes a host not ready, and registration failed while it registers", () => {
  const failed = { operationalStatus: "error", errorType: "registration error", errorMessage: "x" };
  expect(shown("registering", failed)).toMatchObject({
    Manageable: "F RegistrationFailed",
    Ready: "F Error",
  });
  expect(shown("available", failed)).toMatchObject({ Ready: "F Error" });
});

test("a silent BMC is a power failure of the host", () => {
  const seen = { bmcProblem: "no answer from 192.0.2.10" };
  expect(shown("available", {}, seen)).toMatchObject({ Manageable: "F PowerFailure" });
  expect(shown("registering", {}, seen)).toMatchObject({ Manageable: "F Registering" });
});

test("a condition keeps its transition time until its status changes, and follows the generation", () => {
  const world = makeHostWorld();
  world.settle();
  const find = (type: string) => world.host.status?.conditions?.find((each) => each.type === type);
  const before = find("Provisioned");
  world.seen.host = {
    ...world.host,
    metadata: { ...world.host.metadata, generation: 2 },
    spec: { ...world.host.spec, description: "rack 7" },
  };
  world.pass(10_000);
  expect(find("Provisioned")).toEqual({ ...before, observedGeneration: 2 });
  world.reach("inspecting");
  expect(find("Manageable")).toMatchObject({
    status: "True",
    lastTransitionTime: "2026-11-01T12:00:10Z",
  });
});

test("lastUpdated moves only when something else does", () => {
  const world = makeHostWorld(makeHost({ bmc: undefined }));
  world.settle();
  const before = world.host.status?.lastUpdated;
  expect(world.pass(60_000).status).toBeUndefined();
  expect(world.host.status?.lastUpdated).toBe(before);
});

test("a condition of another type is kept", () => {
  const healthy = {
    type: "Healthy",
    status: "True",
    reason: "Healthy",
    message: "",
    lastTransitionTime: "2026-10-01T00:00:00Z",
  };
  expect(shown("available", { conditions: [healthy] })).toMatchObject({ Healthy: "T Healthy" });
});

test.each([
  [{ doneBytes: 0, totalBytes: 1024 }, "0 B of 1.0 KiB, 0 %"],
  [{ doneBytes: 2048 }, "2.0 KiB"],
  [{ doneBytes: 3, totalBytes: 3, bytesPerSecond: 1 }, "3 B of 3 B, 100 %, 1 B/s"],
  [{ detail: "waits for DHCP" }, "waits for DHCP"],
  [
    { doneBytes: 1024 ** 3, totalBytes: 4 * 1024 ** 3, bytesPerSecond: 1024 ** 2, detail: "sda" },
    "1.0 GiB of 4.0 GiB, 25 %, 1.0 MiB/s, 51 min 12 s left, sda",
  ],
  [{}, ""],
])("progressText writes %j", (progress, text) => {
  expect(progressText({ step: "Writing", atMs: 0, ...progress })).toBe(text);
});

test.each([
  [59, "59 s"],
  [60, "1 min"],
  [3_599, "59 min 59 s"],
  [3_600, "1 h"],
  [7_500, "2 h 5 min"],
])("timeText writes %d seconds as %s", (seconds, text) => {
  expect(timeText(seconds)).toBe(text);
});

test("bytesText has a unit for everything", () => {
  expect([1023, 1024, 5 * 1024 ** 4, 2 ** 53].map(bytesText)).toEqual([
    "1023 B",
    "1.0 KiB",
    "5.0 TiB",
    "8.0 PiB",
  ]);
});
