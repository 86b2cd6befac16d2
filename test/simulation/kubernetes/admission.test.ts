// Whom the webhook is asked about, and what becomes of a write after its answer.
import { describe, expect, test } from "vitest";
import type { Happened } from "../world/events.ts";
import { personCaller } from "./simulated-cluster.ts";
import { hostsPath, makeTestCluster, testNamespace } from "./test-cluster.ts";
import type { TestCluster } from "./test-cluster.ts";

const path = `${hostsPath}/m1`;
const host = { metadata: { name: "m1", namespace: testNamespace }, spec: { online: true } };
const off = { spec: { online: false } };

async function withHost(): Promise<TestCluster> {
  const world = makeTestCluster();
  const namespace = { metadata: { name: testNamespace } };
  await world.send(world.person, "POST", "/api/v1/namespaces", namespace);
  await world.send(world.person, "POST", hostsPath, host);
  return world;
}

function reviewsTold(told: readonly Happened[]) {
  return told.flatMap((each) =>
    each.kind === "review"
      ? [{ dryRun: each.dryRun, allowed: each.allowed, stored: each.stored }]
      : [],
  );
}

describe("the webhook", () => {
  test("is asked when a person creates or changes a host, with both forms", async () => {
    const { send, person, reviews } = await withHost();
    await send(person, "PATCH", path, off);
    expect(reviews.map(({ request }) => request)).toMatchObject([
      { operation: "CREATE", name: "m1", object: { spec: { online: true } }, oldObject: null },
      {
        operation: "UPDATE",
        object: { spec: { online: false }, metadata: { generation: 2 } },
        oldObject: { spec: { online: true }, metadata: { generation: 1 } },
        userInfo: { username: "kubernetes-admin" },
      },
    ]);
  });

  test("is not asked about the agent's writes, a status, a deletion, or what is being deleted", async () => {
    const { send, person, agent, reviews } = await withHost();
    await send(agent, "PATCH", path, { metadata: { finalizers: ["x.example/1"] } });
    await send(person, "PATCH", `${path}/status`, { status: {} });
    await send(person, "DELETE", path);
    await send(person, "PATCH", path, off);
    expect(reviews).toHaveLength(1);
  });

  test("says no, and nothing is stored, in its own words", async () => {
    const { send, person, say, cluster, told } = await withHost();
    say(async () => ({ allowed: false, status: { code: 422, message: "spec.online: no" } }));
    const { status, body } = await send(person, "PATCH", path, off);
    expect(status).toBe(422);
    expect(body).toMatchObject({
      message: expect.stringContaining("denied the request: spec.online"),
    });
    expect(cluster.objects.get(path)?.spec?.["online"]).toBe(true);
    expect(reviewsTold(told).at(-1)).toEqual({ dryRun: false, allowed: false, stored: false });
  });

  test("is told of a dry run, after which nothing is stored", async () => {
    const { send, person, cluster, reviews, told } = await withHost();
    const { status, body } = await send(person, "PATCH", `${path}?dryRun=All`, off);
    expect({ status, body }).toMatchObject({ status: 200, body: { spec: { online: false } } });
    expect(reviews.at(-1)?.request.dryRun).toBe(true);
    expect(cluster.objects.get(path)?.spec?.["online"]).toBe(true);
    expect(reviewsTold(told).at(-1)).toEqual({ dryRun: true, allowed: true, stored: false });
  });

  test.each([
    ["cannot be reached", async () => undefined],
    ["answers after three seconds", () => new Promise<undefined>(() => {})],
  ])("that %s lets everything pass", async (_, answer) => {
    const { send, person, say, cluster, kernel } = await withHost();
    say(answer);
    const beganMs = kernel.nowMs();
    expect(await send(person, "PATCH", path, off)).toMatchObject({ status: 200 });
    expect(kernel.nowMs() - beganMs).toBeLessThan(3_100);
    expect(cluster.objects.get(path)?.spec?.["online"]).toBe(false);
  });

  test("is asked twice with one uid when its first answer was lost", async () => {
    const { send, person, cluster, reviews } = await withHost();
    cluster.faults.repeatsReviews = 1;
    await send(person, "PATCH", path, off);
    const [, one, again] = reviews.map(({ request }) => request.uid);
    expect(reviews).toHaveLength(3);
    expect(one).toBe(again);
  });

  test("allows what another webhook refuses afterwards: nothing is stored", async () => {
    const { send, cluster, told } = await withHost();
    const refused = cluster.apiAs({ ...personCaller, isRefusedLater: true });
    expect(await send(refused, "PATCH", path, off)).toMatchObject({ status: 403 });
    expect(cluster.objects.get(path)?.spec?.["online"]).toBe(true);
    expect(reviewsTold(told).at(-1)).toEqual({ dryRun: false, allowed: true, stored: false });
  });

  test("is asked again about what somebody else changed meanwhile, and both changes stay", async () => {
    const { send, person, agent, say, cluster, reviews, kernel } = await withHost();
    say(async () => {
      await kernel.sleep(500);
      return { allowed: true };
    });
    const patched = send(person, "PATCH", path, off);
    await send(agent, "PATCH", path, { metadata: { finalizers: ["x.example/1"] } });
    expect(await patched).toMatchObject({ status: 200 });
    expect(reviews).toHaveLength(3);
    expect(cluster.objects.get(path)).toMatchObject({
      spec: { online: false },
      metadata: { finalizers: ["x.example/1"] },
    });
  });
});
