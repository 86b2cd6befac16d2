// A host that this database does not know: Kubernetes' own word is believed, and nothing is switched, booted or
// written because of it.
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
} from "../../test/support/host-world.ts";
import type { BareMetalHostStatus } from "../metal3/bare-metal-host.ts";

const statusKey = "baremetalhost.metal3.io/status";

/** The status of a host that got as far as this under another database, or another operator. */
const statusIn = (state: string, fields: object = {}): BareMetalHostStatus => ({
  errorCount: 0,
  errorMessage: "",
  operationalStatus: "OK",
  poweredOn: true,
  provisioningFailCount: 0,
  lastUpdated: "2026-10-01T00:00:00Z",
  hardware,
  hardwareProfile: "unknown",
  goodCredentials: {
    credentials: { name: "metal-0-bmc", namespace: "metal" },
    credentialsVersion: "101",
  },
  ...fields,
  provisioning: { state, ID: "an-old-id", image: { url: "" }, ...provisioningOf(fields) },
});
const provisioningOf = (fields: object): object =>
  "provisioning" in fields && typeof fields.provisioning === "object"
    ? (fields.provisioning ?? {})
    : {};

const strange = (status: BareMetalHostStatus, spec: object = {}): HostWorld => {
  const host = { ...makeHost(spec), status };
  return makeHostWorld(host, { hardware, power: { on: true, atMs: 1 }, secrets: facts() });
};
const facts = () => ({ bmc: makeFact("bmc", "metal-0-bmc", "101") });
const orders = (world: HostWorld) =>
  world.decisions.flatMap(({ command }) => command?.payload ?? []);
/** After the second that the label on the Secret may take to show. */
const logIn = (world: HostWorld): void => {
  world.pass(1_000);
  world.succeed({ ...plainResult("register", undefined), on: true });
};

test("a provisioned host that is adopted is looked at only [S23]", () => {
  const status = statusIn("provisioned", { provisioning: { image } });
  const world = strange(status, { image });
  world.settle();
  logIn(world);
  expect(orders(world)).toEqual([{ kind: "register" }]);
  expect(world.states.every((state) => state === "provisioned")).toBe(true);
  expect(world.settle()).toMatchObject({
    next: { kind: "settled" },
    document: {
      disks,
      identity: { macs: ["52:54:00:00:00:01"], serialNumber: "M-1" },
      allocation: expect.stringMatching(/^[0-9a-f]{64}$/),
    },
  });
  expect(world.host.status?.provisioning.image).toEqual(image);
});

test("a lost database gives numbers above those that agents know", () => {
  const world = makeHostWorld(makeHost({ image }));
  world.reach("provisioned");
  const { revision, operationCount } = world.settle().memory;
  world.seen.memory = undefined;
  world.seen.nowMs += 60_000;
  const decision = world.settle();
  expect(decision.memory.revision).toBeGreaterThan(revision);
  expect(decision.memory.operationCount).toBeGreaterThan(operationCount);
});

test.each(["available", "ready"])("an adopted %s host is not erased again", (state) => {
  const world = strange(
    statusIn(state, { provisioning: { rootDeviceHints: { deviceName: "/dev/sda" } } }),
  );
  world.settle();
  logIn(world);
  expect(orders(world)).toEqual([{ kind: "register" }]);
  expect(world.host.status?.provisioning.state).toBe("available");
});

test("an adopted available host is not erased when its hints change either", () => {
  const world = strange(statusIn("available"), { rootDeviceHints: { serialNumber: "D-2" } });
  world.settle();
  logIn(world);
  expect(world.states).toEqual(["available", "preparing", "available"]);
  expect(orders(world)).toEqual([{ kind: "register" }]);
});

test("the decision that adopts a host orders no power, even in the middle of its deletion", () => {
  const deletionTimestamp = "2026-11-01T11:00:00Z";
  const status = statusIn("powering off before delete");
  const metadata = { deletionTimestamp, finalizers: ["baremetalhost.metal3.io"] };
  const world = makeHostWorld(
    { ...makeHost({}, metadata), status },
    {
      power: { on: true, atMs: 1 },
      secrets: facts(),
    },
  );
  expect(world.decide()).toMatchObject({ command: undefined, because: { reason: "Adopting" } });
  world.decide();
  expect(world.ordered).toEqual({ kind: "power", want: "off", mode: "hard" });
});

/** A host that was being written, and whose site has been asked how that ended. */
function asked(): HostWorld {
  const world = strange(statusIn("provisioning", { lastAttemptedImage: image }), { image });
  world.settle();
  const upToRevision = (world.seen.memory?.revision ?? 0) - 1;
  logIn(world);
  expect(orders(world)).toEqual([{ kind: "register" }, { kind: "recall", upToRevision }]);
  return world;
}
const lastWrite = { allocation: "a", image, bootMode: "UEFI" } as const;

