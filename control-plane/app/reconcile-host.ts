// Around hop 4 of 8 (shared/host/decide), next: hop 5 (control-plane/store/hosts/commit-host). Takes a snapshot of
// one host, decides, commits; again if somebody else committed first. Judges nothing itself.
import { isOvertaken } from "../../shared/host/adopt.ts";
import { decide } from "../../shared/host/decide.ts";
import type { Decision } from "../../shared/host/decision.ts";
import type { Snapshot } from "../../shared/host/snapshot.ts";
import type { Bus, Clock, HostCommit, HostRows, HostStore, Log } from "../ports.ts";
import { wakeLinks } from "../wake-links.ts";
import { makeCommit } from "./make-commit.ts";
import { makeSnapshot } from "./make-snapshot.ts";
import type { Metrics } from "./metrics.ts";
import type { DecisionQueue } from "./decision-queue.ts";
import { countDecision } from "./count-decision.ts";

export interface ReconcileDeps {
  readonly store: Pick<HostStore, "loadHost" | "commitHost" | "restHost" | "forgetHost">;
  readonly bus: Pick<Bus, "notify">;
  /** Of the machine that has the host, or waits for one. */
  readonly machineDecisions: Pick<DecisionQueue, "decide">;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const maxAttempts = 8;

/** "decided": committed, or nothing to decide. "busy": others kept committing first; the host stays due. */
export async function reconcileHost(deps: ReconcileDeps, uid: string): Promise<"decided" | "busy"> {
  const startedMs = deps.clock.nowMs();
  let claimConflict: string | undefined;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const rows = await deps.store.loadHost(uid);
    if (rows === undefined) return "decided";
    const snapshot = makeSnapshot(rows, deps.clock.nowMs(), claimConflict);
    if (!isWhole(rows) || !snapshot.ok) {
      // A change of the object, its namespace, or the end of the first whole list of each resource wakes the host.
      await deps.store.restHost(uid, rows.host.version);
      if (!snapshot.ok) logInvalid(deps, rows, snapshot.error.message);
      return "decided";
    }
    if (isOvertaken(snapshot.value)) {
      logOvertaken(deps, rows);
      void deps.machineDecisions.decide(await deps.store.forgetHost(uid, rows.host.version));
      continue;
    }
    const decision = decide(snapshot.value);
    const commit = makeCommit(rows, snapshot.value, decision);
    const done = await deps.store.commitHost(commit);
    if (done.ok) {
      void deps.machineDecisions.decide(done.value);
      wakeLinks(deps.bus, commit.outbox, isNewState(rows, commit));
      logDecision(deps, startedMs, { rows, snapshot: snapshot.value, decision, commit });
      countDecision(deps.metrics, rows, decision);
      deps.metrics.observe("farrier_decision_seconds", {}, (deps.clock.nowMs() - startedMs) / 1000);
      return "decided";
    }
    if (done.error.kind === "claimed") claimConflict = done.error.message;
  }
  deps.log.warn("host busy", { uid, attempts: maxAttempts });
  deps.metrics.count("metal3_reconcile_error_total", {});
  return "busy";
}

/** A host that is new is not decided about before all is known that may name its site. */
function isWhole({ feedsComplete, namespaceKnown, host }: HostRows): boolean {
  return feedsComplete && (namespaceKnown || host.deleted || host.memory !== undefined);
}

/** Its work begins when Kubernetes shows it. */
function isNewState({ host: { memory } }: HostRows, commit: HostCommit): boolean {
  return memory?.status.provisioning.state !== commit.memory.status.provisioning.state;
}

function logOvertaken(deps: ReconcileDeps, rows: HostRows): void {
  const { name, namespace, cluster } = rows.host;
  const message = "database went back in time: Kubernetes shows a newer status of a host";
  deps.log.warn(message, { host: name, namespace, cluster });
}

function logInvalid(deps: ReconcileDeps, rows: HostRows, problem: string): void {
  const { name, namespace, cluster } = rows.host;
  deps.metrics.count("metal3_reconcile_error_total", {});
  deps.log.error("host not understood", { host: name, namespace, cluster, problem });
}

interface Decided {
  readonly rows: HostRows;
  readonly snapshot: Snapshot;
  readonly decision: Decision;
  readonly commit: HostCommit;
}

function logDecision(
  deps: ReconcileDeps,
  startedMs: number,
  { rows, snapshot, decision, commit }: Decided,
): void {
  const { name, namespace, cluster, uid } = rows.host;
  const { operation } = commit;
  deps.log.info("decided", {
    host: name,
    namespace,
    cluster,
    uid,
    site: commit.site,
    state: decision.memory.status.provisioning.state,
    from: rows.host.memory?.status.provisioning.state,
    next: decision.next.kind,
    wakeInMs: commit.wakeAtMs === undefined ? undefined : commit.wakeAtMs - snapshot.nowMs,
    operation: operation?.operation.id ?? rows.operation?.id,
    operationKind: operation?.operation.payload.kind ?? rows.operation?.kind,
    attempt: operation?.operation.attempt ?? rows.operation?.attempt,
    reason: decision.because.reason,
    because: decision.because.message,
    durationMs: deps.clock.nowMs() - startedMs,
  });
}
