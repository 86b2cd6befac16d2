import { expect, test } from "vitest";
import { err, ok } from "../../shared/result.ts";
import { makeManualClock } from "../../test/support/control-plane/manual-clock.ts";
import { hostObject, memoryOf } from "../../test/support/control-plane/store-world.ts";
import type { CommitError, HostCommit, HostRows } from "../ports.ts";
import type { Result } from "../../shared/result.ts";
import { makeMetrics } from "./metrics.ts";
import { reconcileHost, type ReconcileDeps } from "./reconcile-host.ts";

const spec = {
  online: true,
  bmc: { address: "ipmi://192.0.2.1", credentialsName: "s" },
  bootMACAddress: "52:54:00:00:00:01",
};

function makeRows(more: Partial<HostRows> = {}, object: object = { spec }): HostRows {
  return {
    host: {
      uid: "a",
      cluster: "east",
      namespace: "metal",
      name: "name-a",
      version: 4,
      object: hostObject("a", "11", object),
      deleted: false,
      site: "lab",
      memory: undefined,
      power: undefined,
      bmcProblem: undefined,
    },
    feedsComplete: true,
    namespaceKnown: true,
    hardware: undefined,
    namespaceAnnotations: {},
    secrets: [],
    operation: undefined,
    sites: [{ name: "lab", lastSeenMs: 0 }],
    clusterLink: { lastSeenMs: 0, behind: false },
    elders: [],
    ...more,
  };
}

function makeDeps(
  rows: HostRows | undefined,
  answer: (commit: HostCommit, attempt: number) => Result<readonly string[], CommitError>,
) {
  const commits: HostCommit[] = [];
  const rested: number[] = [];
  const forgotten: number[] = [];
  const notified: string[] = [];
  const machines: string[] = [];
  const logged: Record<string, unknown>[] = [];
  const log = (message: string, fields: object = {}) => void logged.push({ message, ...fields });
  const deps: ReconcileDeps = {
    store: {
      loadHost: () => Promise.resolve(rows),
      commitHost(commit) {
        commits.push(commit);
        return Promise.resolve(answer(commit, commits.length));
      },
      forgetHost(_uid, version) {
        forgotten.push(version);
        return Promise.resolve(["machine"]);
      },
      restHost(_uid, version) {
        rested.push(version);
        return Promise.resolve();
      },
    },
    bus: {
      notify: (topics, when = "now") =>
        void notified.push(...topics.map((each) => `${when} ${each}`)),
    },
    machineDecisions: {
      decide(uids) {
        machines.push(...uids);
        return Promise.resolve();
      },
    },
    clock: makeManualClock(),
    log: { info: log, warn: log, error: log },
    metrics: makeMetrics(),
  };
  return { deps, commits, rested, forgotten, notified, machines, logged };
}

test("reconcileHost takes a new snapshot when somebody else committed first", async () => {
  const { deps, commits, notified, logged } = makeDeps(makeRows(), (_commit, attempt) =>
    attempt < 3 ? err("stale", "stale") : ok([]),
  );
  expect(await reconcileHost(deps, "a")).toBe("decided");
  expect(commits).toHaveLength(3);
  expect(notified).toContain("now cluster:east");
  expect(logged.filter(({ message }) => message === "decided")).toMatchObject([
    { host: "name-a", namespace: "metal", cluster: "east", site: "lab" },
  ]);
});

test("reconcileHost does not press for a status that shows no other state", async () => {
  const host = { ...makeRows().host, memory: memoryOf("registering") };
  Object.assign(host.object.metadata, { finalizers: ["baremetalhost.metal3.io"] });
  const { deps, commits, notified } = makeDeps(makeRows({ host }), () => ok([]));
  await reconcileHost(deps, "a");
  const written = commits[0]?.outbox.flatMap(({ delivery }) =>
    delivery.kind === "write" ? [delivery.write.kind] : [],
  );
  expect(written).toEqual(["status"]);
  expect(notified).toContain("soon cluster:east");
  expect(notified).not.toContain("now cluster:east");
});

test("reconcileHost has the machines decided about that the host concerns", async () => {
  const { deps, machines } = makeDeps(makeRows(), () => ok(["m-1", "m-2"]));
  await reconcileHost(deps, "a");
  expect(machines).toEqual(["m-1", "m-2"]);
});

