// One Metal3Machine, the hosts of its namespace and cluster-api's objects: a Kubernetes that shows what is written, a
// host controller that follows the hosts' specs, a clock that tests move. Judges nothing.
import { metal3Machine, type Metal3Machine } from "../../shared/capm3/v1beta2/metal3-machine.ts";
import { metal3MachineTemplate } from "../../shared/capm3/v1beta2/metal3-machine-template.ts";
import { metal3Cluster } from "../../shared/capm3/v1beta2/metal3-cluster.ts";
import { coreCluster, coreMachine } from "../../shared/machine/core-objects.ts";
import { decideMachine } from "../../shared/machine/decide-machine.ts";
import { tellProgressMs } from "../../shared/machine/status/progress.ts";
import type { MachineDecision } from "../../shared/machine/decision.ts";
import type { HostView, MachineSnapshot } from "../../shared/machine/snapshot.ts";
import { hasDeployment, ownerByReference } from "../../shared/metal3/consumer.ts";
import type { WriteBack } from "../../shared/protocol/write-back.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Patch = Readonly<Record<string, unknown>>;

export const machineUid = "3b0c3b1e-0000-4000-8000-000000000001";
export const machineImage = {
  url: "http://images.example/debian.qcow2",
  checksum: "a".repeat(64),
  checksumType: "sha256" as const,
  diskFormat: "qcow2" as const,
};

export function makeHostView(name: string, fields: Partial<HostView> = {}): HostView {
  return {
    uid: `uid-${name}`,
    namespace: "metal",
    name,
    labels: {},
    annotations: {},
    deleting: false,
    gone: false,
    spec: { online: false, bmc: { address: "ipmi://192.0.2.10", credentialsName: `${name}-bmc` } },
    state: "available",
    errorMessage: "",
    operationalStatus: "OK",
    poweredOn: false,
    isOff: true,
    operation: undefined,
    hardware: { hostname: name, nics: [{ name: "eth0", ip: "192.0.2.7" }] },
    systemUuid: "7d4c3b1e-0000-4000-8000-000000000009",
    site: { name: "lab", connection: "connected" },
    claimedBy: undefined,
    ...fields,
  };
}

export function makeMachine(spec: object = {}, metadata: object = {}): Metal3Machine {
  return metal3Machine.parse({
    apiVersion: "infrastructure.cluster.x-k8s.io/v1beta2",
    kind: "Metal3Machine",
    metadata: {
      name: "worker-1",
      namespace: "metal",
      uid: machineUid,
      resourceVersion: "1",
      generation: 1,
      ...metadata,
    },
    spec: { image: machineImage, ...spec },
  });
}

export function makeCoreMachine(spec: object = {}, status: object = {}) {
  return coreMachine.parse({
    metadata: { name: "worker-1", namespace: "metal", uid: "m", resourceVersion: "1" },
    spec: { clusterName: "east", bootstrap: { dataSecretName: "worker-1-bootstrap" }, ...spec },
    status,
  });
}

export function makeCoreCluster(spec: object = {}, isReady = true) {
  return coreCluster.parse({
    metadata: { name: "east", namespace: "metal", uid: "c", resourceVersion: "1" },
    spec: { infrastructureRef: { kind: "Metal3Cluster", name: "east" }, ...spec },
    status: { initialization: { infrastructureProvisioned: isReady } },
  });
}

export function makeMetal3Cluster(spec: object = {}, metadata: object = {}) {
  return metal3Cluster.parse({
    apiVersion: "infrastructure.cluster.x-k8s.io/v1beta2",
    kind: "Metal3Cluster",
    metadata: {
      name: "east",
      namespace: "metal",
      uid: "mc",
      resourceVersion: "1",
      generation: 1,
      ...metadata,
    },
    spec: { controlPlaneEndpoint: { host: "192.0.2.1", port: 6443 }, ...spec },
  });
}

export function makeTemplate(spec: object = {}, metadata: object = {}) {
  return metal3MachineTemplate.parse({
    apiVersion: "infrastructure.cluster.x-k8s.io/v1beta2",
    kind: "Metal3MachineTemplate",
    metadata: {
      name: "workers",
      namespace: "metal",
      uid: "t",
      resourceVersion: "1",
      generation: 1,
      ...metadata,
    },
    spec: { template: { spec: { image: machineImage, ...spec } } },
  });
}