test("an adopted host in the middle of a write is written when its site knows of no write", () => {
  const world = asked();
  world.succeed({ kind: "recall", isKnown: true });
  expect(world.ordered?.kind).toBe("provision");
  world.reach("provisioned");
});

test("an adopted host in the middle of a write is provisioned when its site knows that the write succeeded", () => {
  const world = asked();
  const written = { contentDigest: "d", disk: disks[0]! };
  world.succeed({ kind: "recall", isKnown: true, write: { ...lastWrite, written } });
  expect(world.states.at(-1)).toBe("provisioned");
  expect(orders(world)).toHaveLength(2);
  expect(world.seen.memory?.written).toEqual({ ...lastWrite, ...written });
});

test("an adopted host is erased and written when what its site wrote last is another image", () => {
  const world = asked();
  const other = { ...lastWrite, image: { ...image, url: "http://images.example/older.img" } };
  const written = { contentDigest: "d", disk: disks[0]! };
  world.succeed({ kind: "recall", isKnown: true, write: { ...other, written } });
  expect(world.ordered?.kind).toBe("clean");
  world.reach("provisioned");
  expect(world.seen.memory?.written).toMatchObject({ image });
});

test("an adopted host in the middle of a write is given back when its site knows that the write was interrupted", () => {
  const world = asked();
  const failure = { kind: "interrupted", message: "it stopped", destroyed: true } as const;
  world.succeed({ kind: "recall", isKnown: true, write: { ...lastWrite, failure } });
  world.pass(3_600_000);
  expect(world.states.at(-1)).toBe("deprovisioning");
  world.reach("provisioned");
});

test("a site that could not be asked about a write is asked again", () => {
  const world = asked();
  world.fail({ kind: "internal" });
  world.pass(3_600_000);
  expect(orders(world).map(({ kind }) => kind)).toEqual(["register", "recall", "recall"]);
});

test.each([
  ["knows nothing of it", (world: HostWorld) => world.succeed({ kind: "recall", isKnown: false })],
  ["cannot tell", (world: HostWorld) => world.fail({ kind: "unsupported" })],
])(
  "an adopted host in the middle of a write waits for a person's word when its site %s",
  (_, answer) => {
    const world = asked();
    answer(world);
    world.pass(3_600_000);
    expect(orders(world)).toHaveLength(2);
    expect(world.host.status).toMatchObject({
      errorType: "provisioning error",
      provisioning: { state: "provisioning" },
    });
    expect(world.host.status?.errorMessage).toContain("farrier.dev/retry");
    const metadata = { ...world.host.metadata, annotations: { "farrier.dev/retry": "" } };
    world.seen.host = { ...world.host, metadata };
    world.settle();
    expect(world.states.at(-1)).toBe("deprovisioning");
    world.reach("provisioned");
  },
);

test("a new image is a person's word, too", () => {
  const world = asked();
  const spec = { ...world.host.spec, image: { ...image, url: "http://images.example/b.img" } };
  world.seen.host = { ...world.host, spec };
  world.settle();
  world.fail({ kind: "cancelled" });
  world.pass(2_000);
  expect(world.states.at(-1)).toBe("deprovisioning");
});

test.each([
  ["inspecting", "inspect"],
  ["deprovisioning", "clean"],
  ["match profile", "clean"],
])("an adopted host in %s goes on with %s after the login", (state, kind) => {
  const world = strange(statusIn(state));
  world.settle();
  logIn(world);
  expect(orders(world).map((payload) => payload.kind)).toEqual(["register", kind]);
});

test("an adopted host whose HardwareData was never written gets it from its status", () => {
  const writes = (status: BareMetalHostStatus, known: object): readonly string[] => {
    const host = { ...makeHost(), status };
    const world = makeHostWorld(host, { secrets: facts(), ...known });
    world.settle();
    return world.decisions.flatMap((decision) => decision.writes.map((write) => write.kind));
  };
  expect(writes(statusIn("preparing"), {})).toContain("hardware-data");
  expect(writes(statusIn("preparing"), { hardware })).not.toContain("hardware-data");
  expect(writes(statusIn("preparing", { hardware: undefined }), {})).not.toContain("hardware-data");
});

