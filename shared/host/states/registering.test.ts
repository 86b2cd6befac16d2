// States "", unmanaged and registering: what a host needs before its BMC is logged in to, and what is recorded.
import { expect, test } from "vitest";
import {
  hostUid,
  makeFact,
  makeHost,
  makeHostWorld,
  startMs,
} from "../../../test/support/host-world.ts";
import { backoffCapMs } from "../status/backoff.ts";

const minuteMs = 60_000;

test("a host without BMC is discovered and unmanaged [B05 B06 B07]", () => {
  const world = makeHostWorld(makeHost({ bmc: undefined }));
  const decision = world.settle();
  expect(world.host.status).toMatchObject({
    operationalStatus: "discovered",
    provisioning: { state: "unmanaged" },
  });
  expect(world.events()).toEqual(["Discovered"]);
  expect(decision).toMatchObject({ document: undefined, claims: [], next: { kind: "settled" } });

  const bmc = { address: "ipmi://192.0.2.10", credentialsName: "metal-0-bmc" };
  world.seen.host = { ...world.host, spec: { ...world.host.spec, bmc } };
  world.settle();
  expect(world.states).toEqual(["unmanaged", "registering"]);
});

test("a host gets its finalizer before its machine is touched [B08]", () => {
  const world = makeHostWorld();
  const first = world.decide();
  expect(first.writes).toContainEqual(
    expect.objectContaining({ kind: "metadata", addFinalizers: ["baremetalhost.metal3.io"] }),
  );
  expect(first.command).toBeUndefined();
});

test("a missing Secret is a registration error that ends when the Secret appears [B09 B10]", () => {
  const missing = { ...makeFact("bmc", "metal-0-bmc"), found: false };
  const world = makeHostWorld(makeHost(), { secrets: { bmc: missing } });
  const decision = world.settle();
  expect(world.host.status).toMatchObject({
    operationalStatus: "error",
    errorType: "registration error",
    errorCount: 1,
    provisioning: { state: "registering" },
  });
  expect(world.host.status?.errorMessage).toContain('"metal-0-bmc"');
  expect(decision.next).toEqual({ kind: "wait", awaited: ["secret", "spec"] });
  world.seen.secrets = { bmc: makeFact("bmc", "metal-0-bmc") };
  world.settle();
  expect(world.seen.operation?.kind).toBe("register");
});

test("an unusable Secret is told once and not counted again and again [B11]", () => {
  const unusable = { ...makeFact("bmc", "metal-0-bmc"), problem: "has no key password" };
  const world = makeHostWorld(makeHost(), { secrets: { bmc: unusable } });
  world.settle();
  world.pass(10 * minuteMs);
  expect(world.host.status?.errorCount).toBe(1);
  expect(world.events()).toEqual(["BMCCredentialError"]);
  expect(world.host.status?.errorMessage).toContain("has no key password");
});

test("a fact that has not come yet is waited for without an error", () => {
  const world = makeHostWorld(makeHost(), { secrets: {} });
  const decision = world.settle();
  expect(decision.because.reason).toBe("WaitingForSecret");
  expect(world.host.status?.errorType).toBeUndefined();
});

test("the BMC's Secret is claimed once, and the login uses the version after it [B13 B14 B15 B16]", () => {
  const world = makeHostWorld();
  world.reach("inspecting");
  const claims = world.writes.filter(({ kind }) => kind === "claim-secret");
  expect(claims).toEqual([expect.objectContaining({ purpose: "bmc", secretName: "metal-0-bmc" })]);
  expect(world.host.status?.goodCredentials).toEqual({
    credentials: { name: "metal-0-bmc", namespace: "metal" },
    credentialsVersion: "101",
  });
});

