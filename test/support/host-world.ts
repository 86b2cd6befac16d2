// One host and all that surrounds a decision about it: a Kubernetes that shows what is written, a site that
// runs what is ordered, a clock that tests move. Judges nothing; what a decision wrote is kept to look at.
import { decide } from "../../shared/host/decide.ts";
import type { Decision } from "../../shared/host/decision.ts";
import type { OperationView, Snapshot } from "../../shared/host/snapshot.ts";
import {
  bareMetalHost,
  type BareMetalHost,
  type BareMetalHostStatus,
} from "../../shared/metal3/bare-metal-host.ts";
import type { HardwareDetails } from "../../shared/metal3/hardware-details.ts";
import { validateBareMetalHost } from "../../shared/metal3/validate-bare-metal-host.ts";
import type {
  OperationFailure,
  OperationPayload,
  OperationResult,
} from "../../shared/protocol/operation.ts";
import type { SecretFact } from "../../shared/protocol/facts/secret-fact.ts";
import type { SecretPurpose } from "../../shared/protocol/facts/sealed-secret.ts";
import type { WriteBack } from "../../shared/protocol/write-back.ts";

export const startMs = Date.parse("2026-11-01T12:00:00Z");
export const hostUid = "7d4c3b1e-0000-4000-8000-000000000001";
const imageUrl = "http://images.example/debian.qcow2";
export const image = { url: imageUrl, checksum: "a".repeat(64), checksumType: "sha256" as const };

export const hardware: HardwareDetails = {
  cpu: { arch: "x86_64", count: 8 },
  ramMebibytes: 8192,
  hostname: "metal-0",
  systemVendor: { serialNumber: "M-1" },
  nics: [{ name: "eth0", mac: "52:54:00:00:00:01" }],
  storage: [
    { name: "/dev/sda", serialNumber: "D-1", sizeBytes: 20 * 1024 ** 3, type: "HDD" },
    { name: "/dev/sdb", serialNumber: "D-2", sizeBytes: 40 * 1024 ** 3, type: "HDD" },
  ],
};
export const disks = [
  { name: "/dev/sda", serialNumber: "D-1", sizeBytes: 20 * 1024 ** 3 },
  { name: "/dev/sdb", serialNumber: "D-2", sizeBytes: 40 * 1024 ** 3 },
];
export const identity = { macs: ["52:54:00:00:00:01"], serialNumber: "M-1" };

const bmcAddress = "ipmi://192.0.2.10";

export function makeHost(spec: object = {}, metadata: object = {}): BareMetalHost {
  return bareMetalHost.parse({
    apiVersion: "metal3.io/v1alpha1",
    kind: "BareMetalHost",
    metadata: {
      name: "metal-0",
      namespace: "metal",
      uid: hostUid,
      resourceVersion: "1",
      generation: 1,
      ...metadata,
    },
    spec: {
      online: true,
      bmc: { address: bmcAddress, credentialsName: "metal-0-bmc" },
      bootMACAddress: "52:54:00:00:00:01",
      ...spec,
    },
  });
}

