import { expect, test } from "vitest";
import { machineRows } from "../../../test/support/control-plane/machine-rows.ts";
import type { MachineDecision } from "../../../shared/machine/decision.ts";
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import { makeMachineCommit } from "./make-machine-commit.ts";

const row = machineRows().machine;
const target = { namespace: "metal", name: "name-m", uid: "m" };

function decided(more: Partial<MachineDecision> = {}): MachineDecision {
  return {
    memory: { status: {} },
    claim: undefined,
    release: false,
    writes: [],
    next: { kind: "settled" },
    because: { reason: "Test", message: "A test." },
    ...more,
  };
}

const keysOf = (...writes: readonly WriteBack[]) =>
  makeMachineCommit(row, decided({ writes })).outbox.map(({ key }) => key);

test("makeMachineCommit queues writes for the cluster's link, under the machine", () => {
  const write = {
    kind: "provider-status",
    resource: "metal3machines",
    ...target,
    status: { a: 1 },
  } as const;
  expect(makeMachineCommit(row, decided({ writes: [write] }))).toMatchObject({
    uid: "m",
    version: 4,
    outbox: [{ link: "cluster:east", hostUid: "m", delivery: { kind: "write", write } }],
    wakeAtMs: undefined,
    waiting: false,
    gone: false,
  });
});

test("makeMachineCommit gives a newer word about a target the key of the older one", () => {
  const status = (a: number) =>
    ({ kind: "provider-status", resource: "metal3machines", ...target, status: { a } }) as const;
  const patch = (image: unknown, uid = "h") =>
    ({
      kind: "host-patch",
      namespace: "metal",
      name: "h",
      uid,
      consumer: {},
      spec: { image },
    }) as const;
  const [first, second] = keysOf(status(1), status(2));
  expect(second).toBe(first);
  // So a status that may have been written makes older ones moot, as a host's does.
  expect(first).toMatch(/^status:/);
  const [given, taken, other] = keysOf(patch("x"), patch(null), patch(null, "h-2"));
  expect(taken).toBe(given);
  expect(other).not.toBe(given);
});

test("makeMachineCommit lets each Event stand for itself", () => {
  const event = (eventName: string) =>
    ({
      kind: "event",
      ...target,
      eventName,
      type: "Normal",
      reason: "R",
      message: "m",
      atMs: 0,
    }) as const;
  const [first, second] = keysOf(event("e-1"), event("e-2"));
  expect(second).not.toBe(first);
});

test("makeMachineCommit has a machine woken by a free host only while it waits for one", () => {
  const waits = (awaited: "free-host" | "host", wakeAtMs?: number) =>
    makeMachineCommit(
      row,
      decided({
        next: {
          kind: "wait",
          awaited: [awaited],
          ...(wakeAtMs === undefined ? {} : { wakeAtMs }),
        },
      }),
    );
  expect(waits("free-host", 7)).toMatchObject({ waiting: true, wakeAtMs: 7 });
  expect(waits("host")).toMatchObject({ waiting: false, wakeAtMs: undefined });
});

test("makeMachineCommit passes on that the host is let go of, and that the row goes", () => {
  const commit = makeMachineCommit(row, decided({ release: true, next: { kind: "gone" } }));
  expect(commit).toMatchObject({ release: true, gone: true });
});
