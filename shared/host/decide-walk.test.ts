// Random lives of a host: whatever people, Kubernetes, the site and the clock do, decide answers, keeps to the
// table of transitions and orders nothing that a hold, a missing finalizer or a silent site forbids. Names in
// brackets are safety invariants.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  disks,
  image,
  makeFact,
  makeHost,
  makeHostWorld,
  plainResult,
  type HostWorld,
} from "../../test/support/host-world.ts";
import { bareMetalHostStatus } from "../metal3/bare-metal-host.ts";
import { operationErrorKind } from "../protocol/operation.ts";
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";
import type { Snapshot } from "./snapshot.ts";
import { readState, transitions } from "./state.table.ts";

type Move = (world: HostWorld) => void;

const setSpec =
  (fields: object): Move =>
  (world) => {
    const spec = { ...world.host.spec, ...fields };
    world.seen.host = { ...world.host, spec };
  };
const annotate =
  (key: string, value: string | undefined): Move =>
  (world) => {
    const { [key]: _, ...others } = world.host.metadata.annotations ?? {};
    const annotations = value === undefined ? others : { ...others, [key]: value };
    world.seen.host = { ...world.host, metadata: { ...world.host.metadata, annotations } };
  };
const connect =
  (connection: "connected" | "degraded" | "unreachable"): Move =>
  (world) => {
    world.seen.site = { kind: "site", name: "lab", connection, lastSeenMs: world.seen.nowMs };
  };

const moves: Readonly<Record<string, Move>> = {
  image: setSpec({ image }),
  otherImage: setSpec({ image: { ...image, url: "http://images.example/other.raw" } }),
  noImage: setSpec({ image: undefined }),
  badImage: setSpec({ image: { url: "file:///x" } }),
  on: setSpec({ online: true }),
  off: setSpec({ online: false }),
  external: setSpec({ externallyProvisioned: true }),
  notExternal: setSpec({ externallyProvisioned: false }),
  noCleaning: setSpec({ automatedCleaningMode: "disabled" }),
  cleaning: setSpec({ automatedCleaningMode: "metadata" }),
  noInspection: setSpec({ inspectionMode: "disabled" }),
  inspection: setSpec({ inspectionMode: "agent" }),
  hints: setSpec({ rootDeviceHints: { serialNumber: "D-2" } }),
  userData: setSpec({ userData: { name: "cloud" } }),
  customDeploy: setSpec({ customDeploy: { method: "install" } }),
  noCustomDeploy: setSpec({ customDeploy: undefined }),
  noBmc: setSpec({ bmc: undefined }),
  bmc: setSpec({ bmc: { address: "ipmi://192.0.2.10", credentialsName: "metal-0-bmc" } }),
  stayOn: setSpec({ disablePowerOff: true }),
  mayGoOff: setSpec({ disablePowerOff: false }),
  pause: annotate("baremetalhost.metal3.io/paused", ""),
  resume: annotate("baremetalhost.metal3.io/paused", undefined),
  detach: annotate("baremetalhost.metal3.io/detached", ""),
  forceDetach: annotate("baremetalhost.metal3.io/detached", '{"force":true}'),
  attach: annotate("baremetalhost.metal3.io/detached", undefined),
  reboot: annotate("reboot.metal3.io", '{"force":true}'),
  hold: annotate("reboot.metal3.io/owner", ""),
  release: annotate("reboot.metal3.io/owner", undefined),
  inspectAgain: annotate("inspect.metal3.io", ""),
  retry: annotate("farrier.dev/retry", ""),
  rebuild: annotate("farrier.dev/rebuild", ""),
  forceDelete: annotate("farrier.dev/force-delete", ""),
  connected: connect("connected"),
  degraded: connect("degraded"),
  unreachable: connect("unreachable"),
  noSite: (world) => (world.seen.site = { kind: "none", reason: "there are 2 sites" }),
  delete: (world) => {
    const { metadata } = world.host;
    const deletionTimestamp = metadata.deletionTimestamp ?? "2026-11-01T12:00:00Z";
    world.seen.host = { ...world.host, metadata: { ...metadata, deletionTimestamp } };
  },
  stripFinalizer: (world) => {
    world.seen.host = { ...world.host, metadata: { ...world.host.metadata, finalizers: [] } };
  },
  rotateSecret: (world) => {
    const version = String(Math.floor(world.seen.nowMs / 1000));
    world.seen.secrets = { ...world.seen.secrets, bmc: makeFact("bmc", "metal-0-bmc", version) };
  },
  loseSecret: (world) => {
    const bmc = { ...makeFact("bmc", "metal-0-bmc"), found: false };
    world.seen.secrets = { ...world.seen.secrets, bmc };
  },
  findCloud: (world) => {
    world.seen.secrets = { ...world.seen.secrets, userData: makeFact("userData", "cloud") };
  },
  claimed: (world) => (world.seen.claimConflict = "BMC 192.0.2.10:623/ is used by another host"),
  unclaimed: (world) => (world.seen.claimConflict = undefined),
  bmcSilent: (world) => (world.seen.bmcProblem = "no answer"),
  bmcHeard: (world) => (world.seen.bmcProblem = undefined),
  powerOn: (world) => (world.seen.power = { on: true, atMs: world.seen.nowMs }),
  powerOff: (world) => (world.seen.power = { on: false, atMs: world.seen.nowMs }),
  loseDatabase: (world) => {
    world.seen.memory = undefined;
    world.seen.operation = undefined;
  },
  slow: (world) => (world.kubernetesIsSlow = true),
  quick: (world) => {
    world.kubernetesIsSlow = false;
    world.catchUp();
  },
  second: (world) => (world.seen.nowMs += 1_000),
  hour: (world) => (world.seen.nowMs += 3_600_000),
  start: (world) => {
    const { operation, nowMs } = world.seen;
    if (operation === undefined) return;
    world.seen.operation = {
      ...operation,
      state: "running",
      startedAtMs: nowMs,
      progress: { step: "Writing", doneBytes: nowMs % 7, totalBytes: 7, atMs: nowMs },
    };
  },
};

