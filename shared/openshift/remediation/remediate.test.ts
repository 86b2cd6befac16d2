import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeHostView, makeSnapshot } from "../../../test/support/machine-world.ts";
import type { MachineDecision } from "../../machine/decision.ts";
import type { HostView, MachineMemory } from "../../machine/snapshot.ts";
import type { NodeFact } from "../../protocol/facts/node-fact.ts";
import { writeBack, type WriteBack } from "../../protocol/write-back.ts";
import { decideOpenShiftMachine } from "../decide-machine.ts";
import { openShiftMachine, type OpenShiftMachineStatus } from "../machine.ts";

const nowMs = Date.parse("2026-11-01T12:00:00Z");
const minute = 60_000;
const uid = "machine-1";
const hold = "reboot.metal3.io/capbm-requested-power-off";
const wanted = { "host.metal3.io/external-remediation": "" };
const wasOff = { "remediation.metal3.io/powered-off-for-remediation": "" };
const timeout = "remediation.metal3.io/power-on-will-timeout-at";
const until = (atMs: number) => ({ [timeout]: new Date(atMs).toISOString() });
const kept = {
  "remediation.metal3.io/node-labels-backup": '{"a":"b"}',
  "remediation.metal3.io/node-annotations-backup": "{}",
};
const held = { [hold]: '{"mode":"hard"}' };
const providerID = "baremetalhost:///metal/h1/uid-h1";
const image = { url: "http://images.example/a.qcow2", checksum: "a".repeat(32) };
const consumerRef = {
  apiVersion: "machine.openshift.io/v1beta1",
  kind: "Machine",
  name: "worker-1",
  namespace: "metal",
};
const controller = [{ ...consumerRef, kind: "MachineSet", uid: "set-1", controller: true }];
const linked: NodeFact = {
  machineUid: uid,
  outcome: "linked",
  nodeName: "n1",
  nodeUid: "uid-n1",
  providerID,
};
const missing: NodeFact = { machineUid: uid, outcome: "missing" };

interface Choice {
  readonly annotations?: object;
  readonly labels?: object;
  readonly ownerReferences?: object[];
  readonly deletionTimestamp?: string;
  readonly host?: Partial<HostView>;
  readonly node?: NodeFact | undefined;
  readonly memory?: MachineMemory;
  readonly status?: OpenShiftMachineStatus;
  readonly atMs?: number;
}

function decide(choice: Choice) {
  const { host = {}, node, memory, status, atMs = nowMs, ...meta } = choice;
  const machine = openShiftMachine.parse({
    apiVersion: consumerRef.apiVersion,
    kind: "Machine",
    metadata: {
      name: "worker-1",
      namespace: "metal",
      uid,
      resourceVersion: "1",
      finalizers: ["machine.machine.openshift.io"],
      ownerReferences: controller,
      ...meta,
    },
    spec: { providerID },
    status,
  });
  return decideOpenShiftMachine({
    ...makeSnapshot({ coreCluster: undefined, owner: undefined, metal3Cluster: undefined }),
    kind: "openshift-machine",
    resource: "machines.machine.openshift.io",
    nowMs: atMs,
    machine,
    object: { metadata: machine.metadata, spec: { image, providerID } },
    problem: undefined,
    memory,
    node: "node" in choice ? node : linked,
    host: makeHostView("h1", {
      claimedBy: uid,
      state: "provisioned",
      poweredOn: true,
      isOff: false,
      ...host,
      spec: { online: true, image, consumerRef, ...host.spec },
    }),
  });
}

const of = <K extends WriteBack["kind"]>({ writes }: MachineDecision, kind: K) =>
  writes.filter((write): write is Extract<WriteBack, { kind: K }> => write.kind === kind);
const onHost = (decision: MachineDecision) =>
  of(decision, "host-patch").map(({ annotations, holdsOff }) => ({ annotations, holdsOff }));
const onMachine = (decision: MachineDecision) =>
  of(decision, "provider-patch")
    .map(({ annotations = {} }) =>
      Object.fromEntries(Object.entries(annotations).filter(([key]) => key.includes("remediat"))),
    )
    .filter((changed) => Object.keys(changed).length > 0);
