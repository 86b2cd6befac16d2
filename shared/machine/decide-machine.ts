// Snapshot → decision about a Metal3Machine. Pure and total: no clock, no I/O, the same answer for the same snapshot.
// Each step repeats until Kubernetes shows what it writes, and then lets the next one go on.
import { metal3MachineStatus } from "../capm3/v1beta2/metal3-machine.ts";
import { associate } from "./consumer/associate.ts";
import { stampConditions } from "./status/conditions.ts";
import { associated, dataReady, metaDataAssociated, nodeReady } from "./status/conditions.table.ts";
import type { MachineDecision } from "./decision.ts";
import { finish, gone, leave, makeDraft, type MachineDraft, type Stop } from "./draft.ts";
import { bootstrapGate, clusterGates, paused, prepareObject } from "./gates.ts";
import { linkNode } from "./consumer/link-node.ts";
import { provision } from "./consumer/provisioned.ts";
import { deletion } from "./consumer/release.ts";
import type { MachineSnapshot } from "./snapshot.ts";

export function decideMachine(snapshot: MachineSnapshot): MachineDecision {
  const draft = makeDraft(snapshot, metal3MachineStatus);
  if (snapshot.deleted) return leave(draft, gone());
  return conclude(draft, paused(draft) ?? deletion(draft) ?? live(draft));
}

function live(draft: MachineDraft): Stop {
  // While it waits for others: a claim needs the finalizer to be shown, and shall not wait for that as well.
  prepareObject(draft);
  const closed = clusterGates(draft) ?? bootstrapGate(draft);
  if (closed !== undefined) return closed;
  const host = associate(draft);
  if ("because" in host) return host;
  return provision(draft, host) ?? linkNode(draft, host);
}

function conclude(draft: MachineDraft, stop: Stop): MachineDecision {
  stampConditions(draft, {
    of: [associated, metaDataAssociated, dataReady],
    deprecatedOf: ["AssociateBMH", "Metal3DataReady", nodeReady],
    prefix: "Metal3Machine",
  });
  return finish(draft, stop);
}