const failures = operationErrorKind.options;
type End = (typeof failures)[number] | "destroyed" | "well" | "keep";

const last = { allocation: "a", image, bootMode: "UEFI" } as const;
const recalled = [
  { kind: "recall", isKnown: true },
  {
    kind: "recall",
    isKnown: true,
    write: { ...last, written: { contentDigest: "d", disk: disks[0]! } },
  },
  {
    kind: "recall",
    isKnown: true,
    write: { ...last, failure: { kind: "interrupted", message: "it failed", destroyed: true } },
  },
] as const;

/** What the site does with the running operation after each move. */
function end(world: HostWorld, how: End): void {
  const { operation, nowMs } = world.seen;
  if (operation === undefined || how === "keep") return;
  const times = { startedAtMs: nowMs, endedAtMs: nowMs };
  if (how === "well") {
    const { kind } = operation;
    const result =
      kind === "recall"
        ? recalled[nowMs % recalled.length]
        : plainResult(kind, world.ordered, world.credentialsVersion());
    world.seen.operation = { ...operation, ...times, state: "succeeded", result };
    return;
  }
  const kind = how === "destroyed" ? "interrupted" : how;
  const failure = { kind, message: "it failed", destroyed: how === "destroyed" };
  world.seen.operation = { ...operation, ...times, state: "failed", failure };
}

const step = fc.tuple(
  fc.constantFrom(...Object.keys(moves)),
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<End>("well") },
    { weight: 2, arbitrary: fc.constant<End>("keep") },
    { weight: 2, arbitrary: fc.constantFrom<End>(...failures, "destroyed") },
  ),
);

/** Everything that must hold for one decision. */
function judge(before: Snapshot, decision: Decision): void {
  const { command, memory } = decision;
  judgeState(before, decision);
  bareMetalHostStatus.parse(memory.status);
  expect(memory.revision).toBeGreaterThanOrEqual(before.memory?.revision ?? 0);
  if (decision.document === undefined) expect(decision.claims).toEqual([]);
  if (before.host.metadata.annotations?.["baremetalhost.metal3.io/paused"] !== undefined) {
    expect(decision).toMatchObject({ status: undefined, command: undefined, writes: [] }); // S2
  }
  if (command !== undefined) judgeCommand(before, decision, command);
}

function judgeState(before: Snapshot, { memory, command }: Decision): void {
  if (before.memory === undefined) {
    expect(command?.payload.kind ?? "register").toBe("register"); // S23: adopted by looking
    return;
  }
  const from = readState(before.memory.status.provisioning.state);
  const to = readState(memory.status.provisioning.state);
  if (from === undefined || to === undefined || from === to) return;
  expect(transitions[from]).toContain(to); // S38
}