test.each([
  ["available", {}, { identity: { macs: identity.macs }, disks }],
  ["inspecting", {}, {}],
  ["available", { inspectionMode: "disabled" }, {}],
])("HardwareData that comes after an adoption in %s with %o pins %o", (state, spec, pins) => {
  const host = { ...makeHost(spec), status: statusIn(state, { hardware: undefined }) };
  const world = makeHostWorld(host, { secrets: facts() });
  world.settle();
  expect(world.seen.memory?.identity).toBeUndefined();
  world.seen.hardware = hardware;
  world.settle();
  expect(world.host.status?.hardware).toEqual(hardware);
  const { identity: seen, disks: pinned } = world.seen.memory ?? {};
  expect({
    ...(seen === undefined ? {} : { identity: { macs: seen.macs } }),
    ...(pinned === undefined ? {} : { disks: pinned }),
  }).toEqual(pins);
});

test("the status annotation restores a host, and is taken away [B87]", () => {
  const status = JSON.stringify(statusIn("provisioned", { provisioning: { image } }));
  const world = makeHostWorld(makeHost({ image }, { annotations: { [statusKey]: status } }), {
    hardware,
    power: { on: true, atMs: 1 },
    secrets: facts(),
  });
  world.settle();
  logIn(world);
  expect(world.states).toEqual(["provisioned"]);
  expect(world.host.metadata.annotations).toEqual({});
  expect(orders(world)).toEqual([{ kind: "register" }]);
});

test("the status annotation is dropped when a status exists [B88]", () => {
  const annotation = JSON.stringify(statusIn("available"));
  const host = {
    ...makeHost({ image }, { annotations: { [statusKey]: annotation } }),
    status: statusIn("provisioned", { provisioning: { image } }),
  };
  const world = makeHostWorld(host, { secrets: facts(), power: { on: true, atMs: 1 } });
  world.settle();
  expect(world.host.status?.provisioning.state).toBe("provisioned");
  expect(world.host.metadata.annotations).toEqual({});
});

test.each(["{", '{"provisioning":{"state":1}}'])(
  "a status annotation that cannot be read holds the host until it is corrected: %s [S23 B38]",
  (text) => {
    const world = makeHostWorld(makeHost({}, { annotations: { [statusKey]: text } }), {
      secrets: facts(),
    });
    const decision = world.settle();
    expect(decision).toMatchObject({ command: undefined, document: undefined, claims: [] });
    expect(world.host.status?.errorMessage).toContain(statusKey);
    expect(world.host.metadata.annotations).toHaveProperty([statusKey]);
    const correct = JSON.stringify(statusIn("provisioned", { provisioning: { image } }));
    const metadata = { ...world.host.metadata, annotations: { [statusKey]: correct } };
    world.seen.host = { ...world.host, metadata };
    world.settle();
    expect(world.host.status?.provisioning.state).toBe("provisioned");
  },
);

test("a state of a newer version is left alone, and named", () => {
  const world = strange(statusIn("levitating"));
  const decision = world.settle();
  expect(decision).toMatchObject({ command: undefined, document: undefined });
  expect(decision.because.message).toContain('"levitating"');
});

test("an adopted external host that runs is not touched", () => {
  const world = strange(statusIn("externally provisioned"), { externallyProvisioned: true });
  world.settle();
  logIn(world);
  expect(orders(world)).toEqual([{ kind: "register" }]);
});

test("an adopted host that only registers lets a host that holds its machine come first [S8]", () => {
  const world = strange(statusIn("registering", { hardware: undefined, goodCredentials: {} }));
  expect(world.settle()).toMatchObject({ document: undefined, claims: [], command: undefined });
  expect(world.pass(59_999)).toMatchObject({ document: undefined, claims: [] });
  world.pass(1);
  expect(world.ordered).toEqual({ kind: "register" });
});

test("a document that the site may hold of an adopted host is removed with the host, though it was paused", () => {
  const world = strange(statusIn("inspecting"));
  const annotations = { "baremetalhost.metal3.io/paused": "" };
  world.seen.host = { ...world.host, metadata: { ...world.host.metadata, annotations } };
  const { memory } = world.settle();
  expect(memory.documentHash).not.toBe("");
  world.seen.deleted = true;
  const gone = world.decide();
  expect(gone).toMatchObject({ document: undefined, next: { kind: "gone" } });
  expect(gone.memory.revision).toBeGreaterThan(memory.revision);
});

test("a paused host that is adopted claims the machine that it has, and its site may not touch it [S2 S8]", () => {
  const world = strange(statusIn("provisioned"));
  const annotations = { "baremetalhost.metal3.io/paused": "" };
  world.seen.host = { ...world.host, metadata: { ...world.host.metadata, annotations } };
  expect(world.settle()).toMatchObject({
    document: { hold: { paused: true } },
    claims: [{ kind: "bmc" }, { kind: "mac" }],
    command: undefined,
    writes: [],
  });
});
