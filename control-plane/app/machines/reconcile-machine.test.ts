import { expect, test } from "vitest";
import { makeManualClock } from "../../../test/support/control-plane/manual-clock.ts";
import { hostRow, machineRows } from "../../../test/support/control-plane/machine-rows.ts";
import type { MachineDecision } from "../../../shared/machine/decision.ts";
import { err, ok } from "../../../shared/result.ts";
import type { MachineCommit, MachineRows, MachineStore } from "../../ports.ts";
import { makeMetrics } from "../metrics.ts";
import { reconcileMachine, type ReconcileMachineDeps } from "./reconcile-machine.ts";

/** A decision that needs no rules: it claims while there is no host, and is content with one. */
function decideSimply({ hosts, host }: { hosts: readonly { uid: string }[]; host: unknown }) {
  const decision: MachineDecision = {
    memory: { status: { host } },
    claim: host === undefined ? hosts.map(({ uid }) => uid) : undefined,
    release: false,
    writes: [],
    next: { kind: "settled" },
    because: { reason: "Test", message: "A test." },
  };
  return decision;
}

function makeDeps(
  load: (attempt: number) => MachineRows | undefined,
  store: Partial<MachineStore> = {},
) {
  const commits: MachineCommit[] = [];
  const rested: number[] = [];
  const decided: string[] = [];
  const logged: Record<string, unknown>[] = [];
  const log = (message: string, fields: object = {}) => void logged.push({ message, ...fields });
  let loads = 0;
  const metrics = makeMetrics();
  const deps: ReconcileMachineDeps = {
    store: {
      async loadMachine() {
        loads += 1;
        return load(loads);
      },
      claimHost: async (_uid, _version, [first = ""]) => ok(hostRow(first)),
      async commitMachine(commit) {
        commits.push(commit);
        return ok(["m-2"]);
      },
      async restMachine(_uid, version) {
        rested.push(version);
      },
      ...store,
    },
    bus: { notify: () => undefined },
    machineDecisions: {
      async decide(uids) {
        decided.push(...uids);
      },
    },
    clock: makeManualClock(),
    crypto: { randomHex: (bytes) => "ab".repeat(bytes) },
    log: { info: log, warn: log, error: log },
    metrics,
    rules: {
      machine: ({ hosts, host }) => decideSimply({ hosts, host }),
      cluster: () => decideSimply({ hosts: [], host: "none" }),
      "openshift-machine": () => decideSimply({ hosts: [], host: "none" }),
      "machine-set": () => decideSimply({ hosts: [], host: "none" }),
    },
  };
  return { deps, commits, rested, decided, logged, metrics };
}

const hosts = [hostRow("h-1"), hostRow("h-2")];

test("reconcileMachine decides again with the host that it has claimed", async () => {
  const { deps, commits, decided, logged, metrics } = makeDeps(() => machineRows({ hosts }));
  expect(await reconcileMachine(deps, "m")).toBe("decided");
  const status = { host: { uid: "h-1" } };
  expect(commits).toMatchObject([{ uid: "m", version: 5, memory: { status } }]);
  expect(decided).toEqual(["m-2"]);
  expect(logged).toMatchObject([
    { message: "host claim", outcome: "claimed", hostUid: "h-1" },
    { message: "machine decided", machine: "name-m", host: "name-h-1", reason: "Test" },
  ]);
  expect(metrics.text()).toContain('farrier_host_claims_total{outcome="claimed"} 1');
});

test("reconcileMachine looks again when none of the hosts is left", async () => {
  const load = (attempt: number) =>
    machineRows({ hosts: attempt > 1 ? [] : hosts }, attempt > 1 ? { hostUid: "h-3" } : {});
  const claims: (readonly string[])[] = [];
  const { deps, logged } = makeDeps(load, {
    async claimHost(_uid, _version, candidates) {
      claims.push(candidates);
      return ok(undefined);
    },
  });
  expect(await reconcileMachine(deps, "m")).toBe("busy");
  expect(claims[0]).toEqual(["h-1", "h-2"]);
  expect(logged[0]).toMatchObject({ message: "host claim", outcome: "none left" });
});

test("reconcileMachine takes a new snapshot when somebody else committed first, and gives up in time", async () => {
  let tries = 0;
  const { deps } = makeDeps(() => machineRows({ hosts }, { hostUid: "h-1" }), {
    async commitMachine() {
      tries += 1;
      return tries < 3 ? err("stale", "stale") : ok([]);
    },
  });
  expect(await reconcileMachine(deps, "m")).toBe("decided");
  expect(tries).toBe(3);
  const { deps: never, logged } = makeDeps(() => machineRows({ hosts }, { hostUid: "h-1" }), {
    commitMachine: async () => err("stale", "stale"),
  });
  expect(await reconcileMachine(never, "m")).toBe("busy");
  expect(logged).toMatchObject([{ message: "machine busy" }]);
});

test("reconcileMachine decides nothing while the cluster was not listed whole", async () => {
  const { deps, commits, rested } = makeDeps(() => machineRows({ hosts, feedsComplete: false }));
  await reconcileMachine(deps, "m");
  expect([commits, rested]).toEqual([[], [4]]);
});

test("reconcileMachine lets an object rest that does not fit its kind, and says which field", async () => {
  const { deps, commits, rested, logged } = makeDeps(() =>
    machineRows({ owner: { metadata: {} } }),
  );
  await reconcileMachine(deps, "m");
  expect([commits, rested]).toEqual([[], [4]]);
  expect(logged).toMatchObject([{ message: "machine not understood", machine: "name-m" }]);
});

test("reconcileMachine decides about a Metal3Cluster by its own rules", async () => {
  const { deps, commits } = makeDeps(() => machineRows({}, { resource: "metal3clusters" }));
  await reconcileMachine(deps, "m");
  expect(commits).toMatchObject([{ memory: { status: { host: "none" } } }]);
});

test("reconcileMachine is done when the row is gone", async () => {
  const { deps, commits } = makeDeps(() => undefined);
  expect(await reconcileMachine(deps, "m")).toBe("decided");
  expect(commits).toEqual([]);
});
