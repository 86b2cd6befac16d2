import { expect, test } from "vitest";
import { bareMetalHostStatus } from "../../../shared/metal3/bare-metal-host.ts";
import { TestAgent } from "../../support/control-plane/test-agent.ts";
import { makeHostObject, TestCluster } from "../../support/control-plane/test-cluster.ts";
import { onEachPair } from "./pairs.ts";

const write = (delivery: Record<string, unknown>) =>
  (delivery["write"] ?? {}) as Record<string, unknown>;
const isStatus = (state: string) => (delivery: Record<string, unknown>) => {
  if (write(delivery)["kind"] !== "status") return false;
  return bareMetalHostStatus.parse(write(delivery)["status"]).provisioning.state === state;
};

onEachPair("one kubectl apply", (pair) => {
  test("goes from the feed on one instance to the agent's socket on the other, and back", async () => {
    const { one, two, caPem, admin } = pair();
    await admin("POST", "/sites", { name: "lab" });
    await admin("POST", "/clusters", { name: "east" });
    const agent = await TestAgent.enrol(one, { site: "lab", cluster: "east" });
    const link = await agent.session(one, caPem);
    expect(link.welcome["sites"]).toMatchObject([{ site: "lab" }]);
    const cluster = new TestCluster("east", link);
    await cluster.listAll(two);

    // The object is committed; the site gets nothing before Kubernetes shows what was decided.
    const host = makeHostObject("metal-0", "uid-0", 10);
    expect((await cluster.apply(two, "ADDED", host)).status).toBe(200);
    const shown = {
      ...host,
      metadata: { ...host.metadata, finalizers: [] as string[] },
      status: {},
    };
    const acked: string[] = [];
    const operations: Record<string, unknown>[] = [];
    const isOperation = (delivery: Record<string, unknown>) => delivery["kind"] === "operation";
    await cluster.post(two, "secrets", {
      facts: [
        {
          hostUid: "uid-0",
          purpose: "bmc",
          name: "metal-0-bmc",
          found: true,
          uid: "secret-uid",
          resourceVersion: "5",
          sealed: {
            v: 1,
            keyFingerprint: "f",
            enc: "AA==",
            ciphertext: "AA==",
            context: {
              cluster: "east",
              site: "lab",
              hostUid: "uid-0",
              purpose: "bmc",
              secretUid: "secret-uid",
              secretVersion: "5",
              bmcAddress: "ipmi://192.0.2.10",
            },
          },
        },
      ],
    });
    // Play Kubernetes: show each status and finalizer that is written, until an operation is ordered.
    while (operations.length === 0) {
      const items = await link.deliveriesUntil(() => true);
      for (const { id, delivery } of items) {
        acked.push(id);
        if (isOperation(delivery))
          operations.push(delivery["operation"] as Record<string, unknown>);
        if (write(delivery)["kind"] === "status") {
          Object.assign(shown, { status: write(delivery)["status"] });
        }
        shown.metadata.finalizers.push(...((write(delivery)["addFinalizers"] as string[]) ?? []));
      }
      link.ack(items.map(({ id }) => id));
      if (operations.length === 0) await cluster.apply(two, "MODIFIED", shown);
    }
    expect(new Set(acked).size).toBe(acked.length);
    expect(shown.metadata.finalizers).toContain("baremetalhost.metal3.io");
    const [operation] = operations;
    expect(operation).toMatchObject({
      hostUid: "uid-0",
      attempt: 1,
      payload: { kind: "register" },
    });

    // The agent reports; the state moves on and the status says so.
    const names = { hostUid: "uid-0", operationId: String(operation?.["id"]) };
    const result = {
      kind: "register",
      on: false,
      protocol: "ipmi",
      manufacturerId: 0,
      firmware: "1",
      credentialsVersion: "5",
    };
    const bodies = [
      { kind: "operation-accepted", ...names },
      { kind: "operation-started", ...names },
      { kind: "operation-succeeded", ...names, result },
    ];
    link.send({
      type: "observations",
      epoch: link.epoch,
      items: bodies.map((body, index) => ({ seq: index + 1, atMs: Date.now(), body })),
    });
    expect(await link.next("committed")).toMatchObject({ seq: 3 });
    await link.deliveriesUntil(isStatus("inspecting"));
    const hosts = (await admin("GET", "/hosts?cluster=east")).json()["hosts"];
    expect(hosts).toMatchObject([{ name: "metal-0", site: "lab", state: "inspecting" }]);
    const lines = [one, two].flatMap((instance) => instance.log().split("\n"));
    const decided = lines.filter((line) => line.includes('"message":"decided"'));
    expect(decided.some((line) => line.includes('"state":"inspecting"'))).toBe(true);
  });

  test("is delivered again, in order, by another instance when the first one is killed", async () => {
    const { one, two, caPem, admin } = pair();
    await admin("POST", "/sites", { name: "fleet" });
    await admin("POST", "/clusters", { name: "west" });
    const agent = await TestAgent.enrol(two, { site: "fleet", cluster: "west" });
    const link = await agent.session(one, caPem);
    const cluster = new TestCluster("west", link);
    await cluster.listAll(two);
    const count = 20;
    const isLast = isStatus("unmanaged");
    for (let index = 0; index < count; index += 1) {
      const host = makeHostObject(`host-${index}`, `fleet-${index}`, index);
      const unmanaged = { ...host, spec: { online: true } };
      await cluster.apply(index % 2 === 0 ? one : two, "ADDED", unmanaged);
    }
    const seen = await link.deliveriesUntil(isLast);
    expect(seen.length).toBeGreaterThan(0);
    one.process.kill("SIGKILL");
    await link.closed;
    const again = await agent.session(two, caPem);
    const uids = new Set<unknown>();
    const ids: number[] = [];
    // Whatever was not decided when the first instance died is found due by the second.
    while (uids.size < count) {
      const items = await again.deliveriesUntil(() => true);
      again.ack(items.map(({ id }) => id));
      for (const { id, delivery } of items) {
        ids.push(Number(id));
        if (isLast(delivery)) uids.add(write(delivery)["uid"]);
      }
    }
    expect(ids).toEqual(ids.toSorted((left, right) => left - right));
    for (const { id } of seen) expect(ids).toContain(Number(id));
  });
});
