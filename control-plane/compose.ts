// Puts the control plane together: the only file that names adapters. Entry files bring the runtime and the store.
import type { Hono } from "hono";
import { makeDecisionQueue, type DecisionQueue } from "./app/decision-queue.ts";
import { startDueTimer, sweepDueRows } from "./app/due-rows.ts";
import { makeFleetFacts } from "./app/look-up-fleet.ts";
import { makeMetrics, type Metrics } from "./app/metrics.ts";
import { reconcileMachine } from "./app/machines/reconcile-machine.ts";
import { reconcileHost } from "./app/reconcile-host.ts";
import { createApp } from "./http/app.ts";
import type { UpgradeWebSocket } from "./http/link.ts";
import { startBus } from "./links/bus.ts";
import { makeOpenSessions } from "./links/open-sessions.ts";
import { decideCluster } from "../shared/machine/decide-cluster.ts";
import { decideMachine } from "../shared/machine/decide-machine.ts";
import { decideOpenShiftMachine } from "../shared/openshift/decide-machine.ts";
import { decideMachineSet } from "../shared/openshift/set/decide-machine-set.ts";
import type { Clock, Crypto, Log, Notifications, Store } from "./ports.ts";

export interface Runtime {
  readonly store: Store;
  readonly notifications: Notifications;
  /** Whether the database answers. */
  readonly ping: () => Promise<boolean>;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly upgradeWebSocket: UpgradeWebSocket;
  /** Name of this instance, for people. */
  readonly instance: string;
  /** Addresses that agents may have signed as ours. */
  readonly origins: readonly string[];
  readonly adminToken: string | undefined;
}

export interface ControlPlane {
  readonly app: Hono;
  readonly store: Store;
  readonly metrics: Metrics;
  /** Decides about everything that is due, besides the timer: for platforms that stop idle instances. */
  sweep(): Promise<number>;
  /** Resolves when no decision is waiting or running. */
  idle(): Promise<void>;
  /** Sends the agents elsewhere and ends what runs. Does not close the database. */
  stop(): Promise<void>;
}

const concurrency = 6;
const rules = {
  machine: decideMachine,
  cluster: decideCluster,
  "openshift-machine": decideOpenShiftMachine,
  "machine-set": decideMachineSet,
};

export async function compose(runtime: Runtime): Promise<ControlPlane> {
  const { store, notifications, clock, crypto, log } = runtime;
  const metrics = makeMetrics();
  const bus = await startBus({ notifications, clock, crypto, log });
  const sessions = makeOpenSessions(crypto);
  bus.onNotify((topic) => sessions.notify(topic));
  metrics.gauge("farrier_links_open", () => sessions.count());
  metrics.gauge("farrier_bus_polling", () => (bus.mode() === "poll" ? 1 : 0));
  const machineDecisions: DecisionQueue = makeDecisionQueue(
    (uid) =>
      reconcileMachine({ rules, store, bus, machineDecisions, clock, crypto, log, metrics }, uid),
    { concurrency, log },
  );
  const decisions = makeDecisionQueue(
    (uid) => reconcileHost({ store, bus, machineDecisions, clock, log, metrics }, uid),
    { concurrency, log },
  );
  const due = { store, decisions, machineDecisions, clock, log };
  const timer = startDueTimer(due);
  // Decisions about hosts wake machines, and not the other way round.
  const idle = async () => {
    await decisions.idle();
    await machineDecisions.idle();
  };
  const app = createApp({
    store,
    links: store,
    bus,
    clock,
    crypto,
    log,
    metrics,
    decisions,
    machineDecisions,
    sessions,
    instance: runtime.instance,
    origins: runtime.origins,
    upgradeWebSocket: runtime.upgradeWebSocket,
    fleet: makeFleetFacts({ store, clock, log }),
    adminTokenHash:
      runtime.adminToken === undefined ? undefined : await crypto.sha256Hex(runtime.adminToken),
    ping: runtime.ping,
  });
  return {
    app,
    store,
    metrics,
    sweep: () => sweepDueRows(due),
    idle,
    async stop() {
      timer.stop();
      sessions.goaway();
      await idle();
      await bus.stop();
    },
  };
}