const told = (decision: MachineDecision) =>
  of(decision, "event").map(({ type, reason }) => `${type} ${reason}`);
const condition = ({ memory }: MachineDecision) => {
  const { conditions = [] } = memory.status as OpenShiftMachineStatus;
  const found = conditions.find(({ type }) => type === "farrier.dev/Remediated");
  return found === undefined ? undefined : `${found.status} ${found.reason ?? ""}`.trim();
};
const off = { poweredOn: false, isOff: true, annotations: held };

describe("a Machine that is to be remediated", () => {
  test("has its host held off, hard, once", () => {
    const asked = decide({ annotations: wanted });
    expect(onHost(asked)).toEqual([{ annotations: held, holdsOff: true }]);
    expect(condition(asked)).toBe("False SwitchingOff");
    expect(told(asked)).toEqual(["Normal Remediating"]);
    expect(asked.next).toMatchObject({ wakeAtMs: nowMs + 10_000 });
    const waiting = decide({
      annotations: wanted,
      memory: asked.memory,
      host: { annotations: held },
    });
    expect(onHost(waiting)).toEqual([]);
    expect(told(waiting)).toEqual([]);
    expect(of(waiting, "replace-node")).toEqual([]);
    expect(waiting.next).toMatchObject({ wakeAtMs: nowMs + 5_000 });
  });

  test.each<[string, Partial<HostView>]>([
    ["is on", { ...off, isOff: false, poweredOn: true }],
    ["may be switched on by what runs", { ...off, isOff: false }],
    ["is at a site that is not heard", { ...off, site: { name: "lab", connection: "degraded" } }],
    ["has no site", { ...off, site: undefined }],
  ])("keeps its Node while its host %s", (_what, host) => {
    const decision = decide({ annotations: wanted, host });
    expect(of(decision, "replace-node")).toEqual([]);
    expect(onMachine(decision)).toEqual([]);
    expect(condition(decision)).toBe("False SwitchingOff");
  });

  test("loses its Node when its host is off, asked for every 5 s", () => {
    const decision = decide({ annotations: wanted, host: off });
    expect(of(decision, "replace-node")).toMatchObject([
      { nodeName: "n1", nodeUid: "uid-n1", host: { name: "h1", uid: "uid-h1" } },
    ]);
    expect(condition(decision)).toBe("False DeletingNode");
    const { memory } = decision;
    expect(of(decide({ annotations: wanted, host: off, memory }), "replace-node")).toEqual([]);
    const later = decide({ annotations: wanted, host: off, memory, atMs: nowMs + 5_000 });
    expect(of(later, "replace-node")).toHaveLength(1);
  });

  test("loses the Node that was known when none is told of", () => {
    const status = { nodeRef: { kind: "Node", name: "n0", uid: "uid-n0" } };
    const node = { machineUid: uid, outcome: "problem", message: "too large" } as const;
    const decision = decide({ annotations: wanted, host: off, node, status });
    expect(of(decision, "replace-node")).toMatchObject([{ nodeName: "n0" }]);
    expect(decision.because.message).toContain("too large");
  });

  test("waits to hear whether it has a Node", () => {
    const decision = decide({ annotations: wanted, host: off, node: undefined });
    expect(of(decision, "replace-node")).toEqual([]);
    expect(onMachine(decision)).toEqual([]);
    expect(of(decision, "link-node")).toHaveLength(1);
    expect(condition(decision)).toBe("False SwitchedOff");
  });

  test("is noted as switched off when its Node is gone, and only then switched on", () => {
    const noted = decide({ annotations: wanted, host: off, node: missing });
    expect(onMachine(noted)).toEqual([wasOff]);
    expect(onHost(noted)).toEqual([]);
    const annotations = { ...wanted, ...wasOff, ...kept };
    const { memory } = noted;
    const on = decide({ annotations, host: off, node: missing, memory });
    expect(onHost(on)).toEqual([{ annotations: { [hold]: null }, holdsOff: undefined }]);
    expect(onMachine(on)).toEqual([{ [timeout]: "2026-11-01T12:20:00Z" }]);
    expect(of(on, "link-node")).toMatchObject([{ restores: true }]);
    expect(condition(on)).toBe("False WaitingForNode");
  });
});

