// State deprovisioning: a host comes back erased, or stays here until it is; and what the deletion of a host
// does to it, with a bound for every stage.
import { expect, test } from "vitest";
import {
  disks,
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
const remove = (world: HostWorld): void => {
  const metadata = { ...world.host.metadata, deletionTimestamp: "2026-11-01T13:00:00Z" };
  world.seen.host = { ...world.host, metadata };
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
const deprovisioning = (spec: object = {}): HostWorld => {
  const world = provisioned(spec);
  edit(world, { image: undefined });
  world.settle();
  return world;
};
const orders = (world: HostWorld) =>
  world.decisions.flatMap(({ command }) => command?.payload ?? []);
const passBackoff = (world: HostWorld): void => {
  const { next } = world.settle();
  world.pass((next.kind === "wait" ? (next.wakeAtMs ?? world.seen.nowMs) : 0) - world.seen.nowMs);
};

test("a removed image erases the disks and frees the host [B48]", () => {
  const world = deprovisioning();
  expect(world.ordered).toEqual({ kind: "clean", mode: "metadata", afterwards: "stay" });
  expect(world.settle().document?.allocation).toBe("");
  world.succeed(plainResult("clean", undefined));
  expect(world.states.slice(-2)).toEqual(["deprovisioning", "available"]);
  expect(world.host.status?.provisioning.image).toEqual({ url: "" });
  expect(world.seen.memory?.written).toBeUndefined();
  expect(world.events().slice(-2)).toEqual(["DeprovisioningStarted", "DeprovisioningComplete"]);
});

test.each([
  ["failed", (world: HostWorld) => world.fail({ kind: "disk", destroyed: true })],
  ["interrupted", (world: HostWorld) => world.fail({ kind: "interrupted", destroyed: true })],
  [
    "partly done",
    (world: HostWorld) => {
      const disk = disks[0]!;
      const report = { disk, ok: false, method: "", detail: "I/O error", erasedBytes: 0 };
      return world.succeed({ kind: "clean", on: true, disks: [report] });
    },
  ],
])("a cleaning that %s never makes the host available [S18]", (_, outcome) => {
  const world = deprovisioning();
  outcome(world);
  expect(world.host.status).toMatchObject({
    errorType: "provisioning error",
    provisioning: { state: "deprovisioning" },
  });
  passBackoff(world);
  expect(world.ordered?.kind).toBe("clean");
  world.succeed(plainResult("clean", undefined));
  expect(world.states.at(-1)).toBe("available");
  expect(world.host.status).toMatchObject({ errorMessage: "", errorCount: 0 });
});

test("disabled cleaning keeps the data, and stops the tenant's system [S19]", () => {
  const world = deprovisioning({ automatedCleaningMode: "disabled" });
  expect(world.ordered).toEqual({ kind: "power", want: "off", mode: "hard" });
  world.succeed({ kind: "power", on: false });
  expect(world.states.at(-1)).toBe("available");
  expect(orders(world).map(({ kind }) => kind)).not.toContain("clean");
});

test("cleaning that is disabled while it runs is given up", () => {
  const world = deprovisioning();
  edit(world, { automatedCleaningMode: "disabled" });
  world.settle();
  expect(world.seen.operation).toMatchObject({ kind: "clean", cancelled: true });
});

test("deleting an available host switches it off and lets it go [B93 B98]", () => {
  const world = makeHostWorld();
  world.reach("available");
  world.settle();
  remove(world);
  world.settle();
  expect(world.ordered).toEqual({ kind: "power", want: "off", mode: "hard" });
  const decision = world.succeed({ kind: "power", on: false });
  expect(world.states.slice(-2)).toEqual(["powering off before delete", "deleting"]);
  const kinds = world.writes.map(({ kind }) => kind);
  expect(kinds).toContain("release-hardware-data");
  expect(kinds).toContain("release-secret");
  expect(world.host.metadata.finalizers).toEqual([]);
  expect(decision).toMatchObject({ document: undefined, claims: [], next: { kind: "gone" } });
});

test("a host that becomes external past the webhook while it is given back keeps its disks, and says so", () => {
  const world = deprovisioning();
  world.fail({ kind: "fenced" });
  edit(world, { externallyProvisioned: true });
  const ordered = orders(world).length;
  passBackoff(world);
  expect(orders(world)).toHaveLength(ordered);
  expect(world.host.status).toMatchObject({
    operationalStatus: "error",
    errorType: "provisioning error",
    errorMessage: expect.stringContaining("spec.externallyProvisioned is true") as string,
  });
  edit(world, { externallyProvisioned: false });
  world.settle();
  expect(world.ordered?.kind).toBe("clean");
  world.succeed({ ...plainResult("clean", undefined), on: false });
  expect(world.host.status).toMatchObject({ operationalStatus: "OK", errorMessage: "" });
});

test("a machine that was never seen is not looked at either once its host is external", () => {
  const world = makeHostWorld(makeHost({ externallyProvisioned: true, online: false }));
  world.settle();
  world.succeed(plainResult("register", undefined, world.credentialsVersion()));
  edit(world, { externallyProvisioned: false });
  world.settle();
  expect(world.ordered?.kind).toBe("inspect");
  edit(world, { externallyProvisioned: true });
  const ordered = orders(world).length;
  world.fail({ kind: "fenced" });
  passBackoff(world);
  expect(orders(world)).toHaveLength(ordered);
  expect(world.host.status).toMatchObject({
    errorType: "provisioning error",
    errorMessage: expect.stringContaining("spec.externallyProvisioned is true") as string,
    provisioning: { state: "deprovisioning" },
  });
});

test("deleting a host whose inspection is stopped switches it off, though it was off before [S22]", () => {
  const world = makeHostWorld();
  world.reach("inspecting");
  world.seen.power = { on: false, atMs: world.seen.nowMs };
  world.settle();
  remove(world);
  world.settle();
  world.fail({ kind: "cancelled" });
  world.settle();
  expect(world.ordered).toEqual({ kind: "power", want: "off", mode: "hard" });
});

test("deleting a provisioned host erases it first [B94]", () => {
  const world = provisioned();
  remove(world);
  world.settle();
  expect(world.ordered).toEqual({ kind: "clean", mode: "metadata", afterwards: "power-off" });
  world.succeed({ ...plainResult("clean", undefined), on: false });
  expect(world.states.slice(-3)).toEqual([
    "deprovisioning",
    "powering off before delete",
    "deleting",
  ]);
  expect(world.settle().next).toEqual({ kind: "gone" });
});

test("deleting a host that registers is immediate [B95]", () => {
  const world = makeHostWorld();
  world.settle();
  remove(world);
  world.settle();
  expect(world.states.slice(-2)).toEqual(["registering", "deleting"]);
  expect(orders(world)).toEqual([{ kind: "register" }]);
});

test("deleting a host whose Secret is gone uses the last copy that the site can open [B96]", () => {
  const world = provisioned();
  const missing = { ...makeFact("bmc", "metal-0-bmc"), found: false, sealed: undefined };
  world.seen.secrets = { bmc: missing };
  remove(world);
  world.settle();
  expect(world.ordered?.kind).toBe("clean");
  expect(world.settle().document?.credentials?.context.secretVersion).toBe("101");
});

test("deleting a host whose Secret is gone completes when no copy is left [B96]", () => {
  const world = provisioned();
  const { credentials: _, ...memory } = world.seen.memory!;
  world.seen.memory = memory;
  const missing = { ...makeFact("bmc", "metal-0-bmc"), found: false, sealed: undefined };
  world.seen.secrets = { bmc: missing };
  remove(world);
  expect(world.settle().next).toEqual({ kind: "gone" });
  expect(world.events()).toEqual(
    expect.arrayContaining(["DeprovisioningGivenUp", "PowerOffGivenUp"]),
  );
});

test.each([
  ["is given up after four failures of each stage [B97]", undefined, 8],
  ["that its site knows of is tried once in the second stage [L8]", "no answer", 5],
])("an unreachable BMC %s", (_, bmcProblem, tries) => {
  const world = provisioned();
  remove(world);
  world.settle();
  const startMs = world.seen.nowMs;
  let tried = 0;
  world.seen.bmcProblem = bmcProblem;
  while (world.settle().next.kind !== "gone") {
    if (world.seen.operation === undefined) passBackoff(world);
    else {
      world.fail({ kind: "bmc-unreachable", message: "no answer" });
      tried += 1;
    }
    expect(tried).toBeLessThan(10);
  }
  expect(tried).toBe(tries);
  const boundMs = bmcProblem === undefined ? 30 * 60_000 : 15 * 60_000;
  expect(world.seen.nowMs - startMs).toBeLessThan(boundMs);
});

test("the last failure of a deletion's stage is not waited for: nothing is tried again [L8]", () => {
  const world = provisioned();
  remove(world);
  world.settle();
  for (const stage of ["powering off before delete", "deleting"] as const) {
    for (let left = 3; left > 0; left -= 1) {
      world.fail({ kind: "bmc-unreachable" });
      passBackoff(world);
    }
    const failure = { kind: "bmc-unreachable", message: "no answer", destroyed: false } as const;
    const { operation, nowMs: endedAtMs } = world.seen;
    world.seen.operation = { ...operation!, state: "failed", endedAtMs, failure };
    world.decide();
    expect(world.states.at(-1)).toBe(stage);
    world.settle();
  }
});

test("a cleaning that cannot be done is given up within 7 minutes where the BMC answers [L8]", () => {
  const world = provisioned();
  remove(world);
  world.settle();
  const startMs = world.seen.nowMs;
  while (world.states.at(-1) === "deprovisioning") {
    if (world.seen.operation === undefined) passBackoff(world);
    else world.fail({ kind: "identity", message: "another board" });
    world.settle();
  }
  expect(world.events()).toContain("DeprovisioningGivenUp");
  expect(world.seen.nowMs - startMs).toBeLessThan(7 * 60_000);
});

test.each(["bmc-login-budget", "image-address", "disk"] as const)(
  "a deletion does not wait as long as what failed before it (%s) [L8]",
  (kind) => {
    const world = deprovisioning();
    world.fail({ kind });
    world.pass(10_000);
    expect(world.settle().command).toBeUndefined();
    const ordered = orders(world).length;
    remove(world);
    world.settle();
    expect(orders(world).slice(ordered)).toMatchObject([{ kind: "clean" }]);
    world.fail({ kind });
    world.pass(10_000);
    world.settle();
    expect(orders(world)).toHaveLength(ordered + 1);
  },
);

test("force-delete removes the object without touching the machine", () => {
  const world = provisioned();
  const before = orders(world).length;
  world.seen.site = { kind: "site", name: "lab", connection: "unreachable", lastSeenMs: 1 };
  annotate(world, { "farrier.dev/force-delete": "" });
  remove(world);
  expect(world.settle().next).toEqual({ kind: "gone" });
  expect(orders(world).slice(before)).toEqual([]);
  expect(world.events()).toContain("ForcedDeletion");
});

test("disablePowerOff: a deleted host stays on [B99]", () => {
  const world = makeHostWorld(makeHost({ disablePowerOff: true }));
  world.reach("available");
  world.settle();
  remove(world);
  expect(world.settle().next).toEqual({ kind: "gone" });
  expect(orders(world)).not.toContainEqual(expect.objectContaining({ want: "off" }));
});

test("deletion in the middle of a write waits for it, then erases", () => {
  const world = makeHostWorld(makeHost({ image }));
  world.reach("provisioning");
  world.settle();
  remove(world);
  world.settle();
  expect(world.seen.operation).toMatchObject({ kind: "provision", cancelled: true });
  expect(world.states.at(-1)).toBe("deprovisioning");
  world.succeed(plainResult("provision", undefined));
  expect(world.ordered?.kind).toBe("clean");
  expect(world.host.status?.provisioning.image).toEqual({ url: "" });
});

test("an object that is gone from Kubernetes is forgotten, and its work given up", () => {
  const world = makeHostWorld(makeHost({ image }));
  world.reach("provisioning");
  world.settle();
  world.seen.deleted = true;
  const decision = world.decide();
  expect(decision).toMatchObject({ document: undefined, claims: [], next: { kind: "gone" } });
  expect(decision.cancel).toBe(world.seen.operation?.id);
});

test("a host that becomes externally provisioned while it is deleted is left as it is, and goes", () => {
  const world = provisioned();
  remove(world);
  world.settle();
  expect(world.ordered?.kind).toBe("clean");
  edit(world, { externallyProvisioned: true });
  world.settle();
  expect(world.states.at(-1)).toBe("powering off before delete");
  expect(world.decisions.some(({ cancel }) => cancel !== undefined)).toBe(true);
});
