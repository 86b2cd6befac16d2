// What cluster-api's core does, played against a provider that is the test.
import { beforeEach, expect, test } from "vitest";
import type { KubernetesObject } from "../world/events.ts";
import { Kubectl } from "./kubectl.ts";
import { MachinePlayer } from "./play-machine-command.ts";
import { makeTestCluster } from "./test-cluster.ts";
import type { TestCluster } from "./test-cluster.ts";

let world: TestCluster;
let player: MachinePlayer;

const set = "stable/metal/workers";
const providers = "/apis/infrastructure.cluster.x-k8s.io/v1beta2/namespaces/metal";
const image = { url: "http://images.example/a", checksum: "0".repeat(64), format: "raw" };

const all = (kind: string): readonly KubernetesObject[] =>
  [...world.cluster.objects.values()].filter((object) => object.kind === kind);

async function pass(seconds = 30): Promise<void> {
  await world.kernel.run(world.kernel.nowMs() + seconds * 1_000);
}

async function scale(replicas: number): Promise<void> {
  await world.kernel.until(player.scale({ atMs: 0, kind: "scale", set, replicas }));
  await pass();
}

async function patch(path: string, body: object): Promise<void> {
  const answer = await world.send(world.agent, "PATCH", path, body);
  expect(answer.status).toBe(200);
}

beforeEach(async () => {
  world = makeTestCluster("core", { hasClusterApi: true });
  const { kernel, cluster, person } = world;
  const kubectl = new Kubectl({ kernel, random: kernel.random.split("kubectl"), api: person });
  player = new MachinePlayer(kubectl, cluster);
  const command = { atMs: 0, kind: "create-machine-set", set, image: "a" } as const;
  await world.kernel.until(player.create(command, image));
  await pass();
});

test("a MachineSet makes a Machine with its infrastructure, which it owns", async () => {
  await scale(1);
  const [machine] = all("Machine");
  const [infrastructure] = all("Metal3Machine");
  expect(machine?.metadata.name).toMatch(/^workers-[0-9a-f]{6}$/);
  expect(machine?.spec).toMatchObject({
    clusterName: "workers",
    bootstrap: { dataSecretName: "workers-bootstrap" },
    infrastructureRef: { kind: "Metal3Machine", name: machine?.metadata.name },
  });
  expect(infrastructure).toMatchObject({
    metadata: {
      name: machine?.metadata.name,
      labels: { "cluster.x-k8s.io/cluster-name": "workers" },
      annotations: { "cluster.x-k8s.io/cloned-from-name": "workers" },
      ownerReferences: [
        { kind: "MachineSet", controller: false },
        { kind: "Machine", uid: machine?.metadata.uid, controller: true },
      ],
    },
    spec: { image: { url: image.url, diskFormat: "raw" } },
  });
});

test("a Cluster tells that its infrastructure is there when that says so", async () => {
  const [before] = all("Cluster");
  expect(before?.status).toBeUndefined();
  expect(all("Metal3Cluster")[0]?.metadata["ownerReferences"]).toMatchObject([
    { kind: "Cluster", uid: before?.metadata.uid },
  ]);
  await patch(`${providers}/metal3clusters/workers/status`, {
    status: { initialization: { provisioned: true } },
  });
  await pass();
  expect(all("Cluster")[0]?.status).toEqual({
    initialization: { infrastructureProvisioned: true },
  });
});

test("a Machine takes over its providerID, and goes when its infrastructure is gone", async () => {
  await scale(1);
  const name = all("Machine")[0]?.metadata.name ?? "";
  const path = `${providers}/metal3machines/${name}`;
  const providerID = `metal3://metal/h/${name}`;
  await patch(path, { metadata: { finalizers: ["provider"] }, spec: { providerID } });
  await patch(`${path}/status`, { status: { initialization: { provisioned: true } } });
  await pass();
  expect(all("Machine")[0]?.spec).toMatchObject({ providerID });
  await scale(0);
  expect(all("Machine")[0]?.metadata.deletionTimestamp).toBeDefined();
  expect(all("Metal3Machine")[0]?.metadata.deletionTimestamp).toBeDefined();
  await patch(path, { metadata: { finalizers: null } });
  await pass();
  expect([...all("Machine"), ...all("Metal3Machine")]).toEqual([]);
});

test("a Machine that is deleted is replaced, and a Cluster takes everything with it", async () => {
  await scale(1);
  const first = all("Machine")[0]?.metadata.name;
  await world.kernel.until(player.deleteOne({ atMs: 0, kind: "delete-machine", set }));
  await pass();
  expect(all("Machine").map(({ metadata }) => metadata.name)).not.toEqual([first]);
  expect(all("Machine")).toHaveLength(1);
  await world.kernel.until(player.deleteAll({ atMs: 0, kind: "delete-machine-set", set }));
  await pass(120);
  const kinds = ["Cluster", "MachineSet", "Machine", "Metal3Cluster", "Metal3Machine"];
  expect(kinds.flatMap(all)).toEqual([]);
});

test("where cluster-api is not, its kinds are unknown", async () => {
  const bare = makeTestCluster();
  const answer = await bare.send(bare.agent, "GET", `${providers}/metal3machines`);
  expect(answer.status).toBe(404);
});
