// What a Machine of OpenShift shows: its phase, conditions, addresses and Node in the status, the state of its host as
// an annotation. Nothing here is Failed: upstream that is for ever, and here every wait heals.
import { isoTime } from "../host/status/iso-time.ts";
import { isProvisioned } from "../machine/consumer/provisioned.ts";
import { ownerOfHost } from "../machine/consumer/consumer.ts";
import type { Stop, Verdict } from "../machine/draft.ts";
import { nodeCondition } from "../machine/status/conditions.table.ts";
import { instanceStateAnnotation } from "./annotations.ts";
import type { OpenShiftDraft } from "./decide-machine.ts";
import { drainable, drained, instanceExists, remediated, terminable } from "./conditions.ts";
import { nodeOf } from "./node-of.ts";
import type { MachineCondition, OpenShiftMachineStatus } from "./machine.ts";

/** Those that are told as they are judged; of the others a Machine has none. */
const judged = [drainable, drained, terminable, nodeCondition, remediated];

/** The state of its host, for `kubectl get machines -o wide`. */
export function markInstance(draft: OpenShiftDraft): void {
  const { host, machine } = draft.snapshot;
  if (host === undefined || host.gone || ownerOfHost(draft, host) !== "ours") return;
  if (machine.metadata.annotations?.[instanceStateAnnotation] === host.state) return;
  draft.patch.annotations = { ...draft.patch.annotations, [instanceStateAnnotation]: host.state };
}

export function tellStatus(
  draft: OpenShiftDraft,
  stop: Stop,
  before: OpenShiftMachineStatus,
): OpenShiftMachineStatus {
  const { lastOperation, providerStatus } = draft.snapshot.machine.status ?? {};
  const node = nodeOf(draft.snapshot);
  const { addresses } = draft.status;
  const status: OpenShiftMachineStatus = {
    ...(addresses === undefined ? {} : { addresses }),
    conditions: conditionsOf(draft, stop, before),
    ...(lastOperation === undefined ? {} : { lastOperation }),
    ...(before.lastUpdated === undefined ? {} : { lastUpdated: before.lastUpdated }),
    ...(node === undefined ? {} : { nodeRef: { kind: "Node", ...node } }),
    phase: phaseOf(draft, node !== undefined),
    ...(providerStatus === undefined ? {} : { providerStatus }),
  };
  return status;
}

function phaseOf({ snapshot, status }: OpenShiftDraft, hasNode: boolean): string {
  const { metadata, spec } = snapshot.machine;
  if (metadata.deletionTimestamp !== undefined) return "Deleting";
  if (hasNode) return "Running";
  const isThere = spec.providerID !== undefined || status.addresses !== undefined;
  return isThere ? "Provisioned" : "Provisioning";
}

function conditionsOf(
  draft: OpenShiftDraft,
  stop: Stop,
  before: OpenShiftMachineStatus,
): MachineCondition[] {
  const shown = new Map((before.conditions ?? []).map((one) => [one.type, one]));
  const put = (type: string, verdict: Verdict) => {
    const previous = shown.get(type);
    const { status, reason, message } = verdict;
    const isSame = previous?.status === status;
    shown.set(type, {
      lastTransitionTime: isSame ? previous.lastTransitionTime : isoTime(draft.snapshot.nowMs),
      ...(message === "" ? {} : { message: message.slice(0, 32_768) }),
      ...(reason === "" ? {} : { reason }),
      ...(status === "True" ? {} : { severity: "Info" }),
      status,
      type,
    });
  };
  put(instanceExists, instance(draft, stop));
  for (const type of judged) {
    const verdict = draft.verdicts.get(type);
    if (verdict !== undefined) put(type, verdict);
  }
  return [...shown.values()].toSorted((left, right) => (left.type < right.type ? -1 : 1));
}

/** Where there is none yet it says what the Machine waits for. */
function instance(draft: OpenShiftDraft, { because }: Stop): Verdict {
  const { host } = draft.snapshot;
  const isThere =
    host !== undefined && ownerOfHost(draft, host) === "ours" && isProvisioned(draft, host);
  if (isThere) return { status: "True", reason: "", message: "" };
  return { status: "False", ...because };
}
