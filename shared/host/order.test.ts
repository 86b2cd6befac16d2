// What is ordered while nobody knows what people want of the host: the cluster link is away, or has not caught up.
import { expect, test } from "vitest";
import {
  hardware,
  image,
  makeHost,
  makeHostWorld,
  startMs,
} from "../../test/support/host-world.ts";

test.each([
  [
    { kind: "away", lastSeenMs: startMs - 60_000 } as const,
    "not been heard since 2026-11-01T11:59",
  ],
  [{ kind: "behind" } as const, "which was away, to tell what has changed"],
])("a host whose cluster link is %o registers, is not booted, and says why", (clusterLink, why) => {
  const world = makeHostWorld(makeHost(), { clusterLink });
  world.reach("inspecting");
  const waiting = world.settle();
  expect(world.ordered?.kind).toBe("register");
  expect(waiting.because.message).toContain(why);
  const condition = world.host.status?.conditions?.find(({ type }) => type.includes("Operation"));
  expect(condition).toMatchObject({ status: "False", reason: "ClusterUnknown" });
  expect(waiting.next).toMatchObject({ awaited: ["cluster", "spec"] });
  expect(waiting.next).toMatchObject({ wakeAtMs: world.seen.nowMs + 60_000 });
  world.seen.clusterLink = { kind: "current" };
  world.settle();
  expect(world.ordered?.kind).toBe("inspect");
});

test("a host in use is not switched while its cluster link is away", () => {
  const world = makeHostWorld(makeHost({ image }), { hardware });
  world.reach("provisioned");
  world.seen.clusterLink = { kind: "away", lastSeenMs: 0 };
  const { ordered } = world;
  world.seen.host = { ...world.host, spec: { ...world.host.spec, online: false } };
  expect(world.settle().because.message).toContain("was never heard");
  expect(world.ordered).toBe(ordered);
  world.seen.clusterLink = { kind: "current" };
  world.settle();
  expect(world.ordered).toMatchObject({ kind: "power" });
});

test("work that runs goes on while the cluster link is away", () => {
  const world = makeHostWorld(makeHost({ image }), { hardware });
  world.reach("provisioning");
  world.settle();
  expect(world.ordered?.kind).toBe("provision");
  world.seen.clusterLink = { kind: "behind" };
  world.seen.operation = { ...world.seen.operation!, state: "pending" };
  expect(world.pass(60_000).because.reason).toBe("ClusterUnknown");
  world.seen.operation = { ...world.seen.operation, state: "running" };
  const decision = world.pass(60_000);
  expect([decision.cancel, decision.because.reason]).toEqual([undefined, "Running"]);
});