export function makeSnapshot(fields: Partial<MachineSnapshot> = {}): Mutable<MachineSnapshot> {
  return {
    kind: "machine",
    resource: "metal3machines",
    nowMs: Date.parse("2026-11-01T12:00:00Z"),
    object: makeMachine(),
    deleted: false,
    memory: undefined,
    coreCluster: makeCoreCluster(),
    owner: makeCoreMachine(),
    metal3Cluster: makeMetal3Cluster(),
    template: undefined,
    host: undefined,
    hosts: [],
    node: undefined,
    draw: "00000000000000d0",
    ...fields,
  };
}

/** As a merge patch, one level below `target`'s fields: null removes. */
export function merged<T extends object>(target: T, patch: Patch | undefined): T {
  const fields: Record<string, unknown> = Object.fromEntries(Object.entries(target));
  for (const [key, value] of Object.entries(patch ?? {})) {
    if (value === null) delete fields[key];
    else fields[key] = value;
  }
  return fields as T;
}

export class MachineWorld {
  readonly hosts: HostView[];
  readonly seen: Mutable<MachineSnapshot>;
  readonly decisions: MachineDecision[] = [];
  readonly writes: WriteBack[] = [];
  /** Writes that Kubernetes does not show yet; while it is slow. */
  readonly pending: WriteBack[] = [];
  isSlow = false;
  /** The workload cluster, when a Node is to be removed. */
  nodesAnswer = true;
  /** On their way: nothing replaces them any more. */
  readonly sent: WriteBack[] = [];
  #claimed: string | undefined;

  constructor(hosts: readonly HostView[], snapshot: Partial<MachineSnapshot> = {}) {
    this.hosts = [...hosts];
    this.seen = makeSnapshot(snapshot);
  }

  get claimed(): HostView | undefined {
    return this.hosts.find(({ uid }) => uid === this.#claimed);
  }

  host(name: string): HostView {
    const found = this.hosts.find((host) => host.name === name);
    if (found === undefined) throw new Error(`no host ${name}`);
    return found;
  }

  setHost(name: string, fields: Partial<HostView>): void {
    const index = this.hosts.findIndex((host) => host.name === name);
    const old = this.hosts[index];
    if (old !== undefined) this.hosts[index] = { ...old, ...fields };
  }

  setSpec(name: string, spec: Patch): void {
    const host = this.hosts.find((one) => one.name === name);
    if (host !== undefined) this.setHost(name, { spec: merged(host.spec, spec) });
  }

  setObject(metadata: object, spec: Patch = {}): void {
    const { object } = this.seen;
    this.seen.object = {
      ...object,
      metadata: { ...object.metadata, ...metadata },
      spec: merged(object.spec, spec),
    };
    const { deletionTimestamp, finalizers = [] } = this.seen.object.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0) this.seen.deleted = true;
  }

  snapshot(): MachineSnapshot {
    const hosts = this.hosts.map((host) =>
      host.uid === this.#claimed ? { ...host, claimedBy: machineUid } : host,
    );
    const host = hosts.find(({ uid }) => uid === this.#claimed);
    return structuredClone({ ...this.seen, host, hosts: host === undefined ? hosts : [] });
  }

  /** One decision, and what the control plane and Kubernetes make of it. */
  decide(): MachineDecision {
    const decision = decideMachine(this.snapshot());
    this.decisions.push(decision);
    if (decision.claim !== undefined) {
      const free = (uid: string) =>
        this.hosts.some((host) => host.uid === uid && host.claimedBy === undefined);
      this.#claimed = decision.claim.find(free);
      return decision;
    }
    if (decision.release) {
      this.#claimed = undefined;
      this.seen.node = undefined;
    }
    this.seen.memory = structuredClone(decision.memory);
    for (const write of decision.writes) {
      this.writes.push(write);
      if (this.isSlow) this.#queue(write);
      else this.apply(write);
    }
    return decision;
  }

  /** All that the control plane knew. What was told to a Kubernetes that is slow is lost with it. */
  loseDatabase(): void {
    this.seen.memory = undefined;
    this.seen.node = undefined;
    this.#claimed = undefined;
    this.pending.splice(0);
    this.arrive();
  }

  /** Of a kind that the newest replaces. */
  #queue(write: WriteBack): void {
    const isReplaced = ["host-patch", "provider-patch", "provider-status"].includes(write.kind);
    const index = this.pending.findIndex(({ kind }) => isReplaced && kind === write.kind);
    if (index >= 0) this.pending.splice(index, 1);
    this.pending.push(write);
  }