test("reconcileHost gives up after some attempts and says so", async () => {
  const { deps, commits, logged } = makeDeps(makeRows(), () => err("stale", "stale"));
  expect(await reconcileHost(deps, "a")).toBe("busy");
  expect(commits).toHaveLength(8);
  expect(logged).toMatchObject([{ message: "host busy" }]);
});

test("reconcileHost decides with the conflict when another host holds a claim", async () => {
  const memory = memoryOf("registering");
  memory.status.lastUpdated = "2026-11-01T00:00:00Z";
  const object = hostObject("a", "11", { spec, status: memory.status });
  Object.assign(object.metadata, { finalizers: ["baremetalhost.metal3.io"] });
  const host = { ...makeRows().host, object, memory };
  const { deps, commits } = makeDeps(makeRows({ host }), (commit) =>
    commit.blocked ? ok([]) : err("claimed", "boot MAC address x is used by another host"),
  );
  expect(await reconcileHost(deps, "a")).toBe("decided");
  expect(commits.map(({ blocked }) => blocked)).toEqual([false, true]);
  expect(commits[0]?.claims).toContainEqual({ kind: "mac", value: "52:54:00:00:00:01" });
  expect(commits[1]?.memory.status.errorMessage).toContain("is used by another host");
  expect(commits[1]).toMatchObject({ document: undefined, operation: undefined });
});

test("reconcileHost decides nothing while the cluster was not listed whole", async () => {
  const { deps, commits, rested } = makeDeps(makeRows({ feedsComplete: false }), () => ok([]));
  await reconcileHost(deps, "a");
  expect([commits, rested]).toEqual([[], [4]]);
});

test("reconcileHost decides nothing about a new host before its namespace is known", async () => {
  const { deps, commits, rested } = makeDeps(makeRows({ namespaceKnown: false }), () => ok([]));
  await reconcileHost(deps, "a");
  expect([commits, rested]).toEqual([[], [4]]);
  const host = { ...makeRows().host, deleted: true };
  const gone = makeDeps(makeRows({ namespaceKnown: false, host }), () => ok([]));
  await reconcileHost(gone.deps, "a");
  expect(gone.commits).toMatchObject([{ gone: true }]);
});

test("reconcileHost starts nothing from an object that does not fit its kind", async () => {
  const { deps, commits, rested, logged } = makeDeps(
    makeRows({}, { spec: { online: "yes", bmc: { address: 7 } } }),
    () => ok([]),
  );
  await reconcileHost(deps, "a");
  expect([commits, rested]).toEqual([[], [4]]);
  expect(logged[0]).toMatchObject({ message: "host not understood" });
  expect(String(logged[0]?.["problem"])).toContain("spec.bmc.address");
});

test("reconcileHost is done when the host is gone from the store", async () => {
  const { deps, commits } = makeDeps(undefined, () => ok([]));
  expect(await reconcileHost(deps, "a")).toBe("decided");
  expect(commits).toEqual([]);
});

test("reconcileHost forgets and adopts a host of which Kubernetes shows a newer status than was decided", async () => {
  const memory = memoryOf("registering");
  const shown = memoryOf("available").status;
  memory.status.lastUpdated = "2026-11-01T12:00:00Z";
  memory.stamps = { seen: "2026-11-01T11:59:00Z", own: [memory.status.lastUpdated] };
  shown.lastUpdated = "2026-11-01T12:00:01Z";
  const lost = makeRows({}, { spec, status: shown });
  const { deps, commits, forgotten, machines } = makeDeps(undefined, () => ok([]));
  const loadHost = () =>
    Promise.resolve({
      ...lost,
      host: { ...lost.host, ...(forgotten.length > 0 ? {} : { memory }) },
    });
  const adopting = { ...deps, store: { ...deps.store, loadHost } };
  expect(await reconcileHost(adopting, "a")).toBe("decided");
  expect(forgotten).toEqual([4]);
  expect(machines).toEqual(["machine"]);
  expect(commits.map(({ memory: kept }) => kept?.status.provisioning.state)).toEqual(["available"]);
  memory.stamps.own.push(shown.lastUpdated);
  forgotten.length = 0;
  await reconcileHost(adopting, "a");
  expect(forgotten).toEqual([]);
});