export function makeFact(purpose: SecretPurpose, name: string, version = "100"): SecretFact {
  return {
    hostUid,
    purpose,
    name,
    found: true,
    uid: `uid-of-${name}`,
    resourceVersion: version,
    sealed: {
      v: 1,
      keyFingerprint: "f",
      enc: "",
      ciphertext: "",
      context: {
        cluster: "east",
        site: "lab",
        hostUid,
        purpose,
        secretUid: `uid-of-${name}`,
        secretVersion: version,
        bmcAddress: purpose === "bmc" ? bmcAddress : "",
      },
    },
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface HostWorld {
  /** Change what the next decision sees. */
  readonly seen: Mutable<Snapshot>;
  readonly host: Mutable<BareMetalHost>;
  /** Everything written so far, statuses included. */
  readonly writes: WriteBack[];
  readonly decisions: Decision[];
  /** Payload of the newest operation. */
  readonly ordered: OperationPayload | undefined;
  /** States that Kubernetes showed, in order. */
  readonly states: readonly string[];
  /** Writes wait for catchUp; otherwise the next decision sees them. */
  kubernetesIsSlow: boolean;
  catchUp(): void;
  decide(): Decision;
  /** Decides and shows the writes until nothing moves; time stands still. */
  settle(): Decision;
  succeed(result: OperationResult): Decision;
  fail(failure: Partial<OperationFailure> & Pick<OperationFailure, "kind">): Decision;
  /** Lets time pass, then settles. */
  pass(ms: number): Decision;
  events(): readonly string[];
  /** The version that a login tries now. */
  credentialsVersion(): string;
  /** Runs the plain path until the host is in this state. */
  reach(state: "inspecting" | "preparing" | "available" | "provisioning" | "provisioned"): void;
}

export function makeHostWorld(host: BareMetalHost = makeHost(), seen: Partial<Snapshot> = {}) {
  const world = new World(host, seen);
  return world as HostWorld;
}

class World implements HostWorld {
  readonly seen: Mutable<Snapshot>;
  readonly writes: WriteBack[] = [];
  readonly decisions: Decision[] = [];
  ordered: OperationPayload | undefined;
  readonly states: string[] = [];
  kubernetesIsSlow = false;
  readonly #pending: WriteBack[] = [];

  constructor(host: BareMetalHost, seen: Partial<Snapshot>) {
    this.seen = {
      nowMs: startMs,
      cluster: "east",
      host,
      invalid: [],
      memory: undefined,
      hardware: undefined,
      site: { kind: "site", name: "lab", connection: "connected", lastSeenMs: startMs },
      clusterLink: { kind: "current" },
      secrets: { bmc: makeFact("bmc", "metal-0-bmc") },
      operation: undefined,
      power: { on: false, atMs: 1 },
      bmcProblem: undefined,
      claimConflict: undefined,
      ...seen,
    };
  }

  get host(): Mutable<BareMetalHost> {
    return this.seen.host;
  }

  decide(): Decision {
    this.seen.invalid = validateBareMetalHost(this.seen.host);
    const before = this.seen.operation;
    const decision = decide(structuredClone(this.seen));
    this.decisions.push(decision);
    this.seen.memory = decision.memory;
    if (decision.consumed !== undefined) this.seen.operation = undefined;
    if (before !== undefined && decision.cancel === before.id) {
      this.seen.operation = { ...before, cancelled: true };
    }
    if (decision.command !== undefined) this.#start(decision);
    this.#show(decision);
    return decision;
  }

  #start({ memory, command }: Decision): void {
    if (command === undefined) return;
    this.ordered = command.payload;
    const operation: OperationView = {
      id: `${hostUid}.${memory.operationCount}`,
      kind: command.payload.kind,
      revision: memory.revision,
      allocation: memory.allocation,
      attempt: memory.attempt + 1,
      state: "pending",
      createdAtMs: this.seen.nowMs,
      cancelled: false,
    };
    this.seen.operation = operation;
  }

  #show(decision: Decision): void {
    const { namespace, name, uid } = this.seen.host.metadata;
    const { status } = decision;
    const shown = status === undefined ? [] : [structuredClone(status)];
    const statuses = shown.map((each) => ({
      kind: "status" as const,
      namespace,
      name,
      uid,
      status: each,
    }));
    const writes = [...decision.writes, ...statuses];
    this.writes.push(...writes);
    this.#pending.push(...writes);
    if (!this.kubernetesIsSlow) this.catchUp();
  }

  catchUp(): void {
    for (const write of this.#pending.splice(0)) this.#apply(write);
  }

  #apply(write: WriteBack): void {
    const { host } = this.seen;
    if (write.kind === "hardware-data") this.seen.hardware = write.hardware;
    if (write.kind === "architecture") {
      this.seen.host = { ...host, spec: { ...host.spec, architecture: write.architecture } };
    }
    if (write.kind === "claim-secret" && write.purpose === "bmc") {
      this.seen.secrets = { ...this.seen.secrets, bmc: makeFact("bmc", write.secretName, "101") };
    }
    if (write.kind === "status") this.#applyStatus(write.status);
    if (write.kind !== "metadata") return;
    const gone = new Set(write.removeFinalizers);
    const finalizers = [...(host.metadata.finalizers ?? []), ...(write.addFinalizers ?? [])];
    const annotations = Object.entries(host.metadata.annotations ?? {}).filter(
      ([key]) => write.removeAnnotations?.includes(key) !== true,
    );
    this.seen.host = {
      ...host,
      metadata: {
        ...host.metadata,
        finalizers: [...new Set(finalizers)].filter((name) => !gone.has(name)),
        annotations: Object.fromEntries(annotations),
      },
    };
  }

  #applyStatus(status: BareMetalHostStatus): void {
    this.seen.host = { ...this.seen.host, status };
    const { state } = status.provisioning;
    if (this.states.at(-1) !== state) this.states.push(state);
  }

  settle(): Decision {
    for (let round = 0; round < 30; round += 1) {
      const before = JSON.stringify(this.seen);
      const decision = this.decide();
      if (JSON.stringify(this.seen) === before) return decision;
    }
    throw new Error(`does not settle: ${JSON.stringify(this.decisions.at(-1)?.because)}`);
  }

  succeed(result: OperationResult): Decision {
    return this.#end({ state: "succeeded", result });
  }

  fail(failure: Partial<OperationFailure> & Pick<OperationFailure, "kind">): Decision {
    const whole = {
      message: `the operation failed: ${failure.kind}`,
      destroyed: false,
      ...failure,
    };
    return this.#end({ state: "failed", failure: whole });
  }

  #end(end: Partial<OperationView>): Decision {
    const { operation, nowMs } = this.seen;
    if (operation === undefined) throw new Error("no operation is running");
    this.seen.operation = { ...operation, startedAtMs: nowMs, endedAtMs: nowMs, ...end };
    return this.settle();
  }

  pass(ms: number): Decision {
    this.seen.nowMs += ms;
    return this.settle();
  }

  credentialsVersion(): string {
    return this.seen.memory?.status.triedCredentials?.credentialsVersion ?? "";
  }

  events(): readonly string[] {
    return this.writes.flatMap((write) => (write.kind === "event" ? [write.reason] : []));
  }

  reach(state: string): void {
    this.settle();
    for (let round = 0; round < 20; round += 1) {
      if (this.host.status?.provisioning.state === state) return;
      if (this.seen.operation === undefined) {
        throw new Error(`stuck before ${state}: ${JSON.stringify(this.decisions.at(-1)?.because)}`);
      }
      const { kind } = this.seen.operation;
      if (kind === "recall") throw new Error(`asked about a write before ${state}`);
      this.succeed(plainResult(kind, this.ordered, this.credentialsVersion()));
    }
    throw new Error(`never reached ${state}`);
  }
}

/** What the site answers when all goes well. */
export function plainResult(
  kind: Exclude<OperationView["kind"], "recall">,
  payload: OperationPayload | undefined,
  credentialsVersion = "101",
): Exclude<OperationResult, { kind: "recall" }> {
  switch (kind) {
    case "register":
      return {
        kind,
        on: false,
        protocol: "IPMI 2.0",
        manufacturerId: 0,
        firmware: "1.0",
        credentialsVersion,
      };
    case "inspect":
      return { kind, on: true, hardware, identity, disks };
    case "clean":
      return {
        kind,
        on: true,
        disks: disks.map((disk) => ({
          disk,
          ok: true,
          method: "wiped signatures",
          detail: "",
          erasedBytes: 1,
        })),
      };
    case "provision":
      return {
        kind,
        on: true,
        disk: disks[0] ?? { name: "", sizeBytes: 0 },
        contentDigest: "d".repeat(64),
        writtenBytes: 1,
        durationMs: 1,
        bootEntry: "Farrier",
      };
    case "power":
      return { kind, on: payload?.kind === "power" ? payload.want !== "off" : true };
  }
}