function judgeCommand(
  before: Snapshot,
  { document, memory, consumed }: Decision,
  command: NonNullable<Decision["command"]>,
): void {
  const { site, operation } = before;
  expect(site).toMatchObject({ kind: "site", connection: "connected" });
  expect(operation === undefined || operation.id === consumed).toBe(true); // S8
  expect(document?.credentials).toBeDefined();
  expect(document?.hold.paused).toBe(false); // S2
  expect(document?.hold.detached).toBe(false); // S3
  judgePayload(before, document, memory, command);
}

function judgePayload(
  { host }: Snapshot,
  document: Decision["document"],
  memory: Decision["memory"],
  { payload, class: kind }: NonNullable<Decision["command"]>,
): void {
  if (payload.kind === "power" && host.spec.disablePowerOff === true) {
    expect(payload.want).not.toBe("off"); // S21
  }
  if (payload.kind === "register") return;
  expect(host.metadata.finalizers).toContain("baremetalhost.metal3.io");
  const shown = host.status?.provisioning.state ?? "";
  expect(memory.status.provisioning.state).toBe(shown);
  expect(statesOf[payload.kind]).toContain(shown);
  if (payload.kind === "inspect" || kind === "once") {
    expect(document?.hold.externallyProvisioned).toBe(false); // S1
  }
  if (kind === "once") {
    expect(document?.identity).toBeDefined(); // S6
  }
}

/** Where each operation may be ordered. */
const statesOf = {
  inspect: ["inspecting", "preparing", "provisioning", "deprovisioning"],
  clean: ["preparing", "deprovisioning"],
  provision: ["provisioning"],
  power: [
    "available",
    "provisioned",
    "externally provisioned",
    "deprovisioning",
    "powering off before delete",
  ],
  recall: ["provisioning"],
} as const;

const calming =
  "quick resume attach release connected bmc inspection cleaning noCustomDeploy mayGoOff on notExternal image findCloud unclaimed bmcHeard retry".split(
    " ",
  );

/** The faults stop and people put everything right: the host must get where it is wanted, in bounded time. */
function converge(world: HostWorld): string {
  for (const move of [...calming, "rotateSecret"]) moves[move]?.(world);
  const untilMs = world.seen.nowMs + 3_600_000;
  while (world.seen.nowMs <= untilMs) {
    end(world, "well");
    const decision = world.decide();
    if (decision.next.kind === "gone") return "gone";
    const shown = world.host.status;
    if (decision.next.kind === "settled" && shown?.provisioning.image?.url === image.url) {
      expect(shown.errorMessage).toBe("");
      return shown.provisioning.state;
    }
    world.seen.nowMs += 1_000;
  }
  return `stuck: ${JSON.stringify(world.decisions.at(-1)?.because)}`;
}

test("decide keeps its promises whatever happens to a host, and gets it home afterwards [S1 S2 S3 S6 S8 S21 S38 L20]", () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
      const world = makeHostWorld(makeHost({ image }));
      for (const [move, how] of steps) {
        moves[move]?.(world);
        end(world, how);
        for (let round = 0; round < 4; round += 1) {
          const before = structuredClone(world.seen);
          const decision = world.decide();
          judge({ ...before, invalid: world.seen.invalid }, decision);
          reached.add(world.host.status?.provisioning.state ?? "");
          reached.add(decision.command?.payload.kind ?? "");
          if (decision.next.kind === "gone") return;
        }
      }
      const isDeleted = world.host.metadata.deletionTimestamp !== undefined;
      expect(converge(world)).toBe(isDeleted ? "gone" : "provisioned");
    }),
    { numRuns: 100, seed: 7 },
  );
  // A walk that never gets there proves nothing.
  for (const place of ["provisioned", "externally provisioned", "deleting", "clean", "power"]) {
    expect(reached).toContain(place);
  }
}, 60_000);

test("decide gives the same answer for the same snapshot", () => {
  const world = makeHostWorld(makeHost({ image }));
  world.reach("provisioned");
  const snapshot = structuredClone(world.seen);
  expect(decide(structuredClone(snapshot))).toEqual(decide(snapshot));
});

test("decide never changes the snapshot that it is given", () => {
  const world = makeHostWorld(makeHost({ image }));
  world.settle();
  const before = structuredClone(world.seen);
  decide(world.seen);
  expect(world.seen).toEqual(before);
});
