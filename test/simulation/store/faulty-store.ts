// What a database does to one control-plane instance: it fails before a statement ran, or after, so that nobody knows
// whether it did; or it takes its time. Wraps any store, and the notifications beside it.
import type { Notifications, Store } from "../../../control-plane/ports.ts";
import { SqlError } from "./sql-error.ts";

/** SQLSTATEs of statements that did nothing. */
export type RolledBackCode = "08006" | "40001" | "40P01" | "57P01" | "53300" | "25006";

export type StoreFault =
  | { readonly kind: "error-before"; readonly code: RolledBackCode }
  /** The statement was committed; its answer is lost. */
  | { readonly kind: "error-after" }
  /** Waits before the statement runs. Virtual milliseconds. */
  | { readonly kind: "slow"; readonly ms: number };

export interface StoreConditions {
  readonly sleep: (ms: number) => Promise<void>;
  /** Asked once a statement, by its name in the port. */
  readonly decide: (statement: StatementName) => StoreFault | undefined;
  /** Each way, virtual milliseconds; asked twice a statement. */
  readonly latencyMs?: ((statement: StatementName) => number) | undefined;
}

export type StatementName = keyof Store;

/** Complete, or it does not compile. */
const statements: Readonly<Record<StatementName, true>> = {
  surroundings: true,
  claimants: true,
  applyFeed: true,
  applySecrets: true,
  loadHost: true,
  commitHost: true,
  acceptObservations: true,
  restHost: true,
  takeDueHosts: true,
  loadAgent: true,
  openSession: true,
  renewLease: true,
  sessionOfToken: true,
  takeOutbox: true,
  ackOutbox: true,
  siteKeys: true,
  addCluster: true,
  addSite: true,
  addToken: true,
  enrol: true,
  setAgentState: true,
  clusterOfAdmissionToken: true,
  listClusters: true,
  listSites: true,
  listAgents: true,
  listHosts: true,
  listOperations: true,
  prune: true,
};
export const statementNames = Object.keys(statements) as readonly StatementName[];

export function makeFaultyStore(store: Store, conditions: StoreConditions): Store {
  return wrapStore(store, (statement, run) => withFault(conditions, statement, run));
}

/** A store each of whose statements goes through `call`. */
export function wrapStore(
  store: Store,
  call: <T>(statement: StatementName, run: () => Promise<T>) => Promise<T>,
): Store {
  const wrapped = Object.fromEntries(
    statementNames.map((statement) => [
      statement,
      (...given: unknown[]) =>
        call(statement, () =>
          (store[statement] as (...given: unknown[]) => Promise<unknown>)(...given),
        ),
    ]),
  );
  return wrapped as unknown as Store;
}

async function withFault<T>(
  { sleep, decide, latencyMs }: StoreConditions,
  statement: StatementName,
  run: () => Promise<T>,
): Promise<T> {
  const fault = decide(statement);
  const travel = async (): Promise<void> => {
    const ms = latencyMs?.(statement) ?? 0;
    if (ms > 0) await sleep(ms);
  };
  await travel();
  if (fault?.kind === "error-before") throw failure(fault.code);
  if (fault?.kind === "slow") await sleep(fault.ms);
  const value = await run();
  await travel();
  if (fault?.kind === "error-after") throw failure("08006");
  return value;
}

const meanings: Readonly<Record<RolledBackCode, string>> = {
  "08006": "the connection was lost",
  "40001": "could not serialize access",
  "40P01": "deadlock detected",
  "57P01": "terminating connection due to administrator command",
  "53300": "too many connections",
  "25006": "cannot execute in a read-only transaction",
};

function failure(code: RolledBackCode): SqlError {
  return new SqlError(code, meanings[code]);
}

export interface NotificationConditions {
  /** Whether this message does not arrive. */
  readonly loses: () => boolean;
  /** Whether nothing arrives at all, as through a pooler. */
  readonly deaf: () => boolean;
  /** Whether sending fails. */
  readonly refuses?: (() => boolean) | undefined;
}

/** For one instance: what it hears and sends. */
export function makeFaultyNotifications(
  notifications: Notifications,
  { loses, deaf, refuses }: NotificationConditions,
): Notifications {
  return {
    listen: (channel, onMessage, onReady) =>
      notifications.listen(
        channel,
        (payload) => {
          if (!deaf() && !loses()) onMessage(payload);
        },
        onReady,
      ),
    async notify(channel, payload) {
      if (refuses?.() === true) throw failure("08006");
      await notifications.notify(channel, payload);
    },
  };
}
