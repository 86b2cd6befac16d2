// Random lives of a machine: whatever people, core, Kubernetes, the hosts and the clock do, decideMachine writes to no
// host but its own, takes none that is not free, repeats itself when nothing changed, and gets home afterwards.
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  machineUid,
  makeCoreCluster,
  makeCoreMachine,
  makeHostView,
  makeMetal3Cluster,
  MachineWorld,
} from "../../test/support/machine-world.ts";
import { metal3MachineStatus } from "../capm3/v1beta2/metal3-machine.ts";
import { canonicalJson } from "../host/document/canonical-json.ts";
import { writeBack, type WriteBack } from "../protocol/write-back.ts";
import { decideMachine } from "./decide-machine.ts";
import type { MachineDecision } from "./decision.ts";
import type { HostBrief, HostView, MachineSnapshot } from "./snapshot.ts";

type HostPatch = Extract<WriteBack, { kind: "host-patch" }>;
type Move = (world: MachineWorld) => void;

const other = { apiVersion: "v1", kind: "ConfigMap", namespace: "metal", name: "somebody" };
const shown = (world: MachineWorld): string => world.claimed?.name ?? world.hosts[0]?.name ?? "m1";
const setHost =
  (fields: Partial<HostView>): Move =>
  (world) =>
    world.setHost(shown(world), fields);
const setSpec =
  (fields: Record<string, unknown>): Move =>
  (world) =>
    world.setSpec(shown(world), fields);
const annotate =
  (key: string, value: string | undefined): Move =>
  (world) => {
    const { [key]: _, ...others } = world.seen.object.metadata.annotations ?? {};
    const annotations = value === undefined ? others : { ...others, [key]: value };
    world.setObject({ annotations });
  };
const node =
  (outcome: "linked" | "missing" | "conflict" | "problem"): Move =>
  (world) => {
    const { providerID } = world.seen.object.spec;
    if (providerID === undefined) return;
    world.seen.node = { machineUid, outcome, nodeName: "n", providerID, message: "told" };
  };

const moves: Readonly<Record<string, Move>> = {
  runHosts: (world) => world.runHosts(),
  hostError: setHost({ errorMessage: "no answer" }),
  hostWell: setHost({ errorMessage: "" }),
  hostDeleting: setHost({ deleting: true }),
  hostGone: (world) => {
    const host = world.claimed;
    if (host?.deleting === true) world.setHost(host.name, { gone: true });
  },
  hostForgotten: (world) => {
    const index = world.hosts.findIndex(({ gone }) => gone);
    if (index >= 0) world.hosts.splice(index, 1);
  },
  takenByHand: (world) => {
    world.arrive();
    world.setSpec(shown(world), { consumerRef: other });
  },
  letGoByHand: setSpec({ consumerRef: null }),
  off: setSpec({ online: false }),
  stayOn: setSpec({ disablePowerOff: true }),
  noImageByHand: setSpec({ image: null }),
  external: setSpec({ externallyProvisioned: true }),
  hostPaused: (world) =>
    world.setHost(shown(world), { annotations: { "baremetalhost.metal3.io/paused": "" } }),
  freeAnother: (world) => world.setHost("m2", { state: "available", errorMessage: "" }),
  away: setHost({ site: { name: "lab", connection: "unreachable" } }),
  pause: annotate("cluster.x-k8s.io/paused", ""),
  resume: annotate("cluster.x-k8s.io/paused", undefined),
  loseAnnotation: annotate("metal3.io/BareMetalHost", undefined),
  clusterPaused: (world) => (world.seen.coreCluster = makeCoreCluster({ paused: true })),
  clusterReady: (world) => (world.seen.coreCluster = makeCoreCluster()),
  clusterAway: (world) => (world.seen.coreCluster = undefined),
  metal3ClusterAway: (world) => (world.seen.metal3Cluster = undefined),
  metal3Cluster: (world) => (world.seen.metal3Cluster = makeMetal3Cluster()),
  noOwner: (world) => (world.seen.owner = undefined),
  noBootstrap: (world) => (world.seen.owner = makeCoreMachine({ bootstrap: {} })),
  owner: (world) => (world.seen.owner = makeCoreMachine()),
  badSelector: (world) =>
    world.setObject(
      {},
      { hostSelector: { matchExpressions: [{ key: "a", operator: "Near", values: [] }] } },
    ),
  selector: (world) => world.setObject({}, { hostSelector: null }),
  cleaning: (world) => world.setObject({}, { automatedCleaningMode: "disabled" }),
  linked: node("linked"),
  missing: node("missing"),
  conflict: node("conflict"),
  problem: node("problem"),
  delete: (world) => world.setObject({ deletionTimestamp: "2026-11-01T13:00:00Z" }),
  stripFinalizer: (world) => world.setObject({ finalizers: [] }),
  slow: (world) => (world.isSlow = true),
  send: (world) => world.send(),
  arrive: (world) => world.arrive(),
  quick: (world) => {
    world.isSlow = false;
    world.catchUp();
  },
  loseDatabase: (world) => world.loseDatabase(),
  second: (world) => (world.seen.nowMs += 1_000),
  minute: (world) => (world.seen.nowMs += 60_000),
  hour: (world) => (world.seen.nowMs += 3_600_000),
};

