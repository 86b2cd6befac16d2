// Whether another operator leads is seen by renewals, and not by clocks that may be hours off.
import { beforeEach, expect, test } from "vitest";
import { makeVirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import { FakeKubernetes } from "../../test/support/fake-kubernetes.ts";
import { makeLeaseCheck, otherOperator, otherProvider, type LeaseCheck } from "./lease-check.ts";

const leases = "/apis/coordination.k8s.io/v1/namespaces/metal3/leases";
const startMs = Date.parse("2026-11-01T12:00:00Z");

let kubernetes: FakeKubernetes;
let clock: ReturnType<typeof makeVirtualClock>;
let check: () => Promise<LeaseCheck>;
beforeEach(() => {
  kubernetes = new FakeKubernetes();
  clock = makeVirtualClock(startMs);
  check = makeLeaseCheck(kubernetes, clock, otherOperator);
});

function lease(renewedAtMs: number, over: object = {}) {
  const renewTime = new Date(renewedAtMs).toISOString().replace("Z", "000Z");
  return kubernetes.put(`${leases}/baremetal-operator`, {
    metadata: { name: "baremetal-operator", namespace: "metal3" },
    spec: { holderIdentity: "bmo-7f", renewTime, leaseDurationSeconds: 15, ...over },
  });
}

test("without such a Lease nobody else leads", async () => {
  kubernetes.put(`${leases}/other`, { metadata: { name: "other", namespace: "metal3" } });
  expect(await check()).toEqual({ kind: "alone" });
});

test("the Lease of a machine provider is not that of an operator, and the other way round", async () => {
  const name = "controller-leader-election-capm3";
  const { spec } = lease(startMs - 1_000);
  kubernetes.remove(`${leases}/baremetal-operator`);
  kubernetes.put(`${leases}/${name}`, { metadata: { name, namespace: "metal3" }, spec });
  expect(await check()).toEqual({ kind: "alone" });
  expect(await makeLeaseCheck(kubernetes, clock, otherProvider)()).toEqual({
    kind: "other",
    message: `Another Metal3 machine provider leads in this cluster: Lease metal3/${name} of "bmo-7f" is being renewed. Metal3Clusters and Metal3Machines are left to it until it is stopped.`,
  });
});

test("a Lease that is renewed means that another operator leads, and is named", async () => {
  lease(startMs - 1_000);
  expect(await check()).toEqual({
    kind: "other",
    message:
      'Another bare-metal operator leads in this cluster: Lease metal3/baremetal-operator of "bmo-7f" is being renewed. Stop it first.',
  });
});

test.each([-3_600_000, 3_600_000])("a clock that is %i ms off does not hide it", async (skewMs) => {
  for (let at = 0; at < 10; at += 1) {
    lease(clock.nowMs() + skewMs);
    expect(await check()).toMatchObject({ kind: "other" });
    await clock.advance(15_000);
  }
});

test("a Lease that is renewed no longer stops counting", async () => {
  lease(startMs);
  expect(await check()).toMatchObject({ kind: "other" });
  await clock.advance(29_000);
  expect(await check()).toMatchObject({ kind: "other" });
  await clock.advance(1_000);
  expect(await check()).toEqual({ kind: "alone" });
  lease(startMs + 30_000);
  expect(await check()).toMatchObject({ kind: "other" });
});

test("a Lease that was left over long ago does not count at all", async () => {
  lease(startMs - 86_400_000);
  expect(await check()).toEqual({ kind: "alone" });
});

test.each([
  ["has no holder", { holderIdentity: "" }],
  ["was never renewed", { renewTime: undefined }],
])("a Lease that %s does not count", async (_words, over) => {
  lease(startMs, over);
  expect(await check()).toEqual({ kind: "alone" });
});

test.each([403, 503, "unreachable"] as const)("an answer %s is no answer", async (answer) => {
  kubernetes.refuse = () => answer;
  expect(await check()).toMatchObject({ kind: "unknown" });
});
