// A Machine whose Node did not come back after its host was switched off and on: it is deleted, so that its MachineSet
// makes another, or it says why it stays.
import { askForNode, nodeOrder } from "../../machine/consumer/link-node.ts";
import { nameOf } from "../../machine/consumer/host-text.ts";
import { because, target, tell, wait, type Stop } from "../../machine/draft.ts";
import type { Because } from "../../stop.ts";
import type { HostView } from "../../machine/snapshot.ts";
import { judge, notTrue } from "../../machine/status/conditions.ts";
import { askLeaveMs } from "../../machine/waits.ts";
import { remediationAnnotation, timeoutAnnotation } from "../annotations.ts";
import { remediated } from "../conditions.ts";
import type { OpenShiftDraft } from "../decide-machine.ts";
import { barToDeletion } from "./bars.ts";
import type { Remediation } from "./request.ts";

export function giveUp(
  draft: OpenShiftDraft,
  host: HostView,
  { isWanted }: Pick<Remediation, "isWanted">,
): Stop {
  const { nowMs, machine, resource } = draft.snapshot;
  const bar = isWanted
    ? barToDeletion(machine.metadata, { ...host, name: nameOf(host) })
    : because("NotWanted", `annotation ${remediationAnnotation} was removed`);
  if (bar !== undefined) return stay(draft, host, bar);
  const order = nodeOrder(draft, host);
  if (order !== undefined) {
    const { providerID, systemUuid, hostnames, addresses } = order;
    draft.writes.push({
      kind: "delete-machine",
      resource,
      ...target(draft),
      host: { name: host.name, uid: host.uid },
      waitedUntil: machine.metadata.annotations?.[timeoutAnnotation] ?? "",
      providerID,
      ...(systemUuid === undefined ? {} : { systemUuid }),
      hostnames,
      ...(addresses === undefined ? {} : { addresses }),
    });
  }
  const why = because("DidNotComeBack", `${missed(host)}; deletes the Machine`);
  judge(draft, remediated, notTrue(why.reason, why.message));
  tell(draft, "Warning", why);
  return wait(why, ["object", "node", "host"], nowMs + askLeaveMs);
}

function stay(draft: OpenShiftDraft, host: HostView, { reason, message }: Because): Stop {
  const why = because(reason, `${missed(host)}; the Machine is not deleted: ${message}`);
  judge(draft, remediated, notTrue(why.reason, why.message));
  tell(draft, "Warning", why);
  return wait(why, ["node", "object", "host"], askForNode(draft, host));
}

function missed(host: HostView): string {
  return `host ${nameOf(host)} was switched off and on, and its Node did not come back in time`;
}
