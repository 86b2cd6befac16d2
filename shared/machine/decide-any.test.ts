// decideMachine and decideCluster answer whatever they are shown, with writes that the protocol and the definitions
// take: a snapshot of any strings, numbers and gaps never makes them throw.
import fc from "fast-check";
import { expect, test } from "vitest";
import { metal3ClusterStatus } from "../capm3/v1beta2/metal3-cluster.ts";
import { metal3MachineStatus } from "../capm3/v1beta2/metal3-machine.ts";
import { writeBack } from "../protocol/write-back.ts";
import { decideCluster } from "./decide-cluster.ts";
import { decideMachine } from "./decide-machine.ts";
import type { MachineDecision } from "./decision.ts";
import { machineMemory, type ClusterSnapshot, type MachineSnapshot } from "./snapshot.ts";

type Fields = Record<string, fc.Arbitrary<unknown>>;
const some = (fields: Fields) => fc.record(fields, { requiredKeys: [] });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const text = fc.oneof(
  fc.constantFrom("", "metal", "worker-1", "__proto__", "constructor", "east", "m1"),
  fc.string({ maxLength: 20 }),
);
const flag = fc.boolean();
/** Mostly the first, so that what lies behind it is looked at too. */
const mostly = <T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: usual }, { weight: 1, arbitrary: other });
const usually = <T>(arbitrary: fc.Arbitrary<T>) =>
  mostly<T | undefined>(arbitrary, fc.constant(undefined));
const name = mostly(fc.constant("worker-1"), text);
const namespace = mostly(fc.constant("metal"), fc.constantFrom("other", ""));
const key = fc.oneof(
  text,
  text,
  fc.constantFrom(
    "cluster.x-k8s.io/paused",
    "cluster.x-k8s.io/managed-by",
    "cluster.x-k8s.io/cluster-name",
    "baremetalhost.metal3.io/paused",
    "metal3.io/BareMetalHost",
  ),
);
const strings = fc.dictionary(key, text, { maxKeys: 2 });
const time = fc.constantFrom("2026-11-01T12:00:00Z", "never", "");
const secret = some({ name: text, namespace: text });
const reason = fc.constantFrom("A", "Paused", "AssociateBareMetalHostFailed");
const conditionTypes = fc.constantFrom(
  "Ready",
  "AssociateBareMetalHost",
  "BaremetalInfrastructureReady",
  "Other",
  "farrier.dev/Node",
);
const condition = fc.record({
  type: conditionTypes,
  status: fc.constantFrom("True", "False", "Unknown"),
  reason,
  message: text,
  lastTransitionTime: time,
});
const deprecated = fc.record({
  v1beta1: some({
    conditions: fc.array(
      fc.record({
        type: fc.constantFrom("Ready", "AssociateBMH"),
        status: text,
        lastTransitionTime: time,
      }),
      { maxLength: 3 },
    ),
    failureReason: text,
  }),
});
const status = {
  conditions: fc.uniqueArray(condition, { selector: ({ type }) => type, maxLength: 4 }),
  deprecated,
  initialization: fc.record({ provisioned: flag }),
  lastUpdated: time,
};

const finalizers = [
  "metal3machine.infrastructure.cluster.x-k8s.io",
  "metal3cluster.infrastructure.cluster.x-k8s.io",
  "other/one",
];
const metadata = fc.record({
  name,
  namespace,
  uid: text,
  resourceVersion: text,
  generation: maybe(fc.integer()),
  deletionTimestamp: mostly<string | undefined>(fc.constant(undefined), time),
  labels: maybe(strings),
  annotations: maybe(strings),
  finalizers: usually(mostly(fc.constant(finalizers), fc.subarray(finalizers))),
});

