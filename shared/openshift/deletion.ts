// Deleting a Machine of OpenShift, in the order of the machine-api-operator: hooks before the drain, the drain, hooks
// before the end, its host is emptied and left, the Node goes (cluster-api reference 4.3).
import { endMachine, othersFinalizers, releaseHost } from "../machine/consumer/release.ts";
import { hasDeployment } from "../metal3/consumer.ts";
import { because, target, wait, type Stop } from "../machine/draft.ts";
import { isTrue, judge, notTrue } from "../machine/status/conditions.ts";
import { excludeDrainAnnotation } from "./annotations.ts";
import type { OpenShiftDraft } from "./decide-machine.ts";
import { nodeOf, type NodeName } from "./node-of.ts";
import { drainable, drained, shownStatus, terminable } from "./conditions.ts";
import { askLeaveMs } from "../machine/waits.ts";

/** Undefined: it is not being deleted. */
export function deletion(draft: OpenShiftDraft): Stop | undefined {
  if (draft.snapshot.machine.metadata.deletionTimestamp === undefined) return undefined;
  return (
    othersFinalizers(draft) ??
    hooked(draft, "preDrain") ??
    drain(draft) ??
    hooked(draft, "preTerminate") ??
    releaseHost(draft) ??
    removeNode(draft) ??
    endMachine(draft)
  );
}

type Hook = "preDrain" | "preTerminate";

const gates = {
  preDrain: { condition: drainable, operation: "Drain" },
  preTerminate: { condition: terminable, operation: "Terminate" },
} as const;

/** Told of every Machine, whether it is being deleted or not. */
export function judgeHooks(draft: OpenShiftDraft): void {
  for (const hook of ["preDrain", "preTerminate"] as const) {
    const blocking = blockedBy(draft, hook);
    const verdict = blocking === undefined ? isTrue("") : notTrue("HookPresent", blocking);
    judge(draft, gates[hook].condition, verdict);
  }
}

function blockedBy({ snapshot }: OpenShiftDraft, hook: Hook): string | undefined {
  const hooks = snapshot.machine.spec.lifecycleHooks?.[hook] ?? [];
  if (hooks.length === 0) return undefined;
  const named = hooks.map(({ name, owner }) => `${name} of ${owner}`).join(", ");
  return `${gates[hook].operation} operation currently blocked by spec.lifecycleHooks.${hook}: ${named}`;
}

function hooked(draft: OpenShiftDraft, hook: Hook): Stop | undefined {
  const blocking = blockedBy(draft, hook);
  return blocking === undefined ? undefined : wait(because("HookPresent", blocking), ["object"]);
}

/**
 * Once it has been done it stays done: what comes to the Node later knows that it is leaving. Where there was no Node one
 * may still join while the host has its image.
 */
function drain(draft: OpenShiftDraft): Stop | undefined {
  const { snapshot } = draft;
  const isDone = shownStatus(snapshot).conditions?.some(
    ({ type, status, reason }) =>
      type === drained && status === "True" && (reason !== noNode || !mayBoot(draft)),
  );
  if (isDone === true) return undefined;
  const node = nodeOf(snapshot);
  const skipped = whyNoDrain(draft, node);
  if (node === undefined || skipped !== undefined) {
    judge(draft, drained, isTrue(skipped ?? noNode));
    return undefined;
  }
  const { podsLeft, message = "" } = snapshot.node ?? {};
  const rest = message === "" ? "" : `: ${message}`;
  const told =
    podsLeft === undefined
      ? `asks the pods of Node ${node.name} to leave`
      : `waits for ${podsLeft} pods to leave Node ${node.name}${rest}`;
  judge(draft, drained, notTrue("Draining", told));
  return askToLeave(draft, node, { act: "drain", why: because("Draining", told) });
}

const noNode = "NoNode";

function mayBoot({ snapshot: { host } }: OpenShiftDraft): boolean {
  return host !== undefined && !host.gone && hasDeployment(host.spec);
}

/** The reason why it counts as drained. */
function whyNoDrain({ snapshot }: OpenShiftDraft, node: NodeName | undefined): string | undefined {
  const { annotations = {} } = snapshot.machine.metadata;
  if (annotations[excludeDrainAnnotation] !== undefined) return "DrainSkipped";
  if (node === undefined) return noNode;
  return snapshot.node?.podsLeft === 0 ? "Drained" : undefined;
}

function removeNode(draft: OpenShiftDraft): Stop | undefined {
  const node = nodeOf(draft.snapshot);
  if (node === undefined) return undefined;
  const why = because("Deleting", `deletes Node ${node.name}`);
  return askToLeave(draft, node, { act: "delete", why });
}

function askToLeave(
  draft: OpenShiftDraft,
  { name: nodeName, uid: nodeUid }: NodeName,
  { act, why }: { readonly act: "drain" | "delete"; readonly why: Stop["because"] },
): Stop {
  const { memory, snapshot } = draft;
  const { nowMs, resource } = snapshot;
  const { leave } = memory;
  const isDue = leave?.act !== act || nowMs >= leave.askedAtMs + askLeaveMs;
  const askedAtMs = isDue ? nowMs : leave.askedAtMs;
  if (isDue) {
    memory.leave = { act, askedAtMs };
    draft.writes.push({ kind: "leave-node", resource, ...target(draft), nodeName, nodeUid, act });
  }
  return wait(why, ["node", "object"], askedAtMs + askLeaveMs);
}