test("the login does not wait for ever for a claim that changes nothing", () => {
  const world = makeHostWorld();
  world.kubernetesIsSlow = true;
  world.decide();
  world.catchUp();
  world.decide();
  world.seen.secrets = { bmc: makeFact("bmc", "metal-0-bmc", "100") };
  world.catchUp();
  world.seen.secrets = { bmc: makeFact("bmc", "metal-0-bmc", "100") };
  expect(world.decide().next).toMatchObject({ kind: "wait", wakeAtMs: startMs + 1_000 });
  world.seen.nowMs += 1_000;
  expect(world.decide().command?.payload).toEqual({ kind: "register" });
});

test("registration records ID, profile, history and events [B18 B19 B20]", () => {
  const world = makeHostWorld(
    makeHost({ bmc: { address: "libvirt://192.0.2.10", credentialsName: "c" } }),
    {
      secrets: { bmc: withAddress("libvirt://192.0.2.10", "c") },
    },
  );
  world.settle();
  world.seen.secrets = { bmc: withAddress("libvirt://192.0.2.10", "c") };
  world.pass(1_000);
  expect(world.seen.operation).toMatchObject({ kind: "register", attempt: 1 });
  world.reach("inspecting");
  const { status } = world.host;
  expect(status?.provisioning.ID).toBe(hostUid);
  expect(status?.hardwareProfile).toBe("libvirt");
  expect(status?.operationHistory?.register).toEqual({
    start: "2026-11-01T12:00:01Z",
    end: "2026-11-01T12:00:01Z",
  });
  expect(world.events().slice(0, 3)).toEqual(["Registered", "BMCAccessValidated", "ProfileSet"]);
});

function withAddress(bmcAddress: string, name: string) {
  const fact = makeFact("bmc", name, "101");
  if (fact.sealed === undefined) throw new Error("not sealed");
  return { ...fact, sealed: { ...fact.sealed, context: { ...fact.sealed.context, bmcAddress } } };
}

test("a rule that is broken is a registration error with the rule's own words [B21]", () => {
  const world = makeHostWorld(makeHost({ hardwareProfile: "toaster" }));
  const decision = world.settle();
  expect(world.host.status?.errorType).toBe("registration error");
  expect(world.host.status?.errorMessage).toContain('spec.hardwareProfile: "toaster" is unknown');
  expect(decision.document).toBeUndefined();
});

test("a host without a site says which label is missing", () => {
  const site = { kind: "none", reason: "there are 2 sites; name one" } as const;
  const world = makeHostWorld(makeHost(), { site });
  const decision = world.settle();
  expect(world.host.status?.errorMessage).toContain("there are 2 sites");
  expect(decision.next).toEqual({ kind: "wait", awaited: ["site", "spec"] });
});

test("a BMC that another host holds is waited for, and nothing of the host reaches the site", () => {
  const claimConflict = "BMC 192.0.2.10:623/ is used by another host";
  const world = makeHostWorld(makeHost(), { claimConflict });
  const decision = world.settle();
  expect(world.host.status?.errorMessage).toBe(claimConflict);
  expect(decision).toMatchObject({ document: undefined, claims: [], command: undefined });
  expect(decision.next).toEqual({ kind: "wait", awaited: ["claim", "spec"] });
  world.seen.claimConflict = undefined;
  expect(world.settle().claims).toEqual([
    { kind: "bmc", value: "192.0.2.10:623/" },
    { kind: "mac", value: "52:54:00:00:00:01" },
  ]);
});

test("a wrong password is not tried again before the Secret changes or the login budget renews", () => {
  const world = makeHostWorld();
  world.settle();
  const decision = world.fail({ kind: "bmc-credentials", message: "RAKP 2: wrong password" });
  expect(world.host.status).toMatchObject({ errorType: "registration error", errorCount: 1 });
  expect(decision.next).toMatchObject({ wakeAtMs: startMs + 30 * minuteMs });
  expect(world.pass(29 * minuteMs).command).toBeUndefined();
  world.seen.secrets = { bmc: makeFact("bmc", "metal-0-bmc", "102") };
  world.settle();
  expect(world.seen.operation?.kind).toBe("register");
});

