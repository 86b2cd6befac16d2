// Which Machines of a MachineSet go first: machine-api-operator's priorities (cluster-api reference 4.3), equal ones by
// uid, so that the same question has the same answer.
import type { Member } from "../snapshot.ts";
import { deleteAnnotations } from "../annotations.ts";
import type { OpenShiftMachineSet } from "../machine-set.ts";

type Policy = NonNullable<OpenShiftMachineSet["spec"]["deletePolicy"]>;
type Priority = (member: Member, nowMs: number) => number;

const tenDaysMs = 864_000_000;

const priorities: Readonly<Record<Policy, Priority>> = {
  Random: (member) => (isMarked(member) ? 50 : hasNode(member) ? 20 : 40),
  Oldest: (member, nowMs) => (isMarked(member) ? 100 : aged(member, nowMs)),
  Newest: (member, nowMs) => (isMarked(member) ? 100 : 100 - aged(member, nowMs)),
};

/** The first to go first. */
export function orderDeletion(
  members: readonly Member[],
  policy: Policy,
  nowMs: number,
): readonly Member[] {
  const priorityOf = priorities[policy];
  return members
    .map((member) => ({ member, priority: priorityOf(member, nowMs), uid: uidOf(member) }))
    .toSorted((left, right) => right.priority - left.priority || (left.uid < right.uid ? -1 : 1))
    .map(({ member }) => member);
}

function uidOf({ object }: Member): string {
  return object.metadata.uid;
}

/** An annotation without text says nothing (M80). */
function isMarked({ object }: Member): boolean {
  const { annotations = {} } = object.metadata;
  const isNamed = deleteAnnotations.some((key) => (annotations[key] ?? "") !== "");
  return isNamed || hasText(object.status?.errorReason) || hasText(object.status?.errorMessage);
}

function hasText(text: string | undefined): boolean {
  return text !== undefined && text !== "";
}

function hasNode({ object, node }: Member): boolean {
  return node?.outcome === "linked" || object.status?.nodeRef !== undefined;
}

/** 0 of a new one, near 100 after months. */
function aged({ object }: Member, nowMs: number): number {
  const ageMs = nowMs - Date.parse(object.metadata.creationTimestamp ?? "");
  return ageMs > 0 ? 100 * (1 - Math.exp(-ageMs / tenDaysMs)) : 0;
}
