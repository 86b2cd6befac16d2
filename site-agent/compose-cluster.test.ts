// The cluster link as a whole: it leads alone or not at all, and an ended session writes nothing any more.
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeVirtualClock } from "../infra/lab/bmc-simulator/virtual-clock.ts";
import { nodesBody } from "../shared/protocol/feed.ts";
import type { Welcome } from "../shared/protocol/frames.ts";
import type { WriteBack } from "../shared/protocol/write-back.ts";
import { FakeKubernetes } from "../test/support/fake-kubernetes.ts";
import { makeFakeHttpClient, type FakeAnswer } from "../test/support/fake-http-client.ts";
import { makeNodeCrypto } from "./adapters/node-crypto.ts";
import { openNodeDatabase } from "./adapters/node-database.ts";
import { startCluster, type OpenShiftChoice, type RunningCluster } from "./compose-cluster.ts";
import { prepareDatabase } from "./link/database.ts";
import type { HttpRequest } from "./ports.ts";

const host = "/apis/metal3.io/v1alpha1/namespaces/horses/baremetalhosts/m1";
const lease = "/apis/coordination.k8s.io/v1/namespaces/metal3/leases/baremetal-operator";
const write: WriteBack = {
  kind: "metadata",
  namespace: "horses",
  name: "m1",
  uid: "host-1",
  addFinalizers: ["baremetalhost.metal3.io"],
};

let clock: ReturnType<typeof makeVirtualClock>;
let kubernetes: FakeKubernetes;
let requests: HttpRequest[];
let answer: (request: HttpRequest) => FakeAnswer;
let cluster: RunningCluster;
let isConfirmed: boolean;
const logged: string[] = [];

beforeEach(() => {
  clock = makeVirtualClock(Date.parse("2026-11-01T12:00:00Z"));
  kubernetes = new FakeKubernetes();
  kubernetes.put(host, { metadata: { name: "m1", namespace: "horses", uid: "host-1" } });
  requests = [];
  isConfirmed = true;
  answer = () => ({ status: 409, body: new TextEncoder().encode('{"cursor":""}') });
  cluster = start(undefined);
});
afterEach(() => cluster.stop());