function isOurs({ spec }: HostBrief): boolean {
  return spec.consumerRef?.name === "worker-1" && spec.consumerRef.kind === "Metal3Machine";
}

/** Everything that must hold for one decision. */
function judge(before: MachineSnapshot, decision: MachineDecision): void {
  metal3MachineStatus.parse(decision.memory.status);
  for (const write of decision.writes) writeBack.parse(write);
  judgeClaim(before, decision);
  judgeHostWrites(before, decision);
  judgeRelease(before, decision);
  const { next } = decision;
  if (next.kind === "wait" && next.wakeAtMs !== undefined && !decision.release) {
    expect(next.wakeAtMs).toBeGreaterThan(before.nowMs);
  }
  const isPaused =
    before.object.metadata.annotations?.["cluster.x-k8s.io/paused"] !== undefined ||
    before.coreCluster?.spec.paused === true;
  if (isPaused && !before.deleted) {
    expect(decision.claim).toBeUndefined();
    expect(decision.writes.filter(({ kind }) => kind !== "provider-status")).toEqual([]);
  }
}

function judgeClaim(before: MachineSnapshot, { claim }: MachineDecision): void {
  if (claim === undefined) return;
  expect(before.host).toBeUndefined();
  expect(claim.length).toBeGreaterThan(0);
  expect(new Set(claim).size).toBe(claim.length);
  expect(before.object.metadata.finalizers).toContain(
    "metal3machine.infrastructure.cluster.x-k8s.io",
  );
  for (const uid of claim) {
    const host = before.hosts.find((one) => one.uid === uid);
    if (host === undefined) throw new Error("claims a host that it does not see");
    if (isOurs(host)) continue;
    expect(before.object.spec.providerID).toBeUndefined();
    expect(host.claimedBy).toBeUndefined();
    judgeFree(host);
  }
}

function judgeFree(host: HostBrief): void {
  expect(host).toMatchObject({ state: "available", errorMessage: "", deleting: false });
  expect(host.spec.consumerRef).toBeUndefined();
  expect(host.spec.image).toBeUndefined();
  expect(host.spec.externallyProvisioned).not.toBe(true);
  expect(host.annotations).not.toHaveProperty("baremetalhost.metal3.io/paused");
}

function judgeHostWrites(before: MachineSnapshot, { writes }: MachineDecision): void {
  for (const write of writes) {
    if (write.kind !== "host-patch" && write.kind !== "label-secret") continue;
    const { host } = before;
    if (host === undefined) throw new Error("writes to a host that it did not claim");
    expect(host.uid).toBe(write.uid);
    expect(host.spec.consumerRef === undefined || isOurs(host)).toBe(true);
    if (write.kind === "host-patch") judgePatch(before, host, write);
  }
}

const used = ["provisioning", "provisioned", "deprovisioning"];

function judgePatch({ object, memory }: MachineSnapshot, host: HostView, patch: HostPatch): void {
  const isFirst = memory?.host?.uid !== host.uid && !isOurs(host);
  if (isFirst && object.spec.providerID === undefined) judgeFree(host);
  const isDeleted = object.metadata.deletionTimestamp !== undefined;
  const { consumerRef, image } = patch.spec ?? {};
  if (consumerRef === null) expect(used).not.toContain(host.state);
  if (consumerRef === null || image === null) expect(isDeleted).toBe(true);
  if (patch.deploySpec !== undefined) expect(isDeleted).toBe(false);
}

function judgeRelease(before: MachineSnapshot, { release, writes }: MachineDecision): void {
  const { host } = before;
  const isHeld = host !== undefined && !host.gone && isOurs(host);
  if (release) expect(isHeld).toBe(false);
  const leaves = writes.some(
    (write) => write.kind === "provider-patch" && (write.removeFinalizers ?? []).length > 0,
  );
  if (leaves) expect(isHeld || before.hosts.some((one) => !one.gone && isOurs(one))).toBe(false);
}

