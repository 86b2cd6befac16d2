// The whole way with nothing played: kubectl scale, the released core of cluster-api, a machine with BIOS and one with
// UEFI side by side, kubelets that join, a drain that a disruption budget stops, and the machines given back.
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import {
  clusterObjects,
  controlPlaneKind,
  machineSet,
  workerObjects,
} from "../../infra/kubernetes/machine-objects.ts";
import { biosMachine, uefiMachine } from "../../infra/lab/sample-machines.ts";
import type { KubectlWords } from "../kubernetes/kubectl-words.ts";
import { conditionOf, messageOf, type MachineWords } from "../kubernetes/machines/machine-words.ts";
import { namespace, stateOf } from "./fleet/host-object.ts";
import { keptPod, type KeptPod } from "./fleet/kept-pod.ts";
import { nodeWaits, startNodeFleet } from "./fleet/node-fleet.ts";
import { endFleetAfterwards, type Fleet } from "./fleet/start-fleet.ts";

const machines = [biosMachine(1, { memoryMiB: 1536 }), uefiMachine(2, { memoryMiB: 1536 })];
const workload = { namespace, clusterName: "meadow" };
const pool = "meadow-workers";
const workers = `machineset/${pool}`;
const template = "meadow-worker";
const { slow, joinMs, leaveMs } = nodeWaits;
let fleet: Fleet;
let words: KubectlWords & MachineWords;
let work: KeptPod;

endFleetAfterwards();

beforeAll(async () => {
  const nodes = await startNodeFleet(machines, namespace, { clusterApi: true });
  ({ fleet, words } = nodes);
  const { userData, image } = nodes;
  const { kubernetes } = fleet.paddock;
  work = keptPod("m1", words);
  await words.apply(...nodes.hosts);
  await words.apply(controlPlaneKind);
  const kind = `crd/${controlPlaneKind.metadata.name}`;
  await words.kubectl(["wait", "--for=condition=Established", "--timeout=30s", kind]);
  const { hostname, port } = new URL(kubernetes.url);
  await words.apply(
    ...clusterObjects(workload, {
      kubeconfig: await readFile(kubernetes.adminKubeconfigPath, "utf8"),
      endpoint: { host: hostname, port: Number(port) },
    }),
    ...workerObjects(workload, { name: template, userData, spec: { image } }),
    machineSet(workload, { name: pool, template }),
  );
  await Promise.all(machines.map(({ name }) => fleet.untilState(name, "available", 900)));
});

describe("kubectl scale", () => {
  it("to 2 ends with two Ready Nodes", slow, async () => {
    await words.scale(workers, 2);
    await words.until(workers, ({ status }) => status?.["readyReplicas"] === 2, joinMs);
  });

  it.each(machines)("Node, Machine and host $name point at each other", async ({ name, uuid }) => {
    const host = await words.get(`bmh/${name}`);
    const { name: consumer } = host.spec["consumerRef"] as { readonly name: string };
    const provided = await words.get(`metal3machine/${consumer}`);
    expect(provided.metadata.annotations).toMatchObject({
      "metal3.io/BareMetalHost": `${namespace}/${name}`,
    });
    const machine = await words.get(`machine/${consumer}`);
    const owners = provided.metadata.ownerReferences ?? [];
    expect(owners.map(({ uid }) => uid)).toContain(machine.metadata.uid);
    expect(machine.spec["infrastructureRef"]).toMatchObject({ name: consumer });
    expect(machine.status).toMatchObject({ phase: "Running", nodeRef: { name } });
    const node = await words.get(`node/${name}`);
    expect(node.metadata.annotations).toMatchObject({ "cluster.x-k8s.io/machine": consumer });
    const providerID = `metal3://${namespace}/${name}/${consumer}`;
    for (const { spec } of [node, machine, provided]) expect(spec).toMatchObject({ providerID });
    const { nodeInfo } = node.status as { readonly nodeInfo: { readonly systemUUID: string } };
    expect(nodeInfo.systemUUID.toLowerCase()).toBe(uuid);
  });

  it("to 0 waits for what a disruption budget keeps, and for nothing else", slow, async () => {
    await work.start();
    const held = (await words.list("machine", pool)).find(
      ({ status }) => (status?.["nodeRef"] as { name: string } | undefined)?.name === "m1",
    );
    await words.scale(workers, 0);
    await words.until(`machine/${held?.metadata.name}`, (machine) =>
      messageOf(machine, "Deleting").includes("violate the pod's disruption budget"),
    );
    await fleet.untilState("m2", "deprovisioning", 120);

    const m1 = fleet.watch.latest("m1");
    expect(stateOf(m1)).toBe("provisioned");
    expect(m1?.spec).toMatchObject({ online: true, image: {} });
    expect(await fleet.paddock.lab.machine("m1").chassis("get", "power")).toEqual(["power:1"]);
    expect(conditionOf(await words.get("node/m1"), "Ready")).toBe("True KubeletReady");
    await work.expectThere();
  });

  it("goes on when the budget is lifted, and gives the machines back", slow, async () => {
    await work.lift();
    await work.expectNodeLeftInOrder("m1");
    await words.untilAll("machines", pool, { count: 0 }, leaveMs);
    for (const { name } of machines) {
      await fleet.untilState(name, "available", 600);
      expect(fleet.watch.latest(name)?.spec).not.toHaveProperty("consumerRef");
    }
    expect(await words.kubectl(["get", "nodes", "--output=name"])).toBe("");
  });
});