describe("a Machine whose host was switched on again", () => {
  const annotations = { ...wanted, ...wasOff, ...kept, ...until(nowMs + 20 * minute) };

  test("waits for its Node, and no longer than it said", () => {
    const decision = decide({ annotations, node: missing });
    expect(onHost(decision)).toEqual([]);
    expect(onMachine(decision)).toEqual([]);
    expect(condition(decision)).toBe("False WaitingForNode");
    const nearly = decide({ annotations, node: missing, atMs: nowMs + 20 * minute - 1_000 });
    expect(nearly.next).toMatchObject({ wakeAtMs: nowMs + 20 * minute });
    expect(of(nearly, "delete-machine")).toEqual([]);
  });

  test("is done when its Node is back with all that the one before had", () => {
    const node = { ...linked, nodeUid: "uid-n2" };
    expect(onMachine(decide({ annotations, node }))).toEqual([]);
    const decision = decide({ annotations, node: { ...node, restored: true } });
    const gone = Object.fromEntries(Object.keys({ ...annotations }).map((key) => [key, null]));
    expect(onMachine(decision)).toEqual([gone]);
    expect(condition(decision)).toBe("True");
    expect(decision.memory).not.toHaveProperty("remediation");
    expect(decision.because.reason).toBe("NodeLinked");
  });

  test("needs nothing of its Node where there was none before", () => {
    const bare = { ...wanted, ...wasOff, ...until(nowMs + minute) };
    expect(onMachine(decide({ annotations: bare }))).toMatchObject([
      { "host.metal3.io/external-remediation": null },
    ]);
  });

  test.each<[string, NodeFact]>([
    ["is the one that was deleted", { ...linked, restored: true }],
    ["has another providerID", { ...linked, nodeUid: "n2", restored: true, providerID: "other" }],
    ["cannot be asked for", { machineUid: uid, outcome: "problem", message: "x" }],
    ["may be one of several", { machineUid: uid, outcome: "conflict", message: "x" }],
  ])("goes on waiting while its Node %s, however late it is", (_what, node) => {
    const { memory } = decide({ annotations: wanted, host: off });
    const decision = decide({ annotations, node, memory, atMs: nowMs + 60 * minute });
    expect(onMachine(decision)).toEqual([]);
    expect(of(decision, "delete-machine")).toEqual([]);
    expect(condition(decision)).toBe("False WaitingForNode");
    expect(decision.next).not.toMatchObject({ wakeAtMs: nowMs + 20 * minute });
  });

  test("says a time where the annotation says none", () => {
    const strange = { ...annotations, [timeout]: "soon" };
    const decision = decide({ annotations: strange, node: missing, atMs: nowMs + 60 * minute });
    expect(onMachine(decision)).toEqual([{ [timeout]: "2026-11-01T13:20:00Z" }]);
    expect(of(decision, "delete-machine")).toEqual([]);
  });

  test("is deleted when its Node did not come back", () => {
    const late = { annotations, node: missing, atMs: nowMs + 20 * minute };
    const decision = decide(late);
    expect(of(decision, "delete-machine")).toMatchObject([
      {
        name: "worker-1",
        uid,
        host: { name: "h1", uid: "uid-h1" },
        waitedUntil: annotations[timeout],
        providerID,
        hostnames: ["h1"],
        addresses: ["192.0.2.7"],
      },
    ]);
    expect(condition(decision)).toBe("False DidNotComeBack");
    expect(told(decision)).toEqual(["Warning DidNotComeBack"]);
  });

  test.each<[string, Choice]>([
    ["NoController", { ownerReferences: [] }],
    ["NoController", { ownerReferences: [{ ...controller[0], controller: false }] }],
    ["MachineIsMaster", { labels: { "machine.openshift.io/cluster-api-machine-role": "master" } }],
    ["HostPaused", { host: { annotations: { "baremetalhost.metal3.io/paused": "" } } }],
    ["HostDetached", { host: { annotations: { "baremetalhost.metal3.io/detached": "" } } }],
    [
      "HostExternallyProvisioned",
      { host: { spec: { externallyProvisioned: true }, state: "externally provisioned" } },
    ],
    ["NotWanted", { annotations: { ...annotations, "host.metal3.io/external-remediation": null } }],
  ])("stays, and says why: %s", (reason, choice) => {
    const given = Object.entries(choice.annotations ?? annotations).filter(
      ([, value]) => value !== null,
    );
    const decision = decide({
      node: missing,
      atMs: nowMs + 20 * minute,
      ...choice,
      annotations: Object.fromEntries(given),
    });
    expect(of(decision, "delete-machine")).toEqual([]);
    expect(condition(decision)).toBe(`False ${reason}`);
    expect(told(decision)).toEqual([`Warning ${reason}`]);
    expect(of(decision, "link-node")).toHaveLength(1);
  });
});

