// The founding story with nothing played: kubectl scale of a machine.openshift.io MachineSet, where no
// machine-api-operator runs, makes a Node of a machine with BIOS; scaled to 0 it is drained and given back.
import { beforeAll, expect, test } from "vitest";
import { biosMachine } from "../../infra/lab/sample-machines.ts";
import type { KubectlWords } from "../kubernetes/kubectl-words.ts";
import { messageOf, type MachineWords } from "../kubernetes/machines/machine-words.ts";
import {
  consumerOf,
  machineSet,
  namespace,
  placed,
  providerSpec,
  setName,
  userData,
} from "../kubernetes/machines/openshift-objects.ts";
import { keptPod, type KeptPod } from "./fleet/kept-pod.ts";
import { nodeWaits, startNodeFleet } from "./fleet/node-fleet.ts";
import { endFleetAfterwards, type Fleet } from "./fleet/start-fleet.ts";

const m1 = biosMachine(1, { memoryMiB: 1536 });
const host = "openshift-worker-0";
const workers = `machineset/${setName}`;
const { slow, hostMs, joinMs, leaveMs } = nodeWaits;
let fleet: Fleet;
let words: KubectlWords & MachineWords;
let work: KeptPod;

endFleetAfterwards();

beforeAll(async () => {
  const nodes = await startNodeFleet([m1], namespace, { openShift: true });
  ({ fleet, words } = nodes);
  work = keptPod(host, words);
  await words.kubectl(["create", "namespace", namespace]);
  await words.apply(
    ...placed(nodes.hosts, host),
    userData(nodes.userData),
    machineSet(setName, { providerSpec: providerSpec(nodes.image) }),
  );
  await untilHost("available");
});

const untilHost = (state: string) =>
  words.until(
    `bmh/${host}`,
    ({ status }) => (status?.["provisioning"] as { state?: string } | undefined)?.state === state,
    hostMs,
  );

test("scaled to 1, Node, Machine and host point at each other", slow, async () => {
  await words.scale(workers, 1);
  await words.until(workers, ({ status }) => status?.["availableReplicas"] === 1, joinMs);
  const [machine] = await words.list("machines", setName);
  const { metadata, spec } = await words.get(`bmh/${host}`);
  expect(spec["consumerRef"]).toEqual(consumerOf(machine?.metadata.name ?? ""));
  expect(machine?.metadata.annotations).toMatchObject({
    "metal3.io/BareMetalHost": `${namespace}/${host}`,
  });
  expect(machine?.status).toMatchObject({ phase: "Running", nodeRef: { name: host } });
  const node = await words.get(`node/${host}`);
  const providerID = `baremetalhost:///${namespace}/${host}/${metadata.uid}`;
  for (const each of [node, machine]) expect(each?.spec).toMatchObject({ providerID });
  const { nodeInfo } = node.status as { readonly nodeInfo: { readonly systemUUID: string } };
  expect(nodeInfo.systemUUID.toLowerCase()).toBe(m1.uuid);
});

test("scaled to 0, the drain waits for what a disruption budget keeps", slow, async () => {
  await work.start();
  const [machine] = await words.list("machines", setName);
  await words.scale(workers, 0);
  await words.until(`machine/${machine?.metadata.name}`, (held) =>
    messageOf(held, "Drained").includes("is kept by its disruption budget"),
  );
  const { spec } = await untilHost("provisioned");
  expect(spec).toMatchObject({ online: true, image: {} });
  expect(await fleet.paddock.lab.machine("m1").chassis("get", "power")).toEqual(["power:1"]);
  await work.expectThere();
});

test("it goes on when the budget is lifted, and the host is free again", slow, async () => {
  await work.lift();
  await work.expectNodeLeftInOrder(host);
  await words.untilAll("machines", setName, { count: 0 }, leaveMs);
  expect((await untilHost("available")).spec).not.toHaveProperty("consumerRef");
});