/** On an unchanged world the next decision repeats what is not shown yet, and tells nothing twice. */
function judgeRepetition(before: MachineSnapshot, first: MachineDecision): void {
  if (first.claim !== undefined || first.release || first.next.kind === "gone") return;
  const unchanged = { ...before, memory: structuredClone(first.memory) };
  const again = decideMachine(unchanged);
  const known = new Set(first.writes.map((write) => canonicalJson(write)));
  for (const write of again.writes) expect(known).toContain(canonicalJson(write));
  expect(again.writes.filter(({ kind }) => kind === "event" || kind === "link-node")).toEqual([]);
  expect(again.memory).toEqual(first.memory);
  expect(again.next).toEqual(first.next);
  // Neither does time alone bring more than the next look for the Node, and what is told after a while.
  const wakeAtMs = first.next.kind === "wait" ? first.next.wakeAtMs : undefined;
  const later = decideMachine({ ...unchanged, nowMs: wakeAtMs ?? before.nowMs + 3_600_000 });
  for (const write of later.writes) {
    if (!["link-node", "provider-status"].includes(write.kind))
      expect(known).toContain(canonicalJson(write));
  }
}

const calming = "resume clusterReady metal3Cluster owner selector hostWell quick".split(" ");

/** The faults stop and people put everything right; a free host comes. */
function calm(world: MachineWorld): void {
  for (const move of calming) moves[move]?.(world);
  for (const { name, spec } of world.hosts) {
    const isWanted = spec.consumerRef?.name === "somebody" && name === world.claimed?.name;
    world.setHost(name, { annotations: {}, errorMessage: "" });
    const consumer = isWanted ? { consumerRef: null } : {};
    world.setSpec(name, { externallyProvisioned: null, ...consumer });
  }
  world.hosts.push(makeHostView("spare"));
}

/** Where the machine ends, in bounded time. */
function converge(world: MachineWorld): string {
  calm(world);
  for (let round = 0; round < 40; round += 1) {
    const { next } = world.decide();
    if (next.kind === "gone") return "gone";
    if (next.kind === "settled" && round > 3) return "linked";
    for (const { name, deleting, gone } of world.hosts) {
      world.setHost(name, { gone: gone || deleting });
    }
    world.runHosts();
    moves["linked"]?.(world);
    world.seen.nowMs += 30_000;
  }
  const { because } = world.decisions.at(-1)!;
  return because.reason === "HostGone" ? "lost" : `stuck: ${JSON.stringify(because)}`;
}

const move = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...Object.keys(moves)) },
  { weight: 1, arbitrary: fc.constant("runHosts") },
);

test("decideMachine keeps its promises whatever happens, and gets the machine home afterwards", () => {
  const reached = new Map<string, number>();
  const reach = (place: string) => reached.set(place, (reached.get(place) ?? 0) + 1);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(move, fc.integer({ min: 1, max: 4 })), {
        minLength: 3,
        maxLength: 50,
      }),
      (steps) => {
        const world = new MachineWorld([
          makeHostView("m1"),
          makeHostView("m2", { state: "inspecting" }),
        ]);
        for (const [step, rounds] of steps) {
          moves[step]?.(world);
          for (let round = 0; round < rounds; round += 1) {
            const before = world.snapshot();
            const decision = world.decide();
            judge(before, decision);
            judgeRepetition(before, decision);
            reach(decision.because.reason);
            if (decision.next.kind === "gone") return;
          }
        }
        const isDeleted = world.seen.object.metadata.deletionTimestamp !== undefined;
        const end = converge(world);
        reach(end);
        if (isDeleted) expect(end).toBe("gone");
        else {
          const wasDeployed = world.seen.object.spec.providerID !== undefined;
          expect(wasDeployed ? ["linked", "lost"] : ["linked"]).toContain(end);
        }
        // What vanished without its finalizer leaves its host to a person.
        if (end !== "gone" || steps.some(([step]) => step === "stripFinalizer")) return;
        expect(world.hosts.filter((host) => !host.gone && isOurs(host))).toEqual([]);
      },
    ),
    { numRuns: 100, seed: 11 },
  );
  // A walk that never gets there proves nothing.
  for (const place of [
    "linked",
    "gone",
    "lost",
    "HostTaken",
    "HostUnfit",
    "NodeConflict",
    "Released",
  ]) {
    expect(reached.get(place) ?? 0, place).toBeGreaterThan(0);
  }
}, 60_000);

test("decideMachine gives the same answer for the same snapshot and does not change it", () => {
  const world = new MachineWorld([makeHostView("m1")]);
  world.settle();
  const snapshot = world.snapshot();
  const first = decideMachine(snapshot);
  expect(snapshot).toEqual(world.snapshot());
  expect(decideMachine(snapshot)).toEqual(first);
});