test("an unreachable BMC is tried again, at least every 15 minutes, and at once when anything changes [B37]", () => {
  const world = makeHostWorld();
  world.settle();
  for (let attempt = 1; attempt <= 12; attempt += 1) {
    const { next } = world.fail({ kind: "bmc-unreachable", message: "no answer from 192.0.2.10" });
    const delayMs = (next.kind === "wait" ? (next.wakeAtMs ?? 0) : 0) - world.seen.nowMs;
    const fullMs = Math.min(2 ** attempt * minuteMs, backoffCapMs);
    expect(delayMs).toBeGreaterThanOrEqual(fullMs / 2);
    expect(delayMs).toBeLessThanOrEqual(fullMs);
    world.pass(delayMs);
    expect(world.seen.operation).toMatchObject({ kind: "register", attempt: attempt + 1 });
  }
  world.fail({ kind: "bmc-unreachable" });
  expect(world.settle().command).toBeUndefined();
  const bmc = { address: "ipmi://192.0.2.11", credentialsName: "metal-0-bmc" };
  world.seen.host = { ...world.host, spec: { ...world.host.spec, bmc } };
  world.seen.secrets = { bmc: withAddress("ipmi://192.0.2.11", "metal-0-bmc") };
  world.settle();
  expect(world.seen.operation?.kind).toBe("register");
});

test("a retry that was asked for starts at once, and the annotation goes", () => {
  const world = makeHostWorld();
  world.settle();
  world.fail({ kind: "bmc-unreachable" });
  const { metadata } = world.host;
  const annotations = { "farrier.dev/retry": "" };
  world.seen.host = { ...world.host, metadata: { ...metadata, annotations } };
  world.settle();
  expect(world.seen.operation).toMatchObject({ kind: "register", attempt: 1 });
  expect(world.host.metadata.annotations).toEqual({});
});

test("a BMC that answers again ends the waiting", () => {
  const world = makeHostWorld();
  world.settle();
  world.seen.bmcProblem = "no answer";
  world.settle();
  world.fail({ kind: "bmc-unreachable" });
  world.seen.bmcProblem = undefined;
  world.settle();
  expect(world.seen.operation?.kind).toBe("register");
});

test("news of the power ends the waiting after a failed login, though no outage was reported", () => {
  const world = makeHostWorld();
  world.settle();
  world.fail({ kind: "bmc-unreachable" });
  world.settle();
  expect(world.seen.operation).toBeUndefined();
  world.seen.power = { on: false, atMs: world.seen.nowMs };
  world.settle();
  expect(world.seen.operation?.kind).toBe("register");
  // The same report does not count twice.
  world.fail({ kind: "bmc-unreachable" });
  world.settle();
  expect(world.seen.operation).toBeUndefined();
});

test("nothing is ordered from a site that is not heard, and since when is said", () => {
  const lastSeenMs = startMs - 600_000;
  const site = { kind: "site", name: "lab", connection: "unreachable", lastSeenMs } as const;
  const world = makeHostWorld(makeHost(), { site });
  const decision = world.settle();
  expect(decision.command).toBeUndefined();
  expect(decision.because.message).toContain("2026-11-01T11:50:00Z");
  expect(decision.next).toEqual({ kind: "wait", awaited: ["site"] });
});

test("an externally provisioned host is registered and then left alone [B89]", () => {
  const world = makeHostWorld(makeHost({ externallyProvisioned: true, online: true }), {
    power: { on: true, atMs: 1 },
  });
  world.settle();
  world.succeed({
    kind: "register",
    on: true,
    protocol: "IPMI 2.0",
    manufacturerId: 0,
    firmware: "1",
    credentialsVersion: "101",
  });
  expect(world.states).toEqual(["registering", "externally provisioned"]);
  expect(world.ordered).toEqual({ kind: "register" });
  expect(world.host.status?.operationHistory).toMatchObject({ inspect: {}, provision: {} });
  expect(world.settle().next).toEqual({ kind: "settled" });
});
