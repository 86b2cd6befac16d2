// Remediation of a Machine of OpenShift that annotation host.metal3.io/external-remediation asks for: its host is
// switched off, its Node deleted, its host switched on, and its Node awaited (cluster-api reference 4.3).
import { isoTime } from "../../host/status/iso-time.ts";
import { powerOffAnnotation } from "../../metal3/annotations.ts";
import { askForNode, linkNode } from "../../machine/consumer/link-node.ts";
import { patchHost } from "../../machine/consumer/host-patch.ts";
import { nameOf } from "../../machine/consumer/host-text.ts";
import { because, notAfter, target, tell, wait, type Stop } from "../../machine/draft.ts";
import type { HostView } from "../../machine/snapshot.ts";
import { isTrue, judge, notTrue } from "../../machine/status/conditions.ts";
import { askAgainMs, askLeaveMs, comeBackMs } from "../../machine/waits.ts";
import { poweredOffAnnotation, remediationAnnotation, timeoutAnnotation } from "../annotations.ts";
import { remediated } from "../conditions.ts";
import type { OpenShiftDraft } from "../decide-machine.ts";
import { nodeOf, type NodeName } from "../node-of.ts";
import { barToPowerOff } from "./bars.ts";
import { giveUp } from "./give-up.ts";
import { nothingAsked, readRemediation, type Remediation } from "./request.ts";

/** Undefined: the Machine goes on as any other. */
export function remediate(draft: OpenShiftDraft, host: HostView): Stop | undefined {
  const asked = readRemediation(draft.snapshot.machine);
  // A Node that is gone, or going, is brought back, whatever became of the wish.
  if (asked.isOff || (!asked.isWanted && asked.hasKept)) return bringBack(draft, host, asked);
  if (!asked.isWanted) return callOff(draft, host, asked);
  if (asked.hasKept && hasNoNode(draft)) return noteOff(draft, host);
  const bar = barToPowerOff(draft.snapshot.machine.metadata, { ...host, name: nameOf(host) });
  return bar === undefined ? takeDown(draft, host) : waitFor(draft, host, bar);
}

function callOff(
  draft: OpenShiftDraft,
  host: HostView,
  { untilMs }: Remediation,
): Stop | undefined {
  letPowerOn(draft, host);
  if (host.annotations[powerOffAnnotation] === undefined) delete draft.memory.remediation;
  if (untilMs !== undefined) annotate(draft, { [timeoutAnnotation]: null });
  const { conditions = [] } = draft.snapshot.machine.status ?? {};
  const isShown = conditions.some(({ type, status }) => type === remediated && status === "False");
  if (isShown) judge(draft, remediated, isTrue("", "it is not asked for any more"));
  return undefined;
}

/** Nothing is switched, and what was asked of the host is taken back. */
function waitFor(
  draft: OpenShiftDraft,
  host: HostView,
  { reason, message }: Stop["because"],
): Stop {
  letPowerOn(draft, host);
  const wayOut = `${message}: it is not switched off while that is so; to give it up, remove annotation ${remediationAnnotation} of the Machine`;
  judge(draft, remediated, notTrue(reason, wayOut));
  const why = because(reason, wayOut);
  tell(draft, "Warning", why);
  return wait(why, ["host", "object", "node"], askForNode(draft, host));
}

function takeDown(draft: OpenShiftDraft, host: HostView): Stop {
  const { memory, snapshot } = draft;
  memory.remediation = { ...memory.remediation, asked: true };
  const began = `switches host ${nameOf(host)} off, as annotation ${remediationAnnotation} asks for`;
  tell(draft, "Normal", because("Remediating", began));
  if (host.annotations[powerOffAnnotation] === undefined) {
    const annotations = { [powerOffAnnotation]: '{"mode":"hard"}' };
    patchHost(draft, host, { annotations, holdsOff: true });
    return going(draft, host, because("SwitchingOff", began), askAgainMs);
  }
  const connection = host.site?.connection;
  if (!host.isOff || connection !== "connected") {
    const site = connection === "connected" ? "" : "; its site is not heard";
    const message = `waits until host ${nameOf(host)} is surely off${site}`;
    return going(draft, host, because("SwitchingOff", message));
  }
  if (hasNoNode(draft)) return noteOff(draft, host);
  const node = nodeOf(snapshot);
  if (node === undefined) {
    const message = `host ${nameOf(host)} is off; waits to hear which Node it is`;
    return going(draft, host, because("SwitchedOff", message));
  }
  askToReplace(draft, host, node);
  const { message: told = "" } = snapshot.node ?? {};
  const more = told === "" ? "" : `: ${told}`;
  const message = `host ${nameOf(host)} is off; deletes Node ${node.name}${more}`;
  return going(draft, host, because("DeletingNode", message));
}

