// What a Metal3Machine waits for before any host is looked at: its Machine, the Cluster's infrastructure, the
// Metal3Cluster, the bootstrap data; in the order in which upstream asks (cluster-api reference 2.1).
import type { Because } from "../stop.ts";
import { judge, isTrue, notTrue } from "./status/conditions.ts";
import { associated } from "./status/conditions.table.ts";
import { bootstrapSecret, hasInfrastructure, pausedBy } from "./core-state.ts";
import { because, flavourOf, settled, wait, type MachineDraft, type Stop } from "./draft.ts";

/** Nothing moves while the object or its Cluster is paused, deletion included. */
export function paused(draft: MachineDraft): Stop | undefined {
  const { object, coreCluster } = draft.snapshot;
  const why = pausedBy(object, coreCluster);
  if (why === undefined) {
    judge(draft, "Paused", { status: "False", reason: "NotPaused", message: "" });
    return undefined;
  }
  judge(draft, "Paused", isTrue("Paused", why));
  judge(draft, associated, notTrue("Paused", why));
  return settled(because("Paused", why));
}

export function clusterGates(draft: MachineDraft): Stop | undefined {
  const { owner, coreCluster, metal3Cluster } = draft.snapshot;
  if (owner === undefined) {
    const message = "waits for cluster-api to name the Machine that owns it";
    return shut(draft, because("WaitingForMetal3MachineOwnerRef", message));
  }
  const { clusterName } = owner.spec;
  if (coreCluster === undefined || !hasInfrastructure(coreCluster)) {
    const missing = coreCluster === undefined ? ", which does not exist" : "";
    const message = `waits for the infrastructure of Cluster ${clusterName}${missing}`;
    return shut(draft, because("WaitingForClusterInfrastructureReady", message));
  }
  if (metal3Cluster === undefined) {
    const name = coreCluster.spec.infrastructureRef?.name ?? "that Cluster names";
    return shut(draft, because("WaitingforMetal3Cluster", `waits for Metal3Cluster ${name}`));
  }
  return undefined;
}

/** What was deployed once needs no bootstrap data any more. */
export function bootstrapGate(draft: MachineDraft): Stop | undefined {
  const { owner } = draft.snapshot;
  if (owner === undefined || isDeployed(draft)) return undefined;
  if (bootstrapSecret(owner) !== undefined) return undefined;
  const { configRef } = owner.spec.bootstrap;
  const from = configRef === undefined ? "" : ` from ${configRef.kind} ${configRef.name}`;
  const message = `waits for the bootstrap data${from}: spec.bootstrap.dataSecretName of Machine ${owner.metadata.name}`;
  return shut(draft, because("WaitingForBootstrapData", message));
}

function shut(draft: MachineDraft, why: Because): Stop {
  judge(draft, associated, notTrue(why.reason, why.message));
  return wait(why, ["object"]);
}

/** Its host was provisioned for it: it never gets another one. */
export function isDeployed({ snapshot, status }: MachineDraft): boolean {
  return (
    snapshot.object.spec.providerID !== undefined || status.initialization?.provisioned === true
  );
}

export function hasFinalizer(draft: MachineDraft): boolean {
  const { finalizers = [] } = draft.snapshot.object.metadata;
  return finalizers.includes(flavourOf(draft).finalizer);
}

/** Without it the object could vanish under its host. */
export function askForFinalizer(draft: MachineDraft): void {
  if (!hasFinalizer(draft)) draft.patch.addFinalizers = [flavourOf(draft).finalizer];
}

/**
 * Asks for our finalizer; copies the failure domain, and the cleaning mode of a template that has one and is not paused
 * (M36).
 */
export function prepareObject(draft: MachineDraft): void {
  const { owner, object, template } = draft.snapshot;
  askForFinalizer(draft);
  const domain = owner?.spec.failureDomain ?? "";
  if (domain !== "" && domain !== object.spec.failureDomain) {
    draft.patch.spec = { ...draft.patch.spec, failureDomain: domain };
  }
  if (template === undefined || pausedBy(template, undefined) !== undefined) return;
  const { automatedCleaningMode } = template.spec.template.spec;
  if (automatedCleaningMode === undefined) return;
  if (automatedCleaningMode === object.spec.automatedCleaningMode) return;
  draft.patch.spec = { ...draft.patch.spec, automatedCleaningMode };
}