const expression = fc.record({
  key: text,
  operator: fc.oneof(text, fc.constantFrom("In", "notin", "EXISTS", "Gt", "lt", "=", "!")),
  values: fc.array(fc.oneof(text, fc.integer().map(String)), { maxLength: 2 }),
});
const machineSpec = some({
  automatedCleaningMode: fc.constantFrom("metadata", "disabled"),
  customDeploy: fc.record({ method: text }),
  dataTemplate: secret,
  failureDomain: text,
  hostSelector: some({
    matchLabels: strings,
    matchExpressions: fc.array(expression, { minLength: 1, maxLength: 2 }),
  }),
  image: fc.record(
    { url: text, checksum: text, checksumType: fc.constant("md5"), diskFormat: fc.constant("raw") },
    { requiredKeys: ["url"] },
  ),
  metaData: secret,
  networkData: secret,
  providerID: text,
  userData: secret,
});
const consumerRef = some({ apiVersion: text, kind: text, name: text, namespace: text });
const ours = fc.record({
  apiVersion: fc.constant("infrastructure.cluster.x-k8s.io/v1beta1"),
  kind: fc.constant("Metal3Machine"),
  name,
  namespace,
});
const host = fc.record({
  uid: fc.constantFrom("h1", "h2", "h3"),
  namespace,
  name: text,
  labels: strings,
  annotations: strings,
  deleting: mostly(fc.constant(false), flag),
  gone: mostly(fc.constant(false), flag),
  spec: some({
    automatedCleaningMode: fc.constantFrom("metadata", "disabled"),
    bmc: fc.record({ address: text, credentialsName: text }),
    consumerRef: mostly<object>(ours, consumerRef),
    customDeploy: fc.record({ method: text }),
    disablePowerOff: flag,
    externallyProvisioned: flag,
    image: fc.record({ url: text }),
    metaData: secret,
    networkData: secret,
    online: flag,
    userData: secret,
  }),
  state: mostly(fc.constantFrom("available", "provisioned", "deprovisioning", "ready"), text),
  errorMessage: fc.oneof(fc.constant(""), fc.string({ maxLength: 3000 })),
  operationalStatus: text,
  poweredOn: flag,
  operation: maybe(fc.string({ maxLength: 3000 })),
  hardware: maybe(
    some({
      hostname: fc.oneof(text, fc.string({ minLength: 257, maxLength: 300 })),
      nics: fc.array(some({ ip: text }), { maxLength: 50 }),
    }),
  ),
  systemUuid: maybe(text),
  site: maybe(
    fc.record({ name: text, connection: fc.constantFrom("connected", "degraded", "unreachable") }),
  ),
  claimedBy: maybe(text),
});
const coreStatus = some({
  initialization: fc.record({ infrastructureProvisioned: mostly(fc.constant(true), flag) }),
  nodeRef: fc.record({ name: text }),
  deprecated: fc.record({
    v1beta1: fc.record({
      conditions: fc.array(
        fc.record({
          type: fc.constantFrom("InfrastructureReady", "BootstrapReady"),
          status: fc.constantFrom("True", "False"),
        }),
        { maxLength: 2 },
      ),
    }),
  }),
});
const reference = fc.record({ kind: text, name: text });
const coreCluster = fc.record(
  {
    metadata,
    spec: some({ paused: flag, infrastructureRef: reference }),
    status: coreStatus,
  },
  { requiredKeys: ["metadata", "spec", "status"] },
);
const owner = fc.record(
  {
    metadata,
    spec: fc.record(
      {
        clusterName: text,
        bootstrap: some({ dataSecretName: text, configRef: reference }),
        failureDomain: text,
      },
      { requiredKeys: ["clusterName", "bootstrap"] },
    ),
    status: coreStatus,
  },
  { requiredKeys: ["metadata", "spec", "status"] },
);
const memory = fc.record(
  {
    status: fc.oneof(some(status), fc.dictionary(text, fc.anything())) as fc.Arbitrary<object>,
    host: fc.record({ uid: fc.constantFrom("h1", "h2"), shown: flag }),
    labelledSecret: text,
    nodeAskedAtMs: fc.integer(),
    told: text,
  },
  { requiredKeys: ["status"] },
);
const nowMs = fc.integer({ min: 0, max: 4e12 });
const object = (spec: fc.Arbitrary<unknown>, kind: string) =>
  fc.record(
    {
      apiVersion: fc.constant("infrastructure.cluster.x-k8s.io/v1beta2"),
      kind: fc.constant(kind),
      metadata,
      spec,
      status: some({
        ...status,
        userData: secret,
        renderedData: fc.record({ name: fc.constant("data") }),
      }),
    },
    { requiredKeys: ["apiVersion", "kind", "metadata", "spec"] },
  );
