// Takes a snapshot of one object of the machine side, decides, commits; again if somebody else committed first, or with
// the host that was claimed. Judges nothing itself: the rules are shared/machine/ and shared/openshift/.
import type { MachineDecision } from "../../../shared/machine/decision.ts";
import type { ClusterSnapshot, MachineSnapshot } from "../../../shared/machine/snapshot.ts";
import type {
  MachineSetSnapshot,
  OpenShiftMachineSnapshot,
} from "../../../shared/openshift/snapshot.ts";
import type {
  Bus,
  Clock,
  Crypto,
  Log,
  MachineCommit,
  MachineRows,
  MachineStore,
} from "../../ports.ts";
import { wakeLinks } from "../../wake-links.ts";
import type { DecisionQueue } from "../decision-queue.ts";
import type { Metrics } from "../metrics.ts";
import { makeMachineCommit } from "./make-machine-commit.ts";
import { makeMachineSnapshot } from "./make-machine-snapshot.ts";

interface Snapshots {
  readonly machine: MachineSnapshot;
  readonly cluster: ClusterSnapshot;
  readonly "openshift-machine": OpenShiftMachineSnapshot;
  readonly "machine-set": MachineSetSnapshot;
}
export type AnySnapshot = Snapshots[keyof Snapshots];

/** The rules, by the kind of the snapshot. */
export type MachineRules = {
  readonly [K in keyof Snapshots]: (snapshot: Snapshots[K]) => MachineDecision;
};

export interface ReconcileMachineDeps {
  readonly rules: MachineRules;
  readonly store: Pick<MachineStore, "loadMachine" | "claimHost" | "commitMachine" | "restMachine">;
  readonly bus: Pick<Bus, "notify">;
  readonly machineDecisions: Pick<DecisionQueue, "decide">;
  readonly clock: Clock;
  readonly crypto: Pick<Crypto, "randomHex">;
  readonly log: Log;
  readonly metrics: Metrics;
}

const maxAttempts = 8;

/** "decided": committed, or nothing to decide. "busy": others kept being first; the machine stays due. */
export async function reconcileMachine(
  deps: ReconcileMachineDeps,
  uid: string,
): Promise<"decided" | "busy"> {
  const startedMs = deps.clock.nowMs();
  let claimed: MachineRows | undefined;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const rows = claimed ?? (await deps.store.loadMachine(uid));
    if (rows === undefined) return "decided";
    const moment = { nowMs: deps.clock.nowMs(), draw: deps.crypto.randomHex(8) };
    const snapshot = makeMachineSnapshot(rows, moment);
    if (!rows.feedsComplete || !snapshot.ok) {
      // A change of an object, or the end of the first whole list of each resource, wakes it.
      await deps.store.restMachine(uid, rows.machine.version);
      if (!snapshot.ok) logInvalid(deps, rows, snapshot.error.message);
      return "decided";
    }
    const decision = decide(deps.rules, snapshot.value);
    claimed = undefined;
    if (decision.claim !== undefined) claimed = await claim(deps, rows, decision.claim);
    else if (await commit(deps, { rows, decision, startedMs })) return "decided";
  }
  deps.log.warn("machine busy", { uid, attempts: maxAttempts });
  deps.metrics.count("metal3_reconcile_error_total", {});
  return "busy";
}

function decide(rules: MachineRules, snapshot: AnySnapshot): MachineDecision {
  switch (snapshot.kind) {
    case "machine":
      return rules.machine(snapshot);
    case "cluster":
      return rules.cluster(snapshot);
    case "openshift-machine":
      return rules["openshift-machine"](snapshot);
    case "machine-set":
      return rules["machine-set"](snapshot);
  }
}

function logInvalid(
  deps: ReconcileMachineDeps,
  { machine: { resource, name, namespace, cluster } }: MachineRows,
  problem: string,
): void {
  deps.metrics.count("metal3_reconcile_error_total", {});
  deps.log.error("machine not understood", {
    resource,
    machine: name,
    namespace,
    cluster,
    problem,
  });
}

/** The rows with the host that was claimed: whatever else has changed meanwhile has moved the version on. */
async function claim(
  { store, metrics, log }: ReconcileMachineDeps,
  rows: MachineRows,
  candidates: readonly string[],
): Promise<MachineRows | undefined> {
  const { machine } = rows;
  const { uid, version, name, namespace, cluster } = machine;
  const claimed = await store.claimHost(uid, version, candidates);
  const host = claimed.ok ? claimed.value : undefined;
  const hostUid = host?.uid;
  const without = claimed.ok ? "none left" : "stale";
  const outcome = hostUid === undefined ? without : "claimed";
  metrics.count("farrier_host_claims_total", { outcome });
  log.info("host claim", { uid, machine: name, namespace, cluster, outcome, hostUid });
  if (host === undefined) return undefined;
  const now = { ...machine, version: version + 1, hostUid, node: undefined };
  return { ...rows, machine: now, hosts: [host] };
}

interface Decided {
  readonly rows: MachineRows;
  readonly decision: MachineDecision;
  readonly startedMs: number;
}

/** False: somebody else committed first. */
async function commit(deps: ReconcileMachineDeps, decided: Decided): Promise<boolean> {
  const { rows, decision, startedMs } = decided;
  const written = makeMachineCommit(rows.machine, decision);
  const done = await deps.store.commitMachine(written);
  if (!done.ok) return false;
  wakeLinks(deps.bus, written.outbox);
  const durationMs = deps.clock.nowMs() - startedMs;
  logDecision(deps, { ...decided, written, durationMs });
  const { reason } = decision.because;
  const { resource } = rows.machine;
  deps.metrics.count("farrier_machine_decisions_total", { resource, reason });
  deps.metrics.observe("farrier_decision_seconds", {}, durationMs / 1000);
  void deps.machineDecisions.decide(done.value);
  return true;
}

function logDecision(
  { log, clock }: ReconcileMachineDeps,
  {
    rows,
    decision,
    written,
    durationMs,
  }: Decided & { readonly written: MachineCommit; readonly durationMs: number },
): void {
  const { name, namespace, cluster, uid, resource, hostUid } = rows.machine;
  const { next, because } = decision;
  log.info("machine decided", {
    resource,
    machine: name,
    namespace,
    cluster,
    uid,
    hostUid,
    host: rows.hosts.find((host) => host.uid === hostUid)?.name,
    release: decision.release || undefined,
    writes: decision.writes.map(({ kind }) => kind).join(" "),
    next: next.kind,
    awaited: next.kind === "wait" ? next.awaited.join(" ") : undefined,
    wakeInMs: written.wakeAtMs === undefined ? undefined : written.wakeAtMs - clock.nowMs(),
    reason: because.reason,
    because: because.message,
    durationMs,
  });
}
