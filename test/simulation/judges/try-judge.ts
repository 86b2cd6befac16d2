// What a judge says of events that a test makes up.
import type { Happened, KubernetesObject, WorldEvent } from "../world/events.ts";
import type { MachineTruth, Truth } from "../world/truth.ts";
import { makeJudges } from "./judge.ts";
import type { JudgeKind } from "./judge.ts";

/** `at`: seconds. */
export type Made = Happened & { readonly at: number };

export interface Given {
  readonly truth?: Partial<Truth>;
  /** When the run ends, s; the time of the last event when absent. */
  readonly until?: number;
}

/** Messages of the violations. Objects that events store are in the truth, too. */
export function tryJudge(
  kind: JudgeKind,
  events: readonly Made[],
  given: Given = {},
): readonly string[] {
  const judges = makeJudges([kind]);
  const objects = new Map<string, KubernetesObject>();
  let [nowMs, changes] = [0, 0];
  const truth: Truth = {
    nowMs: () => nowMs,
    machines: new Map(),
    images: [],
    get changes() {
      return changes;
    },
    clusters: ["c"],
    sites: ["site-1"],
    guards: new Map(),
    objects: () => objects,
    hostsOf(name) {
      const address = `ipmi://${truth.machines.get(name)?.bmcAddress}`;
      return [...objects.values()]
        .filter(({ spec }) => (spec?.["bmc"] as { address?: string })?.address === address)
        .map((object) => ({ cluster: "c", object }));
    },
    rows: () => undefined,
    journal: () => [],
    revisions: () => new Map(),
    holders: () => ["site-1"],
    waiting: () => 0,
    healed: false,
    ...given.truth,
  };
  for (const [at, made] of events.entries()) {
    nowMs = made.at * 1_000;
    changes += 1;
    if (made.kind === "object" && made.verb === "gone") objects.delete(made.path);
    else if (made.kind === "object") objects.set(made.path, made.after);
    judges.onEvent({ ...made, atMs: nowMs, number: at + 1 } as WorldEvent, truth);
  }
  nowMs = (given.until ?? nowMs / 1_000) * 1_000;
  judges.atEnd(truth);
  return judges.violations.map(({ message }) => message);
}

export function madeMachine(given: Partial<MachineTruth> = {}): MachineTruth {
  return {
    name: "m1",
    site: "site-1",
    bmcAddress: "10.1.0.11:623",
    macs: ["52:54:01:00:01:00"],
    systemUuid: "",
    serialNumber: "SN-m1",
    on: true,
    running: "nothing",
    system: undefined,
    boot: 1,
    override: undefined,
    disks: [],
    quirks: [],
    passwordNumber: 1,
    password: "right",
    failedLogins: 0,
    lockedOut: false,
    openSessions: 0,
    ...given,
  };
}

interface HostFields {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly version?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deleted?: boolean;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

/** A host of `madeMachine()`. */
export function madeHost(fields: HostFields = {}): KubernetesObject {
  const { name = "h", namespace = "a", uid = "u", version = "1", annotations = {} } = fields;
  return {
    kind: "BareMetalHost",
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion: version,
      annotations,
      ...(fields.deleted === true ? { deletionTimestamp: "2026-11-01T12:00:00Z" } : {}),
    },
    spec: {
      online: true,
      bootMACAddress: "52:54:01:00:01:00",
      bmc: { address: "ipmi://10.1.0.11:623", credentialsName: "h-bmc" },
      ...fields.spec,
    },
    status: fields.status ?? {},
  };
}

/** In the namespace of `madeHost()`. */
export function madeMetal3Machine(name: string, deleted = false): KubernetesObject {
  const metadata = {
    name,
    namespace: "a",
    uid: `uid of ${name}`,
    resourceVersion: "1",
    ownerReferences: [{ kind: "Machine", name }],
  };
  const deletionTimestamp = "2026-11-01T12:00:00Z";
  return {
    kind: "Metal3Machine",
    metadata: deleted ? { ...metadata, deletionTimestamp } : metadata,
    spec: {},
  };
}

const openShiftVersion = "machine.openshift.io/v1beta1";

/** Of `madeMachineSet()`, in the namespace of `madeHost()`. */
export function madeOpenShiftMachine(
  name: string,
  { deleted = false, spec = {} }: { readonly deleted?: boolean; readonly spec?: object } = {},
): KubernetesObject {
  const { kind: _kind, metadata } = madeMetal3Machine(name, deleted);
  const owner = { kind: "MachineSet", name: "workers", uid: "uid of workers", controller: true };
  return {
    apiVersion: openShiftVersion,
    kind: "Machine",
    metadata: { ...metadata, ownerReferences: [owner] },
    spec: { ...spec },
  };
}

export function madeMachineSet(replicas: number, status: object = { replicas }): KubernetesObject {
  return {
    apiVersion: openShiftVersion,
    kind: "MachineSet",
    metadata: { name: "workers", namespace: "a", uid: "uid of workers", resourceVersion: "1" },
    spec: { replicas },
    status: { ...status },
  };
}

export function stored(
  at: number,
  after: KubernetesObject,
  more: Partial<Extract<Happened, { readonly kind: "object" }>> = {},
): Made {
  const { namespace = "", name } = after.metadata;
  const path = `/${after.kind}/${namespace}/${name}`;
  const verb = "update";
  return {
    at,
    kind: "object",
    cluster: "c",
    path,
    verb,
    by: "kubectl",
    before: after,
    after,
    ...more,
  };
}
