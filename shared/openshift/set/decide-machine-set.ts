// Snapshot → decision about a MachineSet of OpenShift, where no machine-api-operator keeps it: as many Machines as it
// wants, each ordered once under a name of its own, and its status.
import type { MachineDecision } from "../../machine/decision.ts";
import {
  because,
  finish,
  gone,
  leave,
  settled,
  startDraft,
  target,
  tell,
  wait,
  type Draft,
  type Stop,
} from "../../machine/draft.ts";
import type { MachineSetSnapshot, Member } from "../snapshot.ts";
import { askAgainMs } from "../../machine/waits.ts";
import { countHosts } from "./count-hosts.ts";
import { orderDeletion } from "./deletion-order.ts";
import type { OpenShiftMachineSetStatus } from "../machine-set.ts";
import { membersOf, type Membership } from "./members.ts";
import { machineNameOf } from "./set-names.ts";

/** Machines that one order makes or deletes: a frame carries no more. The next follows when these are seen. */
const mostAtOnce = 100;

type SetDraft = Draft<MachineSetSnapshot, OpenShiftMachineSetStatus>;

export function decideMachineSet(snapshot: MachineSetSnapshot): MachineDecision {
  const { object, deleted } = snapshot;
  const draft: SetDraft = startDraft(snapshot, { ...object.status });
  if (deleted) return leave(draft, gone());
  const { authoritativeAPI = "MachineAPI" } = object.spec;
  if (authoritativeAPI !== "MachineAPI") {
    const message = `spec.authoritativeAPI is ${authoritativeAPI}`;
    return leave(draft, settled(because("ManagedElsewhere", message)));
  }
  if (object.metadata.deletionTimestamp !== undefined) {
    // Its Machines go with it: Kubernetes collects what an object owned.
    return leave(draft, settled(because("Deleting", "the MachineSet is being deleted")));
  }
  return finish(draft, live(draft));
}

function live(draft: SetDraft): Stop {
  const membership = membersOf(draft.snapshot);
  delete draft.status.errorReason;
  delete draft.status.errorMessage;
  if (!membership.ok) {
    const { message } = membership.error;
    Object.assign(draft.status, { errorReason: "InvalidConfiguration", errorMessage: message });
    const why = because("InvalidConfiguration", message);
    tell(draft, "Warning", why);
    return wait(why, ["object"]);
  }
  const { value } = membership;
  const { own } = value;
  const { replicas: wanted } = draft.snapshot.object.spec;
  const hosts = countHosts(draft.snapshot, own);
  const orders = order(draft, value);
  count(draft, value);
  const why = orders ?? because("Scaled", `has ${own.length} of ${wanted} Machines`);
  if (hosts === undefined) return stopAt(draft, why, value);
  if (!hosts.ok) tell(draft, "Warning", because("InvalidHostSelector", hosts.error.message));
  else if (hosts.value !== wanted) draft.patch.spec = { replicas: hosts.value };
  const atMs = draft.snapshot.nowMs + askAgainMs;
  return wait(why, ["free-host", "object", "machines"], atMs);
}

function stopAt(draft: SetDraft, why: Stop["because"], { availableAtMs }: Membership): Stop {
  const { nowMs, object } = draft.snapshot;
  const isOpen =
    (draft.memory.set?.making.length ?? 0) + (draft.memory.set?.leaving.length ?? 0) > 0;
  const times = [...availableAtMs, ...(isOpen ? [nowMs + askAgainMs] : [])].filter(
    (at) => at > nowMs,
  );
  if (times.length === 0 && object.spec.replicas === draft.status.replicas) return settled(why);
  return times.length === 0
    ? wait(why, ["machines", "object"])
    : wait(why, ["machines", "object"], Math.min(...times));
}

/**
 * A Machine that was ordered to be made counts as there, so that a decision that comes before Kubernetes shows it does
 * not order another. One that was ordered to be deleted is the first to go, and stays if it is wanted again before it is
 * shown to go. The newest order takes the place of one that was not delivered, so an empty one follows.
 */
function order(
  draft: SetDraft,
  { own, orphans, names, uids }: Membership,
): Stop["because"] | undefined {
  const { memory, snapshot } = draft;
  const { metadata, spec } = snapshot.object;
  const before = memory.set ?? { number: 0, making: [], leaving: [] };
  const made = before.making.filter((name) => !names.has(name));
  const adopted = orphans.slice(0, Math.max(0, Math.min(mostAtOnce, spec.replicas - own.length)));
  const lacking = spec.replicas - own.length - adopted.length;
  const making = made.slice(0, Math.max(0, lacking));
  let { number } = before;
  while (making.length < Math.min(lacking, mostAtOnce)) {
    number += 1;
    const name = machineNameOf(metadata, number);
    if (!names.has(name) && !making.includes(name)) making.push(name);
  }
  const policy = spec.deletePolicy ?? "Random";
  const left = before.leaving.filter((uid) => own.some((member) => uidOf(member) === uid));
  const others = orderDeletion(own, policy, snapshot.nowMs)
    .map(uidOf)
    .filter((uid) => !left.includes(uid));
  const leaving = [...left, ...others].slice(0, Math.min(Math.max(0, -lacking), mostAtOnce));
  const isNothing = making.length + leaving.length + adopted.length === 0;
  if (isNothing && before.making.length + before.leaving.length === 0) return undefined;
  memory.set = { number, making, leaving };
  draft.writes.push({
    kind: "machine-set",
    ...target(draft),
    generation: metadata.generation ?? 0,
    make: making,
    remove: leaving.flatMap((uid) => nameIn(uids, uid)),
    adopt: adopted.map(({ object }) => ({ name: object.metadata.name, uid: object.metadata.uid })),
  });
  return isNothing
    ? undefined
    : because(
        "Scaling",
        `makes ${making.length}, deletes ${leaving.length}, adopts ${adopted.length} Machines`,
      );
}

function nameIn(uids: Membership["uids"], uid: string) {
  const name = uids.get(uid);
  return name === undefined ? [] : [{ name, uid }];
}

function uidOf({ object }: Member): string {
  return object.metadata.uid;
}

function count(draft: SetDraft, { own, labelled, ready, available, selector }: Membership): void {
  const { generation } = draft.snapshot.object.metadata;
  Object.assign(draft.status, {
    availableReplicas: available,
    fullyLabeledReplicas: labelled,
    labelSelector: selector,
    readyReplicas: ready,
    replicas: own.length,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  });
}
