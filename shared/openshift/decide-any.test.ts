// Any snapshot is answered, the same way twice, with what the protocol can carry; and no step takes a host's data while
// the Machine is not being deleted.
import fc from "fast-check";
import { expect, test } from "vitest";
import { makeHostView, makeSnapshot } from "../../test/support/machine-world.ts";
import { machineMemory } from "../machine/snapshot.ts";
import type { OpenShiftMachineSnapshot } from "./snapshot.ts";
import { writeBack } from "../protocol/write-back.ts";
import { decideOpenShiftMachine } from "./decide-machine.ts";
import { openShiftMachine } from "./machine.ts";

const uid = "machine-1";
const own = {
  apiVersion: "machine.openshift.io/v1beta1",
  kind: "Machine",
  name: "worker-1",
  namespace: "metal",
};
const image = { url: "http://images.example/a.qcow2", checksum: "a".repeat(32) };
const providerID = "baremetalhost:///metal/h1/uid-h1";
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const hooks = fc.constantFrom(undefined, [], [{ name: "hook", owner: "owner" }]);

const host = fc
  .record({
    name: fc.constantFrom("h1", "h2"),
    state: fc.constantFrom(
      "available",
      "provisioning",
      "provisioned",
      "externally provisioned",
      "unknown",
    ),
    claimedBy: fc.constantFrom(uid, "machine-2", undefined),
    consumerRef: fc.constantFrom(
      undefined,
      own,
      own,
      own,
      { ...own, name: "other" },
      { ...own, kind: "Metal3Machine" },
    ),
    externallyProvisioned: fc.boolean(),
    image: fc.constantFrom(undefined, image),
    deleting: fc.constantFrom(false, false, true),
    gone: fc.constantFrom(false, false, true),
  })
  .map(({ name, consumerRef, externallyProvisioned, image: held, ...fields }) =>
    makeHostView(name, {
      ...fields,
      spec: { online: true, consumerRef, externallyProvisioned, image: held },
    }),
  );
const node = fc.record({
  machineUid: fc.constant(uid),
  outcome: fc.constantFrom(
    "linked" as const,
    "missing" as const,
    "conflict" as const,
    "problem" as const,
  ),
  nodeName: fc.constant("n1"),
  nodeUid: fc.constant("uid-n1"),
  providerID: fc.constantFrom(providerID, "other"),
  podsLeft: maybe(fc.nat(2)),
});
const spec = fc.record({
  providerID: fc.constantFrom(undefined, providerID),
  lifecycleHooks: fc.record({ preDrain: hooks, preTerminate: hooks }),
});
const snapshot = fc
  .record({
    spec,
    isLeaving: fc.boolean(),
    finalizers: fc.constantFrom([], ["machine.machine.openshift.io"]),
    problem: maybe(fc.record({ isForeign: fc.boolean(), message: fc.constant("look here") })),
    host: maybe(host),
    hosts: fc.array(host, { maxLength: 3 }),
    node: maybe(node),
    deleted: fc.constantFrom(false, false, false, false, true),
  })
  .map(({ spec: given, isLeaving, finalizers, problem, ...fields }): OpenShiftMachineSnapshot => {
    const leaving = isLeaving ? { deletionTimestamp: "2026-11-01T12:00:00Z" } : {};
    const metadata = {
      name: "worker-1",
      namespace: "metal",
      uid,
      resourceVersion: "1",
      finalizers,
      ...leaving,
    };
    const machine = openShiftMachine.parse({ ...own, metadata, spec: given });
    const id = given.providerID === undefined ? {} : { providerID: given.providerID };
    return {
      ...makeSnapshot({ coreCluster: undefined, owner: undefined, metal3Cluster: undefined }),
      ...fields,
      kind: "openshift-machine",
      resource: "machines.machine.openshift.io",
      machine,
      object: {
        metadata: machine.metadata,
        spec: { ...(problem === undefined ? { image } : {}), ...id },
      },
      problem,
    };
  });

test("decideOpenShiftMachine answers any snapshot, and the same way twice", () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(snapshot, (given) => {
      const before = structuredClone(given);
      const decision = decideOpenShiftMachine(given);
      expect(given).toEqual(before);
      expect(decideOpenShiftMachine(given)).toEqual(decision);
      for (const write of decision.writes) writeBack.parse(write);
      machineMemory.parse(decision.memory);
      expect(decision.because.message).not.toBe("");
      reached.add(decision.because.reason);
      const emptying = decision.writes.filter(
        (write) => write.kind === "host-patch" && write.spec?.["image"] === null,
      );
      if (given.machine.metadata.deletionTimestamp === undefined) expect(emptying).toEqual([]);
      const deploying = decision.writes.filter(
        (write) => write.kind === "host-patch" && write.deploySpec !== undefined,
      );
      if (given.host?.spec.externallyProvisioned === true) expect(deploying).toEqual([]);
    }),
    { numRuns: 600, seed: 5 },
  );
  // Snapshots that never get there prove nothing.
  for (const place of [
    "Provisioning",
    "NodeLinked",
    "Released",
    "HookPresent",
    "Draining",
    "NoHostAvailable",
  ]) {
    expect(reached).toContain(place);
  }
});
