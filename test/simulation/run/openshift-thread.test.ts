// The thread of OpenShift's Machines, from one end to the other: a MachineSet that Farrier itself keeps, a machine that
// really boots, its Node, and `kubectl scale` up and down again.
import { beforeAll, expect, test } from "vitest";
import { specOf, stateOf } from "../judges/host-of.ts";
import type { Run } from "./run.ts";
import { runScenario } from "./run-scenario.ts";
import { startMs } from "./world.ts";
import { scenarioVersion } from "../workload/scenario.ts";
import type { Scenario } from "../workload/scenario.ts";
import type { KubernetesObject, WorldEvent } from "../world/events.ts";

const second = 1_000;
const minute = 60 * second;
const set = "cluster-1/metal/workers";
const upMs = 4 * minute;
const downMs = 12 * minute;

const scenario: Scenario = {
  version: scenarioVersion,
  seed: 1,
  profile: "written",
  tier: "memory",
  faultsMs: downMs + minute,
  settleMs: 15 * minute,
  instances: 2,
  clusters: [{ name: "cluster-1", site: "site-1", hasOpenShift: true }],
  sites: [{ name: "site-1", skewMs: 0, driftPpm: 0 }],
  machines: [
    {
      name: "m1",
      site: "site-1",
      firmware: "UEFI",
      cipherSuite: 17,
      disks: [{ serialNumber: "m1-d1", sizeBytes: 16 * 1024 ** 3 }],
      content: "old",
      bootOrder: ["network", "disk"],
      quirks: [],
      shuffledDisks: false,
    },
  ],
  images: [{ name: "image-1", format: "raw", sizeBytes: 2 * 1024 ** 2 }],
  commands: [
    { atMs: second, kind: "create-host", host: "cluster-1/metal/m1", machine: "m1", spec: {} },
    { atMs: 2 * second, kind: "create-machine-set", set, image: "image-1" },
    { atMs: upMs, kind: "scale", set, replicas: 1 },
    { atMs: downMs, kind: "scale", set, replicas: 0 },
  ],
  faults: [],
};

type ObjectEvent = Extract<WorldEvent, { readonly kind: "object" }>;

const stored: ObjectEvent[] = [];
let run: Run;

beforeAll(async () => {
  run = await runScenario(scenario, {
    onEvent(event) {
      if (event.kind === "object") stored.push(event);
    },
  });
}, 120_000);

/** The objects of a kind as they were then, ms from the start. */
function at(ms: number, kind: string): readonly KubernetesObject[] {
  const objects = new Map<string, KubernetesObject>();
  for (const { atMs, path, verb, after } of stored) {
    if (atMs > startMs + ms || after.kind !== kind) continue;
    if (verb === "gone") objects.delete(path);
    else objects.set(path, after);
  }
  return [...objects.values()];
}

test("nothing that is judged is broken", () => {
  expect(run.violations).toEqual([]);
  expect(run.stuck).toBeUndefined();
});

test("a MachineSet that is scaled up gets its Machine of Farrier, which takes the host and runs there", () => {
  const [host] = at(downMs, "BareMetalHost");
  const [machine, ...others] = at(downMs, "Machine");
  const name = machine?.metadata.name;
  const providerID = `baremetalhost:///metal/m1/${host?.metadata.uid}`;
  expect(others).toEqual([]);
  expect(host).toMatchObject({
    spec: {
      online: true,
      consumerRef: { apiVersion: "machine.openshift.io/v1beta1", kind: "Machine", name },
      image: { url: expect.stringContaining("image-1"), format: "raw" },
      userData: { name: "workers-user-data" },
    },
    status: { poweredOn: true, provisioning: { state: "provisioned" } },
  });
  expect(machine).toMatchObject({
    metadata: { annotations: { "metal3.io/BareMetalHost": "metal/m1" } },
    spec: { providerID },
    status: { phase: "Running", nodeRef: { name: "m1" } },
  });
  expect(at(downMs, "Node")).toMatchObject([
    {
      metadata: { annotations: { "machine.openshift.io/machine": `metal/${name}` } },
      spec: { providerID },
    },
  ]);
  expect(at(downMs, "MachineSet")[0]?.status).toMatchObject({ replicas: 1, readyReplicas: 1 });
});

test("a MachineSet that is scaled down drains and deletes the Node, and gives the host back", () => {
  const endMs = run.virtualMs;
  const cordonedAt = stored.findIndex(
    ({ after, by }) =>
      after.kind === "Node" && by === "farrier" && after.spec?.["unschedulable"] === true,
  );
  const goneAt = stored.findIndex(({ after, verb }) => after.kind === "Node" && verb === "gone");
  expect(cordonedAt).toBeGreaterThan(-1);
  expect(goneAt).toBeGreaterThan(cordonedAt);
  expect([...at(endMs, "Machine"), ...at(endMs, "Node")]).toEqual([]);
  const [host] = at(endMs, "BareMetalHost");
  expect(stateOf(host)).toBe("available");
  expect(specOf(host).consumerRef).toBeUndefined();
  expect(at(endMs, "MachineSet")[0]?.status).toMatchObject({ replicas: 0 });
});
