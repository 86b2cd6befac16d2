import { expect, test } from "vitest";
import type { Member } from "../snapshot.ts";
import { orderDeletion } from "./deletion-order.ts";

const dayMs = 86_400_000;
const nowMs = Date.parse("2026-11-01T12:00:00Z");

function member(
  uid: string,
  {
    annotations = {},
    status = {},
    ageMs = dayMs,
    hasNode = true,
  }: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly status?: Member["object"]["status"];
    readonly ageMs?: number;
    readonly hasNode?: boolean;
  } = {},
): Member {
  const creationTimestamp = new Date(nowMs - ageMs).toISOString();
  const nodeRef = hasNode ? { nodeRef: { name: uid } } : {};
  return {
    object: {
      metadata: {
        name: uid,
        namespace: "metal",
        uid,
        resourceVersion: "1",
        creationTimestamp,
        annotations,
      },
      status: { ...nodeRef, ...status },
    },
    node: undefined,
  };
}

const order = (members: readonly Member[], policy: "Random" | "Newest" | "Oldest") =>
  orderDeletion(members, policy, nowMs).map(({ object }) => object.metadata.uid);
const deleteMachine = { "machine.openshift.io/delete-machine": "yes" };
const older = { "machine.openshift.io/cluster-api-delete-machine": "yes" };

test("orderDeletion begins with what is marked or broken, then what has no Node [M80]", () => {
  const members = [
    member("a"),
    member("b", { hasNode: false }),
    member("c", { annotations: older }),
    member("d", { status: { errorReason: "CreateError" } }),
    member("e", { annotations: deleteMachine }),
  ];
  expect(order(members, "Random")).toEqual(["c", "d", "e", "b", "a"]);
});

test("orderDeletion does not look at a delete annotation without text [M80]", () => {
  const annotations = { "machine.openshift.io/delete-machine": "" };
  const members = [member("a", { annotations }), member("b", { hasNode: false })];
  expect(order(members, "Random")).toEqual(["b", "a"]);
});

test.each([
  ["Oldest", ["marked", "old", "young"]],
  ["Newest", ["marked", "young", "old"]],
] as const)("orderDeletion of %s goes by age, what is marked first", (policy, expected) => {
  const members = [
    member("young", { ageMs: 1000, hasNode: false }),
    member("old", { ageMs: 30 * dayMs }),
    member("marked", { ageMs: dayMs, annotations: deleteMachine }),
  ];
  expect(order(members, policy)).toEqual(expected);
});

test("orderDeletion has the same answer for the same Machines in another order", () => {
  const members = ["c", "a", "b"].map((uid) => member(uid));
  expect(order(members, "Random")).toEqual(order(members.toReversed(), "Random"));
});