  send(): void {
    this.sent.push(...this.pending.splice(0));
  }

  arrive(): void {
    for (const write of this.sent.splice(0)) this.apply(write);
  }

  catchUp(): void {
    this.send();
    this.arrive();
  }

  apply(write: WriteBack): void {
    if (write.kind === "host-patch") this.#patchHost(write);
    if (write.kind === "provider-status") {
      const object = { ...this.seen.object, status: write.status };
      this.seen.object = metal3Machine.parse(structuredClone(object));
    }
    if (write.kind === "provider-patch") this.#patchObject(write);
    if (write.kind === "remove-node" && this.nodesAnswer)
      this.seen.node = { machineUid, outcome: "missing", removed: true };
  }

  #patchHost(write: Extract<WriteBack, { kind: "host-patch" }>): void {
    const host = this.hosts.find(({ uid }) => uid === write.uid);
    if (host === undefined || host.gone) return;
    const owner = ownerByReference(host.spec.consumerRef, write.consumer, host.namespace);
    if (owner === "other") return;
    if (owner === "nobody" && (write.spec?.["consumerRef"] ?? null) === null) return;
    const deploySpec = hasDeployment(host.spec) ? {} : write.deploySpec;
    const spec = merged(merged(host.spec, write.spec), deploySpec);
    const labels = merged(host.labels, write.labels);
    this.setHost(host.name, {
      spec,
      labels,
      annotations: merged(host.annotations, write.annotations),
    });
  }

  #patchObject(write: Extract<WriteBack, { kind: "provider-patch" }>): void {
    const { metadata } = this.seen.object;
    const gone = new Set(write.removeFinalizers);
    const finalizers = [...(metadata.finalizers ?? []), ...(write.addFinalizers ?? [])];
    const kept = [...new Set(finalizers)].filter((name) => !gone.has(name));
    this.setObject(
      { finalizers: kept, annotations: merged(metadata.annotations ?? {}, write.annotations) },
      write.spec,
    );
  }

  /** What the host controller makes of a host's spec: a state each time. */
  runHosts(): void {
    for (const { name, spec, state } of this.hosts) {
      const isWanted = spec.image !== undefined || spec.customDeploy !== undefined;
      if (state === "available" && isWanted) this.setHost(name, { state: "provisioning" });
      if (state === "provisioning") this.setHost(name, { state: "provisioned", poweredOn: true });
      if (state === "provisioned" && !isWanted) this.setHost(name, { state: "deprovisioning" });
      if (state === "deprovisioning") this.setHost(name, { state: "available", poweredOn: false });
    }
  }

  /** Decides until nothing moves; time and hosts stand still. */
  settle(): MachineDecision {
    for (let round = 0; round < 30; round += 1) {
      const before = JSON.stringify([this.seen, this.hosts, this.#claimed]);
      const decision = this.decide();
      if (JSON.stringify([this.seen, this.hosts, this.#claimed]) === before) return decision;
    }
    throw new Error(`does not settle: ${JSON.stringify(this.decisions.at(-1)?.because)}`);
  }

  /** Settles, also what is told only after a while. */
  settleAndTell(): MachineDecision {
    this.settle();
    this.seen.nowMs += tellProgressMs;
    return this.settle();
  }

  condition(type: string): { status: string; reason: string; message: string } | undefined {
    return this.seen.object.status?.conditions?.find((one) => one.type === type);
  }

  events(): readonly string[] {
    return this.writes.flatMap((write) => (write.kind === "event" ? [write.reason] : []));
  }
}
