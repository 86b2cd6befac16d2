// The thread of OpenShift's Machines, from one end to the other: a MachineSet that Farrier itself keeps, a machine that
// really boots, its Node, and `kubectl scale` up and down again.
import { beforeAll, expect, test } from "vitest";
import { specOf, stateOf } from "../judges/host-of.ts";
import { downMs, playThread, type Thread } from "./play-thread.ts";

let thread: Thread;
beforeAll(async () => {
  thread = await playThread({ hasOpenShift: true }, ["m1"]);
}, 120_000);

const at: Thread["at"] = (ms, kind) => thread.at(ms, kind);
test("nothing that is judged is broken", () => {
  expect(thread.run.violations).toEqual([]);
  expect(thread.run.stuck).toBeUndefined();
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
  const endMs = thread.run.virtualMs;
  const cordonedAt = thread.stored.findIndex(
    ({ after, by }) =>
      after.kind === "Node" && by === "farrier" && after.spec?.["unschedulable"] === true,
  );
  const goneAt = thread.stored.findIndex(
    ({ after, verb }) => after.kind === "Node" && verb === "gone",
  );
  expect(cordonedAt).toBeGreaterThan(-1);
  expect(goneAt).toBeGreaterThan(cordonedAt);
  expect([...at(endMs, "Machine"), ...at(endMs, "Node")]).toEqual([]);
  const [host] = at(endMs, "BareMetalHost");
  expect(stateOf(host)).toBe("available");
  expect(specOf(host).consumerRef).toBeUndefined();
  expect(at(endMs, "MachineSet")[0]?.status).toMatchObject({ replicas: 0 });
});
