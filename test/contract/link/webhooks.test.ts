import { expect, test } from "vitest";
import { TestAgent } from "../../support/control-plane/test-agent.ts";
import { makeHostObject, TestCluster } from "../../support/control-plane/test-cluster.ts";
import { onEachPair } from "./pairs.ts";

onEachPair("the watch webhooks", (pair) => {
  let count = 0;
  async function openCluster() {
    const { one, caPem, admin } = pair();
    count += 1;
    const name = `cluster-${count}`;
    await admin("POST", "/clusters", { name });
    const agent = await TestAgent.enrol(one, { cluster: name });
    const link = await agent.session(one, caPem);
    return { agent, link, cluster: new TestCluster(name, link) };
  }

  test("take a batch at either instance, from the cursor only", async () => {
    const { one, two } = pair();
    const { cluster } = await openCluster();
    await cluster.listAll(one);
    const probe = { kind: "watch", fromResourceVersion: "?", toResourceVersion: "?", events: [] };
    for (const instance of [one, two]) {
      const asked = await cluster.post(instance, "feed/baremetalhosts", probe);
      expect([asked.status, asked.json()]).toEqual([409, { cursor: "100" }]);
    }
    expect((await cluster.apply(one, "ADDED", makeHostObject("a", `a-${count}`, 1))).status).toBe(
      200,
    );
    expect(
      (await cluster.apply(two, "ADDED", makeHostObject("b", `b-${count}`, 2))).json(),
    ).toEqual({
      cursor: "102",
    });
  });

  test("are closed without a current session of this very cluster", async () => {
    const { one, two, caPem } = pair();
    const { cluster, agent, link } = await openCluster();
    const { cluster: other } = await openCluster();
    const foreign = new TestCluster(other.name, link);
    expect((await foreign.post(two, "secrets", { facts: [] })).status).toBe(403);
    expect((await cluster.post(two, "secrets", { facts: [] })).status).toBe(200);
    const bare = { headers: { authorization: "Bearer x" }, body: { facts: [] } };
    expect((await two.ask("POST", `/clusters/${cluster.name}/secrets`, bare)).status).toBe(401);
    await agent.session(one, caPem);
    expect((await cluster.post(two, "secrets", { facts: [] })).status).toBe(401);
  });

  test("say what is wrong with a body", async () => {
    const { one } = pair();
    const { cluster } = await openCluster();
    const list = { kind: "list", listId: "l", resourceVersion: "1x", items: [], last: true };
    const odd = await cluster.post(one, "feed/baremetalhosts", list);
    expect([odd.status, odd.text]).toEqual([400, expect.stringContaining("resourceVersion")]);
    const nameless = { ...list, resourceVersion: "1", items: [{ metadata: {} }] };
    expect((await cluster.post(one, "feed/baremetalhosts", nameless)).status).toBe(400);
    expect((await cluster.post(one, "feed/baremetalhosts", "{")).status).toBe(400);
    expect((await cluster.post(one, "feed/secrets", list)).status).toBe(404);
  });
});

onEachPair("admission", (pair) => {
  function review(uid: string, object: object, more: object = {}) {
    return {
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: {
        uid,
        kind: { group: "metal3.io", version: "v1alpha1", kind: "BareMetalHost" },
        resource: { group: "metal3.io", version: "v1alpha1", resource: "baremetalhosts" },
        operation: "CREATE",
        namespace: "metal",
        name: "metal-0",
        object,
        ...more,
      },
    };
  }

  test("answers for the cluster of the path token, and never logs the path", async () => {
    const { one, two, admin } = pair();
    const added = await admin("POST", "/clusters", { name: "east" });
    const path = String(added.json()["admissionPath"]);
    const { metadata, ...rest } = makeHostObject("metal-0", "u", 1);
    const object = { ...rest, metadata: { name: metadata.name, namespace: metadata.namespace } };
    for (const instance of [one, two]) {
      const answer = await instance.ask("POST", path, { body: review("r-1", object) });
      expect([answer.status, answer.json()]).toMatchObject([
        200,
        { kind: "AdmissionReview", response: { uid: "r-1", allowed: true } },
      ]);
      expect((await instance.ask("POST", `${path}0`, { body: review("r-2", object) })).status).toBe(
        401,
      );
      expect((await instance.ask("POST", path, { body: "{" })).status).toBe(400);
      expect((await instance.ask("POST", path, { body: { kind: "AdmissionReview" } })).status).toBe(
        400,
      );
      // Refused by its declared length: the answer comes before the body is sent, as a whole body would race it.
      const headers = { "content-length": String(9 * 1024 * 1024) };
      expect((await instance.ask("POST", path, { headers, body: "{" })).status).toBe(413);
      expect(instance.log()).not.toContain(path.split("/").at(-1));
    }
  });

  test("refuses a host that breaks a rule", async () => {
    const { two, admin } = pair();
    const added = await admin("POST", "/clusters", { name: "west" });
    const host = makeHostObject("metal-0", "u", 1);
    const wrong = {
      ...host,
      spec: { ...host.spec, bmc: { ...host.spec.bmc, address: "nonsense://x" } },
    };
    const body = review("r-1", wrong);
    const answer = await two.ask("POST", String(added.json()["admissionPath"]), { body });
    expect(answer.json()).toMatchObject({ response: { uid: "r-1", allowed: false } });
  });
});

onEachPair("health", (pair) => {
  test("tells life, readiness and how wake-ups travel, and gives metrics", async () => {
    const { one, two } = pair();
    for (const instance of [one, two]) {
      expect((await instance.ask("GET", "/")).status).toBe(200);
      expect((await instance.ask("GET", "/healthz")).json()).toEqual({ ok: true });
      expect((await instance.ask("GET", "/readyz")).json()).toEqual({
        ready: true,
        database: "answers",
        notifications: "listen",
      });
      const metrics = await instance.ask("GET", "/metrics");
      expect(metrics.text).toMatch(/^# TYPE metal3_reconcile_total counter$/m);
      expect((await instance.ask("GET", "/nowhere")).status).toBe(404);
    }
  });
});

onEachPair("an instance that is told to stop", (pair) => {
  test("sends its agents away, closes with 1012 and ends within 4 s", async () => {
    const { one, two, caPem, admin } = pair();
    await admin("POST", "/sites", { name: "lab" });
    const agent = await TestAgent.enrol(two, { site: "lab" });
    const link = await agent.session(one, caPem);
    const startedMs = Date.now();
    one.process.kill("SIGTERM");
    const goaway = await link.next("goaway");
    expect(goaway["retryAfterMs"]).toBeLessThanOrEqual(5_000);
    expect((await link.closed).code).toBe(1012);
    expect(await one.ended).toEqual({ code: 0, signal: null });
    expect(Date.now() - startedMs).toBeLessThan(4_000);
    const elsewhere = await agent.session(two, caPem);
    expect(elsewhere.welcome["site"]).toBe("lab");
  });
});
