// What goes wrong between an agent and the simulated API server, and how its watches end.
import { beforeEach, describe, expect, test } from "vitest";
import type { WatchEvent } from "../../../site-agent/cluster/port.ts";
import { hostsPath, makeTestCluster, secretsPath, testNamespace } from "./test-cluster.ts";
import type { TestCluster } from "./test-cluster.ts";

let world: TestCluster;

beforeEach(async () => {
  world = makeTestCluster();
  const namespace = { metadata: { name: testNamespace } };
  await world.send(world.person, "POST", "/api/v1/namespaces", namespace);
});

const label = (value: string) => ({ metadata: { labels: { rack: value } } });

async function createHost(name: string): Promise<string> {
  const metadata = { name, namespace: testNamespace };
  await world.send(world.person, "POST", hostsPath, { metadata, spec: { online: true } });
  return `${hostsPath}/${name}`;
}

function versionOf(path: string): string {
  return world.cluster.objects.get(path)?.metadata.resourceVersion ?? "";
}

interface Followed {
  readonly events: WatchEvent[];
  readonly end: { status: number; reason: string } | undefined;
  stop(): void;
}

function follow(query: string): Followed {
  const stop = new AbortController();
  const followed = {
    events: [] as WatchEvent[],
    end: undefined as Followed["end"],
    stop: () => stop.abort(),
  };
  const take = (event: WatchEvent) => void followed.events.push(event);
  const path = `/apis/metal3.io/v1alpha1/baremetalhosts?${query}`;
  void world.agent.watch(path, take, stop.signal).then((end) => (followed.end = end));
  return followed;
}

const wait = (ms: number) => world.kernel.run(world.kernel.nowMs() + ms);
const typesOf = ({ events }: Followed) => events.map(({ type }) => type);

describe("a watch", () => {
  test("goes on from its version, in order, over all namespaces", async () => {
    const path = await createHost("m1");
    const from = versionOf(path);
    await world.send(world.person, "PATCH", path, label("1"));
    const watch = follow(`resourceVersion=${from}`);
    await wait(100);
    await world.send(world.person, "PATCH", path, label("2"));
    await world.send(world.person, "DELETE", path);
    await wait(100);
    expect(typesOf(watch)).toEqual(["MODIFIED", "MODIFIED", "DELETED"]);
    const versions = watch.events.map(({ object }) =>
      Number((object as { metadata: { resourceVersion: string } }).metadata.resourceVersion),
    );
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    expect(new Set(versions).size).toBe(3);
    watch.stop();
    await wait(1);
    expect(watch.end).toMatchObject({ status: 0 });
  });

  test("shares frozen objects with the store", async () => {
    const path = await createHost("m1");
    const watch = follow("");
    await wait(100);
    expect(watch.events[0]?.object).toBe(world.cluster.objects.get(path));
    expect(Object.isFrozen(world.cluster.objects.get(path)?.spec)).toBe(true);
  });

  test("gets a bookmark each minute while others come, after what it was given", async () => {
    const path = await createHost("m1");
    const watch = follow(`resourceVersion=${versionOf(path)}&allowWatchBookmarks=true`);
    for (const value of ["1", "2", "3"]) {
      await wait(25_000);
      await world.send(world.person, "PATCH", path, label(value));
    }
    const other = { metadata: { name: "s", namespace: testNamespace } };
    await world.send(world.person, "POST", secretsPath, other);
    await wait(100);
    expect(typesOf(watch)).toEqual(["MODIFIED", "MODIFIED", "BOOKMARK", "MODIFIED"]);
    expect(watch.events[2]?.object).toMatchObject({
      metadata: { resourceVersion: expect.any(String) },
    });
  });

  test("ends when nothing came for 30 seconds, and when its time is up", async () => {
    const path = await createHost("m1");
    const [silent, short] = [follow("resourceVersion=1000"), follow("timeoutSeconds=5")];
    await wait(5_100);
    expect(short.end).toEqual({ status: 0, reason: "closed" });
    await wait(20_000);
    await world.send(world.person, "PATCH", path, label("1"));
    expect(silent.end).toBeUndefined();
    await wait(29_000);
    expect(silent.end).toBeUndefined();
    await wait(2_000);
    expect(silent.end).toMatchObject({ status: 0 });
  });

  test("that stalls gets nothing, and ends by its silence only", async () => {
    const path = await createHost("m1");
    const watch = follow(`resourceVersion=${versionOf(path)}&timeoutSeconds=10`);
    await wait(100);
    world.cluster.stall();
    await world.send(world.person, "PATCH", path, label("1"));
    world.cluster.endStall();
    await wait(25_000);
    expect(watch).toMatchObject({ events: [], end: undefined });
    await wait(6_000);
    expect(watch.end).toMatchObject({ status: 0 });
    const next = follow(`resourceVersion=${versionOf(path)}`);
    await world.send(world.person, "PATCH", path, label("2"));
    await wait(100);
    expect(typesOf(next)).toEqual(["MODIFIED"]);
  });

  test("from outside the window gets the error 410; from inside it goes on", async () => {
    const path = await createHost("m1");
    const versions = [versionOf(path)];
    for (const value of ["1", "2", "3"]) {
      await world.send(world.person, "PATCH", path, label(value));
      versions.push(versionOf(path));
    }
    world.cluster.narrowWindow(1);
    const [old, young] = [
      follow(`resourceVersion=${versions[1]}`),
      follow(`resourceVersion=${versions[2]}`),
    ];
    await wait(100);
    expect(old.events).toMatchObject([{ type: "ERROR", object: { code: 410 } }]);
    expect(old.end).toMatchObject({ status: 0 });
    expect(typesOf(young)).toEqual(["MODIFIED"]);
    expect(young.end).toBeUndefined();
  });

  test("breaks when the server restarts, and finds nobody until it is back", async () => {
    const watch = follow("");
    await wait(100);
    world.cluster.faults.unreachable = true;
    world.cluster.disconnect();
    await wait(1);
    expect(watch.end).toMatchObject({ status: 0 });
    const next = follow("");
    await wait(100);
    expect(next.end).toMatchObject({ status: 0 });
  });
});

