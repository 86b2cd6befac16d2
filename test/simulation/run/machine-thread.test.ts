// The machine side's thread, from one end to the other: cluster-api's core, the real control plane and agent, machines
// that really boot, and `kubectl scale` up and down again.
import { beforeAll, expect, test } from "vitest";
import { specOf, stateOf } from "../judges/host-of.ts";
import { downMs, playThread, upMs, type Thread } from "./play-thread.ts";

let thread: Thread;
beforeAll(async () => {
  thread = await playThread({ hasClusterApi: true }, ["m1", "m2"]);
}, 120_000);

const at: Thread["at"] = (ms, kind) => thread.at(ms, kind);
const claimed = (ms: number) =>
  at(ms, "BareMetalHost").filter((host) => specOf(host).consumerRef !== undefined);

test("nothing that is judged is broken", () => {
  expect(thread.run.violations).toEqual([]);
  expect(thread.run.stuck).toBeUndefined();
});

test("a Metal3Cluster is provisioned as soon as it has an endpoint, and its Cluster goes by it", () => {
  expect(at(upMs, "Metal3Cluster")[0]?.status).toMatchObject({
    initialization: { provisioned: true },
  });
  expect(at(upMs, "Cluster")[0]?.status).toMatchObject({
    initialization: { infrastructureProvisioned: true },
  });
});

test("a machine that is scaled up takes one of the hosts, and makes it what it wants", () => {
  expect(claimed(upMs)).toEqual([]);
  const [machine] = at(downMs, "Metal3Machine");
  const [host, ...others] = claimed(downMs);
  expect(others).toEqual([]);
  expect(host).toMatchObject({
    metadata: { labels: { "cluster.x-k8s.io/cluster-name": "workers" } },
    spec: {
      online: true,
      consumerRef: {
        apiVersion: "infrastructure.cluster.x-k8s.io/v1beta2",
        kind: "Metal3Machine",
        name: machine?.metadata.name,
        namespace: "metal",
      },
      image: { url: expect.stringContaining("image-1"), format: "raw" },
      userData: { name: "workers-bootstrap", namespace: "metal" },
    },
    status: { poweredOn: true, provisioning: { state: "provisioned" } },
  });
});

test("the machine boots what was written, and core takes over who it is", () => {
  const [host] = claimed(downMs);
  const isOfHost = thread.booted.filter(({ machine }) => machine === host?.metadata.name);
  expect(isOfHost.map(({ system }) => system)).toContain("image-1");
  const [machine] = at(downMs, "Metal3Machine");
  const providerID = `metal3://metal/${host?.metadata.name}/${machine?.metadata.name}`;
  expect(machine).toMatchObject({
    metadata: { annotations: { "metal3.io/BareMetalHost": `metal/${host?.metadata.name}` } },
    spec: { providerID },
    status: { initialization: { provisioned: true } },
  });
  expect(at(downMs, "Machine")[0]).toMatchObject({
    spec: { providerID },
    status: { initialization: { infrastructureProvisioned: true } },
  });
});

test("the Node that joins is found by its machine, gets its providerID, and goes with its Machine", () => {
  const [host] = claimed(downMs);
  const [machine] = at(downMs, "Metal3Machine");
  const providerID = `metal3://metal/${host?.metadata.name}/${machine?.metadata.name}`;
  const joined = thread.stored.find(
    ({ after, verb }) => after.kind === "Node" && verb === "create",
  );
  expect(joined?.after.spec).toEqual({});
  expect(at(downMs, "Node")).toMatchObject([
    { metadata: { labels: { "metal3.io/uuid": host?.metadata.uid } }, spec: { providerID } },
  ]);
  expect(at(downMs, "Machine")[0]?.status).toMatchObject({
    nodeRef: { name: host?.metadata.name },
  });
  expect(at(thread.run.virtualMs, "Node")).toEqual([]);
});

test("a machine that is scaled down gives its host back, clean and free", () => {
  const endMs = thread.run.virtualMs;
  expect([...at(endMs, "Machine"), ...at(endMs, "Metal3Machine")]).toEqual([]);
  const hosts = at(endMs, "BareMetalHost");
  expect(hosts.map(stateOf)).toEqual(["available", "available"]);
  for (const { spec, metadata } of hosts) {
    expect(Object.keys(spec ?? {})).not.toContain("consumerRef");
    expect(Object.keys(spec ?? {})).not.toContain("image");
    expect(metadata.labels).not.toHaveProperty("cluster.x-k8s.io/cluster-name");
  }
});

test("a host is left only when nothing of its machine is on it any more", () => {
  const [name] = claimed(downMs).map(({ metadata }) => metadata.name);
  const left = thread.stored.findLast(
    ({ before, after }) =>
      after.metadata.name === name &&
      specOf(before).consumerRef !== undefined &&
      specOf(after).consumerRef === undefined,
  );
  expect(stateOf(left?.after)).toBe("available");
});
