// Snapshot → decision about a Machine of OpenShift: its host is chosen, claimed, written and left as a Metal3Machine's
// is; around that stands what the machine-api-operator does: phase, hooks, drain, the Node.
import type { MachineDecision } from "../machine/decision.ts";
import { associate } from "../machine/consumer/associate.ts";
import { linkNode } from "../machine/consumer/link-node.ts";
import { provision } from "../machine/consumer/provisioned.ts";
import { fail } from "../machine/choice/find-host.ts";
import {
  because,
  finish,
  gone,
  leave,
  settled,
  startDraft,
  type MachineDraft,
  type Stop,
} from "../machine/draft.ts";
import { askForFinalizer, isDeployed } from "../machine/gates.ts";
import type { OpenShiftMachineSnapshot } from "./snapshot.ts";
import { shownStatus } from "./conditions.ts";
import { deletion, judgeHooks } from "./deletion.ts";
import { nodeMarks } from "./node-marks.ts";
import { remediate } from "./remediation/remediate.ts";
import { readRemediation } from "./remediation/request.ts";
import { markInstance, tellStatus } from "./tell-status.ts";

/** A draft of a Metal3Machine's form, whose snapshot has OpenShift's own. */
export interface OpenShiftDraft extends Omit<MachineDraft, "snapshot"> {
  readonly snapshot: OpenShiftMachineSnapshot;
}

export function decideOpenShiftMachine(snapshot: OpenShiftMachineSnapshot): MachineDecision {
  const shown = shownStatus(snapshot);
  const { addresses } = shown;
  const { machine } = snapshot;
  const isLinked = machine.status?.nodeRef !== undefined;
  const { isOff, isWanted, hasKept } = readRemediation(machine);
  const restores = hasKept && (isOff || !isWanted);
  const ownNode = { isLinked, marks: nodeMarks(machine), restores };
  const draft: OpenShiftDraft = startDraft(
    { ...snapshot, ownNode },
    addresses === undefined ? {} : { addresses },
  );
  if (snapshot.deleted) return leave({ ...draft, status: shown }, gone());
  const other = managedElsewhere(draft);
  if (other !== undefined) return leave({ ...draft, status: shown }, other);
  judgeHooks(draft);
  const stop = deletion(draft) ?? live(draft);
  markInstance(draft);
  const status = tellStatus(draft, stop, shown);
  return finish({ ...draft, status, snapshot: { ...snapshot, object: machine } }, stop);
}

/** Since it was moved to cluster-api its word is a copy. One of another provider may have a controller of its own. */
function managedElsewhere({ snapshot }: OpenShiftDraft): Stop | undefined {
  const { problem, machine } = snapshot;
  const { authoritativeAPI = "MachineAPI" } = machine.spec;
  if (authoritativeAPI !== "MachineAPI")
    return settled(because("ManagedElsewhere", `spec.authoritativeAPI is ${authoritativeAPI}`));
  const { phase, conditions = [] } = machine.status ?? {};
  const isOurs = phase === undefined || conditions.some(({ reason }) => reason === foreign);
  if (problem?.isForeign !== true || isOurs) return undefined;
  return settled(because("ManagedElsewhere", problem.message));
}

const foreign = "ForeignProviderSpec";

function live(draft: OpenShiftDraft): Stop {
  const { problem } = draft.snapshot;
  if (problem !== undefined && !isDeployed(draft)) {
    const reason = problem.isForeign ? foreign : "InvalidProviderSpec";
    return fail(draft, because(reason, problem.message), ["object", "host"]);
  }
  askForFinalizer(draft);
  const host = associate(draft);
  if ("because" in host) return host;
  return provision(draft, host) ?? remediate(draft, host) ?? linkNode(draft, host);
}