describe("a list", () => {
  test("of pages whose token is too old is refused with 410", async () => {
    for (const name of ["m1", "m2"]) await createHost(name);
    const { body } = await world.send(world.agent, "GET", `${hostsPath}?limit=1`);
    const { continue: token } = (body as { metadata: { continue: string } }).metadata;
    const next = `${hostsPath}?limit=1&continue=${encodeURIComponent(token)}`;
    expect(await world.send(world.agent, "GET", next)).toMatchObject({ status: 200 });
    await wait(300_001);
    expect(await world.send(world.agent, "GET", next)).toMatchObject({ status: 410 });
  });

  test("that is stale shows what was, with the version of then", async () => {
    const path = await createHost("m1");
    const from = versionOf(path);
    await wait(60_000);
    await world.send(world.person, "PATCH", path, label("1"));
    await createHost("m2");
    world.cluster.faults.staleListMs = 50_000;
    await wait(1_000);
    const seen = new Set<number>();
    for (let times = 0; times < 20; times += 1) {
      const { body } = await world.send(world.agent, "GET", hostsPath);
      const { metadata, items } = body as {
        metadata: { resourceVersion: string };
        items: object[];
      };
      seen.add(items.length);
      if (items.length === 1)
        expect(Number(metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(from));
    }
    expect(seen).toEqual(new Set([1, 2]));
    const { body } = await world.send(world.person, "GET", hostsPath);
    expect((body as { items: object[] }).items).toHaveLength(2);
  });
});

describe("a request of the agent", () => {
  test("is answered 429 when the server is busy, and nothing happens", async () => {
    const path = await createHost("m1");
    world.cluster.faults.throttles = 1;
    expect(await world.send(world.agent, "PATCH", path, label("1"))).toEqual({
      status: 429,
      body: undefined,
    });
    expect(world.cluster.objects.get(path)?.metadata.labels).toBeUndefined();
  });

  test("conflicts when somebody else was faster, whose change stays", async () => {
    const path = await createHost("m1");
    const resourceVersion = versionOf(path);
    world.cluster.faults.conflicts = 1;
    const patch = { metadata: { ...label("1").metadata, resourceVersion } };
    expect(await world.send(world.agent, "PATCH", path, patch)).toMatchObject({ status: 409 });
    const { annotations, finalizers, labels } = world.cluster.objects.get(path)?.metadata ?? {};
    expect(labels).toBeUndefined();
    expect([annotations, finalizers]).toSatisfy((seen) =>
      JSON.stringify(seen).includes("example.com/touched"),
    );
  });

  test("lets somebody else's finalizer go again, and loses none of others", async () => {
    const path = await createHost("m1");
    await world.send(world.agent, "PATCH", path, { metadata: { finalizers: ["x.example/1"] } });
    world.cluster.faults.conflicts = 1;
    const held = (): readonly string[] =>
      world.cluster.objects.get(path)?.metadata.finalizers ?? [];
    let most = 0;
    for (let at = 0; at < 8; at += 1) {
      await world.send(world.agent, "PATCH", path, label(String(at)));
      most = Math.max(most, held().length);
    }
    expect(most).toBeGreaterThan(1);
    await wait(5_000);
    expect(held()).toEqual(["x.example/1"]);
  });

  test("may be done though its answer is lost", async () => {
    const path = await createHost("m1");
    world.cluster.faults.losesAnswers = 1;
    await expect(world.send(world.agent, "PATCH", path, label("1"))).rejects.toThrow("reached");
    expect(world.cluster.objects.get(path)?.metadata.labels).toEqual({ rack: "1" });
  });

  test("tells who wrote what, and how", async () => {
    const path = await createHost("m1");
    const status = {
      errorMessage: "",
      operationalStatus: "OK",
      poweredOn: true,
      provisioning: { state: "available", ID: "" },
    };
    await world.send(world.agent, "PATCH", `${path}/status`, { status });
    await world.send(world.agent, "PATCH", path, { metadata: { finalizers: ["x.example/1"] } });
    await world.send(world.person, "DELETE", path);
    await world.send(world.agent, "PATCH", path, { metadata: { finalizers: null } });
    const objects = world.told.flatMap((each) =>
      each.kind === "object" && each.path === path ? [`${each.by} ${each.verb}`] : [],
    );
    expect(objects).toEqual([
      "kubectl create",
      "farrier status",
      "farrier update",
      "kubectl delete",
      "farrier gone",
    ]);
  });
});

test("two clusters of one seed go the same way", async () => {
  const play = async () => {
    world = makeTestCluster("same");
    const namespace = { metadata: { name: testNamespace } };
    await world.send(world.person, "POST", "/api/v1/namespaces", namespace);
    world.cluster.faults.conflicts = 0.5;
    const path = await createHost("m1");
    for (const value of ["1", "2", "3"]) await world.send(world.agent, "PATCH", path, label(value));
    return { told: world.told, atMs: world.kernel.nowMs() };
  };
  expect(await play()).toEqual(await play());
});