const clusterSpec = some({
  cloudProviderEnabled: flag,
  controlPlaneEndpoint: some({ host: text, port: fc.integer() }),
  failureDomains: fc.array(fc.record({ name: fc.string({ minLength: 1, maxLength: 9 }) }), {
    minLength: 1,
    maxLength: 2,
  }),
});

const machineSnapshot = fc.record({
  kind: fc.constant("machine"),
  resource: fc.constant("metal3machines"),
  nowMs,
  object: object(machineSpec, "Metal3Machine"),
  deleted: fc.constantFrom(false, false, false, true),
  memory: maybe(memory),
  coreCluster: usually(coreCluster),
  owner: usually(owner),
  metal3Cluster: usually(object(clusterSpec, "Metal3Cluster")),
  host: usually(host),
  hosts: fc.array(host, { maxLength: 4 }),
  node: maybe(
    fc.record(
      {
        machineUid: text,
        outcome: fc.constantFrom("linked", "missing", "conflict", "problem"),
        nodeName: text,
        providerID: text,
        message: fc.string({ maxLength: 1024 }),
      },
      { requiredKeys: ["machineUid", "outcome"] },
    ),
  ),
  draw: text,
}) as unknown as fc.Arbitrary<MachineSnapshot>;

const clusterSnapshot = fc.record({
  kind: fc.constant("cluster"),
  resource: fc.constant("metal3clusters"),
  nowMs,
  object: object(clusterSpec, "Metal3Cluster"),
  deleted: fc.constantFrom(false, false, false, true),
  memory: maybe(memory),
  coreCluster: usually(coreCluster),
  machines: fc.array(text, { maxLength: 5 }),
}) as unknown as fc.Arbitrary<ClusterSnapshot>;

function judge(snapshot: MachineSnapshot | ClusterSnapshot, decision: MachineDecision): void {
  for (const write of decision.writes) writeBack.parse(write);
  machineMemory.parse(decision.memory);
  expect(decision.because.reason).toMatch(/^[A-Za-z0-9]+$/);
  expect(decision.because.message).not.toBe("");
  const isLeft = decision.writes.length === 0 && decision.next.kind !== "wait";
  if (snapshot.deleted || isLeft) return;
  const schema = snapshot.kind === "machine" ? metal3MachineStatus : metal3ClusterStatus;
  const { conditions = [] } = schema.parse(decision.memory.status);
  expect(new Set(conditions.map(({ type }) => type)).size).toBe(conditions.length);
}

test("decideMachine answers any snapshot, and the same way twice", () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(machineSnapshot, (snapshot) => {
      const before = structuredClone(snapshot);
      const decision = decideMachine(snapshot);
      expect(snapshot).toEqual(before);
      expect(decideMachine(snapshot)).toEqual(decision);
      judge(snapshot, decision);
      reached.add(decision.because.reason);
    }),
    { numRuns: 400, seed: 5 },
  );
  // Snapshots that never get there prove nothing.
  for (const place of ["Provisioning", "NodeConflict", "NodeLinked", "Released", "HostGone"]) {
    expect(reached).toContain(place);
  }
});

test("decideCluster answers any snapshot, and the same way twice", () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(clusterSnapshot, (snapshot) => {
      const before = structuredClone(snapshot);
      const decision = decideCluster(snapshot);
      expect(snapshot).toEqual(before);
      expect(decideCluster(snapshot)).toEqual(decision);
      judge(snapshot, decision);
      reached.add(decision.because.reason);
    }),
    { numRuns: 300, seed: 5 },
  );
  expect(reached.size).toBeGreaterThan(5);
});