const barred: readonly (readonly [string, Choice])[] = [
  ["MachineIsMaster", { labels: { "machine.openshift.io/cluster-api-machine-role": "master" } }],
  ["MachineIsMaster", { labels: { "machine.openshift.io/cluster-api-machine-type": "master" } }],
  ["HostPaused", { host: { annotations: { "baremetalhost.metal3.io/paused": "" } } }],
  ["HostDetached", { host: { annotations: { "baremetalhost.metal3.io/detached": "" } } }],
  ["PowerOffDisabled", { host: { spec: { disablePowerOff: true } } }],
  [
    "HostExternallyProvisioned",
    { host: { spec: { externallyProvisioned: true }, state: "externally provisioned" } },
  ],
];

describe.each(barred)("a Machine that is not to be touched (%s)", (reason, choice) => {
  test("is not switched off, and says why", () => {
    const decision = decide({ annotations: wanted, ...choice });
    expect(onHost(decision)).toEqual([]);
    expect(of(decision, "replace-node")).toEqual([]);
    expect(condition(decision)).toBe(`False ${reason}`);
    expect(told(decision)).toEqual([`Warning ${reason}`]);
    const again = decide({ annotations: wanted, ...choice, memory: decision.memory });
    expect(told(again)).toEqual([]);
  });

  test("is on its way back where its Node has gone for it before", () => {
    const decision = decide({ annotations: { ...wanted, ...kept }, ...choice, node: missing });
    expect(onMachine(decision)).toEqual([wasOff]);
    expect(onHost(decision)).toEqual([]);
  });

  test("has taken back what was asked of its host", () => {
    const { host } = choice;
    const holding = { ...off, ...host, annotations: { ...held, ...host?.annotations } };
    const decision = decide({ annotations: wanted, ...choice, host: holding });
    expect(onHost(decision)).toEqual([{ annotations: { [hold]: null }, holdsOff: undefined }]);
    expect(of(decision, "replace-node")).toEqual([]);
  });
});

describe("a Machine that is not to be remediated any more", () => {
  const status = {
    conditions: [
      {
        type: "farrier.dev/Remediated",
        status: "False",
        lastTransitionTime: "2026-11-01T11:59:00Z",
      },
    ],
  };

  test("has its host switched on again, and says so", () => {
    const decision = decide({ host: off, status, annotations: until(nowMs) });
    expect(onHost(decision)).toEqual([{ annotations: { [hold]: null }, holdsOff: undefined }]);
    expect(onMachine(decision)).toEqual([{ [timeout]: null }]);
    expect(condition(decision)).toBe("True");
    expect(decision.because.reason).toBe("NodeLinked");
  });

  test("takes back a hold that is not shown yet, once", () => {
    const { memory } = decide({ annotations: wanted });
    const decision = decide({ memory });
    expect(onHost(decision)).toEqual([{ annotations: { [hold]: null }, holdsOff: undefined }]);
    expect(onHost(decide({ memory: decision.memory }))).toEqual([]);
  });

  test("still has its Node brought back where that is gone, or going", () => {
    const waiting = decide({ annotations: kept, host: off, node: missing });
    expect(onHost(waiting)).toHaveLength(1);
    expect(of(waiting, "link-node")).toMatchObject([{ restores: true }]);
    expect(condition(waiting)).toBe("False WaitingForNode");
    const { memory } = decide({ annotations: wanted, host: off });
    const node = { ...linked, restored: true } as const;
    const back = decide({ annotations: kept, node, memory });
    expect(onMachine(back)).toMatchObject([{ "remediation.metal3.io/node-labels-backup": null }]);
  });

  test("is like any other", () => {
    const decision = decide({});
    expect(onHost(decision)).toEqual([]);
    expect(onMachine(decision)).toEqual([]);
    expect(condition(decision)).toBeUndefined();
    expect(of(decision, "link-node")[0]).not.toHaveProperty("restores");
  });
});