function start(openShift: OpenShiftChoice | undefined): RunningCluster {
  const database = openNodeDatabase(":memory:");
  prepareDatabase(database);
  const say = (message: string, fields?: object) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`);
  const http = makeFakeHttpClient((request) => {
    requests.push(request);
    return answer(request);
  });
  return startCluster(
    {
      api: kubernetes,
      connectCluster: () => kubernetes,
      http,
      database,
      clock,
      crypto: makeNodeCrypto(),
      log: { info: say, warn: say, error: say },
      lease: { isConfirmed: () => isConfirmed },
    },
    { feedUrl: "https://hub.example/", caPem: "the CA", openShift },
  );
}

function welcome(token = "t".repeat(64)): Welcome {
  return {
    type: "welcome",
    epoch: 1,
    serverTimeMs: 1,
    cluster: "stable",
    resync: "none",
    committedSeq: 0,
    leaseTtlMs: 20_000,
    sessionToken: token,
    sites: [],
  };
}
const renewLease = () =>
  kubernetes.put(lease, {
    metadata: { name: "baremetal-operator", namespace: "metal3" },
    spec: {
      holderIdentity: "bmo",
      renewTime: new Date(clock.nowMs()).toISOString(),
      leaseDurationSeconds: 15,
    },
  });
const finalizers = () => kubernetes.objects.get(host)?.metadata["finalizers"];

test("a session follows its cluster with its own bearer", async () => {
  cluster.welcome(welcome());
  await clock.advance(100);
  expect(requests[0]).toMatchObject({
    method: "POST",
    url: expect.stringMatching(/^https:\/\/hub\.example\/clusters\/stable\/feed\//),
    headers: { authorization: `Bearer ${"t".repeat(64)}` },
    ca: "the CA",
  });
  expect(await cluster.write(write)).toEqual({ ok: true });
  expect(finalizers()).toEqual(["baremetalhost.metal3.io"]);
});

test("what a process that was stopped finds in its socket is not written: another may have written since", async () => {
  cluster.welcome(welcome());
  await clock.advance(100);
  isConfirmed = false;
  expect(await cluster.write(write)).toMatchObject({ ok: false, retry: true });
  expect(finalizers()).toBeUndefined();
});

const openShift = { namespace: "horses", name: "o", uid: "o-1" } as const;
const toMachine: WriteBack = {
  kind: "provider-patch",
  resource: "machines.machine.openshift.io",
  ...openShift,
  spec: { providerID: "baremetalhost:///horses/m1/host-1" },
};
const toSet: WriteBack = {
  kind: "machine-set",
  ...openShift,
  generation: 1,
  make: ["o-bcdfg"],
  remove: [],
  adopt: [],
};

test.each([
  [undefined, [], []],
  ["machines", ["machines"], ["machines/o"]],
  ["machines-and-machinesets", ["machines", "machinesets"], ["machines/o", "machinesets/o"]],
] as const)(
  "with openShift %s what it keeps is followed and written, and nothing else",
  async (choice, followed, written) => {
    cluster.stop();
    cluster = start(choice);
    cluster.welcome(welcome());
    await clock.advance(100);
    const group = ".machine.openshift.io";
    const feeds = requests
      .map(({ url }) => url.replace(/.*\//, ""))
      .filter((name) => name.endsWith(group));
    expect([...new Set(feeds)].toSorted()).toEqual(followed.map((name) => name + group));
    kubernetes.requests.length = 0;
    expect(await cluster.write(toMachine)).toEqual({ ok: true });
    expect(await cluster.write(toSet)).toEqual({ ok: true });
    const asked = kubernetes.requests.flatMap(
      ({ path }) => /openshift.*horses\/(.*)/.exec(path)?.[1] ?? [],
    );
    expect(asked).toEqual(written);
  },
);

test("a new session follows with its own bearer, and the old one is not used again", async () => {
  cluster.welcome(welcome());
  await clock.advance(3_000);
  cluster.welcome(welcome("u".repeat(64)));
  requests.length = 0;
  await clock.advance(3_000);
  const bearers = new Set(requests.map(({ headers }) => headers?.["authorization"]));
  expect([...bearers]).toEqual([`Bearer ${"u".repeat(64)}`]);
});

test("an agent that was given no cluster follows nothing", async () => {
  const { cluster: _none, ...without } = welcome();
  cluster.welcome(without);
  await clock.advance(60_000);
  expect(requests).toEqual([]);
  expect(kubernetes.requests).toEqual([]);
});

test("while another operator leads nothing is followed or written, and that is said", async () => {
  renewLease();
  cluster.welcome(welcome());
  await clock.advance(2_000);
  expect(requests).toEqual([]);
  expect(await clock.until(cluster.write(write))).toMatchObject({
    ok: false,
    retry: true,
    message: expect.stringContaining("Another bare-metal operator leads"),
  });
  expect(finalizers()).toBeUndefined();
  expect(logged.join()).toContain("another operator leads");
  // It was stopped: its Lease is renewed no longer.
  await clock.advance(60_000);
  expect(requests.length).toBeGreaterThan(0);
  expect(await cluster.write(write)).toEqual({ ok: true });
});

test("an operator that begins later stops following and writing", async () => {
  cluster.welcome(welcome());
  await clock.advance(2_000);
  renewLease();
  await clock.advance(15_000);
  requests.length = 0;
  renewLease();
  await clock.advance(10_000);
  expect(requests).toEqual([]);
  expect(await clock.until(cluster.write(write))).toMatchObject({ ok: false, retry: true });
});

const provider = "controller-leader-election-capm3";
const renewProvider = () =>
  kubernetes.put(`/apis/coordination.k8s.io/v1/namespaces/capm3-system/leases/${provider}`, {
    metadata: { name: provider, namespace: "capm3-system" },
    spec: {
      holderIdentity: "capm3",
      renewTime: new Date(clock.nowMs()).toISOString(),
      leaseDurationSeconds: 15,
    },
  });
const feeds = () => new Set(requests.map(({ url }) => url.replace(/.*\//, "")));
const consumer = { kind: "Metal3Machine", namespace: "horses", name: "w1" };
const target = { namespace: "horses", name: "m1", uid: "host-1" };
const claim: WriteBack = {
  kind: "host-patch",
  ...target,
  consumer,
  spec: { consumerRef: consumer },
};

test("while another Metal3 machine provider leads hosts are kept as ever, and its kinds are left to it", async () => {
  renewProvider();
  cluster.welcome(welcome());
  await clock.advance(2_000);
  expect([...feeds()].toSorted()).toEqual(["baremetalhosts", "hardwaredata", "namespaces"]);
  expect(await cluster.write(claim)).toEqual({ ok: true });
  expect(kubernetes.objects.get(host)).not.toHaveProperty("spec.consumerRef");
  expect(await cluster.write(write)).toEqual({ ok: true });
  expect(finalizers()).toEqual(["baremetalhost.metal3.io"]);
  expect(logged.join()).toContain("Another Metal3 machine provider leads");
  // It was stopped: its Lease is renewed no longer.
  await clock.advance(40_000);
  expect([...feeds()]).toContain("metal3machines");
  expect(await cluster.write(claim)).toEqual({ ok: true });
  expect(kubernetes.objects.get(host)).toMatchObject({ spec: { consumerRef: consumer } });
});

test("a Metal3 machine provider that begins later gets its kinds, and keeps them through a new session", async () => {
  cluster.welcome(welcome());
  await clock.advance(2_000);
  expect([...feeds()]).toContain("metal3machines");
  renewProvider();
  await clock.advance(5_000);
  requests.length = 0;
  renewProvider();
  cluster.welcome(welcome("u".repeat(64)));
  await clock.advance(10_000);
  expect([...feeds()].toSorted()).toEqual(["baremetalhosts", "hardwaredata", "namespaces"]);
});

test.each([
  { kind: "provider-patch", resource: "metal3machines", ...target },
  { kind: "provider-status", resource: "metal3clusters", ...target, status: {} },
  { kind: "label-secret", ...target, secretName: "s", labels: {} },
  {
    kind: "event",
    ...target,
    about: { apiVersion: "x", kind: "Metal3Machine" },
    eventName: "e",
    type: "Normal",
    reason: "R",
    message: "m",
    atMs: 0,
  },
] as const satisfies readonly WriteBack[])(
  "while another Metal3 machine provider leads no $kind is written for it",
  async (word) => {
    renewProvider();
    cluster.welcome(welcome());
    await clock.advance(2_000);
    kubernetes.requests.length = 0;
    expect(await cluster.write(word)).toEqual({ ok: true });
    expect(kubernetes.requests).toEqual([]);
  },
);

test("nothing is written before it is known who leads", async () => {
  kubernetes.refuse = ({ path }) => (path.includes("leases") ? 503 : undefined);
  cluster.welcome(welcome());
  await clock.advance(5_000);
  expect(await clock.until(cluster.write(write))).toMatchObject({ ok: false, retry: true });
  expect(requests).toEqual([]);
});

test("before it is known whether another Metal3 machine provider leads nothing of its kinds counts as done", async () => {
  kubernetes.refuse = ({ path }) => (path.includes("leases") ? 503 : undefined);
  cluster.welcome(welcome());
  expect(await clock.until(cluster.write(claim))).toMatchObject({ ok: false, retry: true });
  kubernetes.refuse = () => undefined;
  await clock.advance(5_000);
  expect(await cluster.write(claim)).toEqual({ ok: true });
  expect(kubernetes.objects.get(host)).toMatchObject({ spec: { consumerRef: consumer } });
});

test("a look at the Leases that fails later changes nothing", async () => {
  cluster.welcome(welcome());
  await clock.advance(2_000);
  kubernetes.refuse = ({ path }) => (path.includes("leases") ? "unreachable" : undefined);
  await clock.advance(60_000);
  expect(await cluster.write(write)).toEqual({ ok: true });
});

test("a Node is linked beside the other writes, and told with the session's bearer", async () => {
  const machines = "/apis/infrastructure.cluster.x-k8s.io/v1beta2/namespaces/horses/metal3machines";
  const link: WriteBack = {
    kind: "link-node",
    namespace: "horses",
    name: "w1",
    uid: "w-1",
    clusterName: "blue",
    providerID: "metal3://horses/m1/w1",
    hostUid: "host-1",
    hostnames: [],
    mayWrite: true,
  };
  kubernetes.put(`${machines}/w1`, { metadata: { name: "w1", namespace: "horses", uid: "w-1" } });
  cluster.welcome(welcome());
  await clock.advance(100);
  answer = ({ url }) => ({ status: url.endsWith("/nodes") ? 200 : 409, body: new Uint8Array() });
  expect(await cluster.write(link)).toEqual({ ok: true });
  const posted = requests.find(({ url }) => url === "https://hub.example/clusters/stable/nodes");
  expect(posted?.headers).toMatchObject({ authorization: `Bearer ${"t".repeat(64)}` });
  expect(nodesBody.parse(JSON.parse(new TextDecoder().decode(posted?.body)))).toMatchObject({
    facts: [{ machineUid: "w-1", outcome: "problem" }],
  });
  cluster.stop();
  expect(await cluster.write(link)).toMatchObject({ ok: false, retry: true });
});

test.each([
  [2, 0],
  [3, 1_000],
])("%i conflicts are ridden out within %i ms", async (count, pauseMs) => {
  cluster.welcome(welcome());
  await clock.advance(100);
  const startedAtMs = clock.monotonicMs();
  let conflicts = count;
  kubernetes.refuse = ({ method }) => (method === "PATCH" && conflicts-- > 0 ? 409 : undefined);
  expect(await clock.until(cluster.write(write))).toEqual({ ok: true });
  expect(clock.monotonicMs() - startedAtMs).toBe(pauseMs);
});

test("a write that still tries when its session ends is given up", async () => {
  cluster.welcome(welcome());
  await clock.advance(100);
  kubernetes.refuse = ({ method }) => (method === "PATCH" ? 503 : undefined);
  const old = cluster.write(write);
  await clock.advance(100);
  cluster.welcome(welcome("u".repeat(64)));
  kubernetes.refuse = () => undefined;
  kubernetes.requests.length = 0;
  expect(await clock.until(old)).toMatchObject({ ok: false, retry: true });
  expect(kubernetes.requests.filter(({ method }) => method === "PATCH")).toEqual([]);
});

test.each([
  ["no JSON", "<html>"],
  ["something else", "{}"],
])(
  "a control plane that answers with %s is asked again, and nothing breaks",
  async (_words, body) => {
    answer = () => ({ status: 200, body: new TextEncoder().encode(body) });
    cluster.welcome(welcome());
    await clock.advance(10_000);
    expect(requests.length).toBeGreaterThan(3);
    expect(logged.join()).toContain("feed not reachable");
  },
);