function hasNoNode({ snapshot }: OpenShiftDraft): boolean {
  return snapshot.node?.outcome === "missing";
}

/** From then on it is on its way back. */
function noteOff(draft: OpenShiftDraft, host: HostView): Stop {
  annotate(draft, { [poweredOffAnnotation]: "" });
  const message = `host ${nameOf(host)} is off and has no Node; notes it on the Machine`;
  return going(draft, host, because("SwitchedOff", message), askAgainMs);
}

/** What is not shown after a while is asked for again; a host's power may have been known before, and is news to nobody. */
function going(
  draft: OpenShiftDraft,
  host: HostView,
  why: Stop["because"],
  againMs = askLeaveMs,
): Stop {
  judge(draft, remediated, notTrue(why.reason, why.message));
  const atMs = Math.min(askForNode(draft, host), draft.snapshot.nowMs + againMs);
  return wait(why, ["host", "object", "node"], atMs);
}

function askToReplace(draft: OpenShiftDraft, { name, uid }: HostView, node: NodeName): void {
  const { memory, snapshot } = draft;
  const { nowMs, resource } = snapshot;
  const { leave } = memory;
  if (leave?.act === "replace" && nowMs < leave.askedAtMs + askLeaveMs) return;
  memory.leave = { act: "replace", askedAtMs: nowMs };
  memory.remediation = { asked: true, nodeUid: node.uid };
  draft.writes.push({
    kind: "replace-node",
    resource,
    ...target(draft),
    nodeName: node.name,
    nodeUid: node.uid,
    host: { name, uid },
  });
}

function bringBack(draft: OpenShiftDraft, host: HostView, asked: Remediation): Stop | undefined {
  const { memory, snapshot } = draft;
  letPowerOn(draft, host);
  const untilMs = asked.untilMs ?? snapshot.nowMs + comeBackMs;
  if (asked.untilMs === undefined) {
    annotate(draft, { [timeoutAnnotation]: isoTime(untilMs) });
    // What it keeps for its next Node is to be known where that is looked for.
    delete memory.nodeAskedAtMs;
  }
  if (isBack(draft, asked)) return end(draft);
  const isLate = snapshot.nowMs >= untilMs;
  if (isLate && hasNoNode(draft)) return giveUp(draft, host, asked);
  const message = `waits until ${isoTime(untilMs)} for a Node of host ${nameOf(host)}, which is switched on again`;
  judge(draft, remediated, notTrue("WaitingForNode", message));
  const stop = linkNode(draft, host);
  return isLate ? stop : { ...stop, next: notAfter(stop.next, untilMs) };
}

/** A word that was on its way may still be about the Node that was deleted. */
function isBack({ memory, snapshot }: OpenShiftDraft, { isWanted, hasKept }: Remediation): boolean {
  const { machine, node } = snapshot;
  if (node?.outcome !== "linked" || node.providerID !== machine.spec.providerID) return false;
  if (isWanted && node.nodeUid === memory.remediation?.nodeUid) return false;
  return !hasKept || node.restored === true;
}

function end(draft: OpenShiftDraft): undefined {
  annotate(draft, nothingAsked);
  delete draft.memory.remediation;
  delete draft.memory.leave;
  judge(draft, remediated, isTrue("", "its host was switched off and on, and is a Node again"));
}

/** One that was asked to be off, and does not show it, may be so by a write that is on its way. */
function letPowerOn(draft: OpenShiftDraft, host: HostView): void {
  const { memory } = draft;
  const isShown = host.annotations[powerOffAnnotation] !== undefined;
  if (isShown || memory.remediation?.asked === true) {
    patchHost(draft, host, { annotations: { [powerOffAnnotation]: null } });
  }
  if (memory.remediation !== undefined && !isShown) memory.remediation.asked = false;
}

function annotate({ patch }: OpenShiftDraft, annotations: Readonly<Record<string, string | null>>) {
  patch.annotations = { ...patch.annotations, ...annotations };
}