test("a host that its Machine leaves is not held off any longer", () => {
  const deletionTimestamp = "2026-11-01T12:00:00Z";
  const host = makeHostView("h1", { annotations: held, state: "available" });
  const spec = { online: false, image: undefined, consumerRef };
  const decision = decide({
    deletionTimestamp,
    node: { ...missing, removed: true },
    host: { ...host, spec },
  });
  expect(onHost(decision)).toEqual([{ annotations: { [hold]: null }, holdsOff: undefined }]);
});

const paused = { "baremetalhost.metal3.io/paused": "" };
const master = { "machine.openshift.io/cluster-api-machine-role": "master" };
const anyChoice = fc.record({
  annotations: fc.constantFrom<object[]>(
    {},
    kept,
    wanted,
    wanted,
    { ...wanted, ...kept },
    { ...wanted, ...wasOff },
    { ...wanted, ...wasOff, ...until(nowMs) },
    { ...wanted, ...wasOff, ...kept, ...until(nowMs) },
    { ...wanted, ...wasOff, ...kept, ...until(nowMs + minute) },
    { ...wasOff, ...kept, ...until(nowMs) },
  ),
  labels: fc.constantFrom({}, {}, {}, master),
  ownerReferences: fc.constantFrom(controller, controller, []),
  host: fc.record({
    isOff: fc.boolean(),
    annotations: fc.constantFrom({}, held, held, paused, { ...paused, ...held }),
    site: fc.constantFrom<HostView["site"][]>(
      { name: "lab", connection: "connected" },
      { name: "lab", connection: "unreachable" },
    ),
    state: fc.constantFrom("provisioned", "provisioned", "externally provisioned"),
    spec: fc.record({ externallyProvisioned: fc.constantFrom(false, false, true) }),
  }),
  node: fc.constantFrom<(NodeFact | undefined)[]>(
    linked,
    { ...linked, restored: true },
    missing,
    undefined,
  ),
  atMs: fc.constantFrom(nowMs, nowMs + 2 * minute),
});

test("nothing is taken away where it may not be, whatever stands there", () => {
  const seen = new Map<string, number>();
  const see = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
  fc.assert(
    fc.property(anyChoice, (choice) => {
      const { host, labels, annotations, node, atMs, ownerReferences } = choice;
      const decision = decide(choice);
      expect(decide(choice)).toEqual(decision);
      for (const write of decision.writes) writeBack.parse(write);
      const isBarred =
        labels === master ||
        "baremetalhost.metal3.io/paused" in host.annotations ||
        host.spec.externallyProvisioned ||
        !("host.metal3.io/external-remediation" in annotations);
      const holding = onHost(decision).some(({ holdsOff }) => holdsOff === true);
      const replacing = of(decision, "replace-node").length > 0;
      const deleting = of(decision, "delete-machine").length > 0;
      if (isBarred) expect([holding, replacing, deleting]).toEqual([false, false, false]);
      if (holding) see("holding");
      if (replacing) {
        see("replacing");
        expect(host.isOff && hold in host.annotations).toBe(true);
        expect(host.site?.connection).toBe("connected");
      }
      if (deleting) {
        see("deleting");
        expect([node, ownerReferences]).toEqual([missing, controller]);
        expect(
          Date.parse(String((annotations as Record<string, string>)[timeout])),
        ).toBeLessThanOrEqual(atMs);
      }
    }),
    { numRuns: 2_000, seed: 7 },
  );
  // Choices that never get there prove nothing.
  for (const what of ["holding", "replacing", "deleting"])
    expect(seen.get(what)).toBeGreaterThan(5);
});
