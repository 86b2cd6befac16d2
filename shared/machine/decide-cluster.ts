// Snapshot → decision about a Metal3Cluster. Nothing is made for it: it is provisioned as soon as its endpoint can be
// used, and stays until the last Machine of its Cluster is gone.
import { metal3ClusterStatus } from "../capm3/v1beta2/metal3-cluster.ts";
import { copyJson } from "../copy-json.ts";
import { judge, isTrue, notTrue, stampConditions } from "./status/conditions.ts";
import { infrastructureReady } from "./status/conditions.table.ts";
import { managedElsewhere, pausedBy } from "./core-state.ts";
import type { MachineDecision } from "./decision.ts";
import {
  because,
  finish,
  gone,
  leave,
  makeDraft,
  settled,
  tell,
  wait,
  type ClusterDraft,
  type Stop,
} from "./draft.ts";
import type { ClusterSnapshot } from "./snapshot.ts";

const clusterFinalizer = "metal3cluster.infrastructure.cluster.x-k8s.io";
const defaultPort = 6443;
/** Machines that a message names. */
const named = 3;

export function decideCluster(snapshot: ClusterSnapshot): MachineDecision {
  const draft = makeDraft(snapshot, metal3ClusterStatus);
  if (snapshot.deleted) return leave(draft, gone());
  const other = managedElsewhere(snapshot.object);
  if (other !== undefined) return leave(draft, settled(because("ManagedElsewhere", other)));
  return conclude(draft, paused(draft) ?? deletion(draft) ?? live(draft));
}

function paused(draft: ClusterDraft): Stop | undefined {
  const { object, coreCluster } = draft.snapshot;
  const why = pausedBy(object, coreCluster);
  if (why === undefined) {
    judge(draft, "Paused", notTrue("NotPaused", ""));
    return undefined;
  }
  judge(draft, "Paused", isTrue("Paused", why));
  return settled(because("Paused", why));
}

function deletion(draft: ClusterDraft): Stop | undefined {
  const { object, machines } = draft.snapshot;
  if (object.metadata.deletionTimestamp === undefined) return undefined;
  if (object.metadata.finalizers?.includes(clusterFinalizer) !== true) {
    return wait(because("Deleting", "waits for the other finalizers to be removed"), ["object"]);
  }
  if (machines.length > 0) {
    const names = machines.toSorted().slice(0, named).join(", ");
    const message = `waits for ${machines.length} Machines of the Cluster to go: ${names}${machines.length > named ? ", …" : ""}`;
    judge(draft, infrastructureReady, notTrue("Deleting", message));
    return wait(because("Deleting", message), ["machines"]);
  }
  judge(draft, infrastructureReady, notTrue("Deleting", ""));
  draft.patch.removeFinalizers = [clusterFinalizer];
  return wait(because("Deleting", "no Machine of the Cluster is left"), ["object"]);
}

function live(draft: ClusterDraft): Stop {
  const { object, coreCluster } = draft.snapshot;
  if (coreCluster === undefined) {
    const message = "waits for cluster-api to name the Cluster that owns it";
    judge(draft, infrastructureReady, notTrue("FailedToGetOwnerCluster", message));
    return wait(because("FailedToGetOwnerCluster", message), ["object"]);
  }
  if (object.metadata.finalizers?.includes(clusterFinalizer) !== true) {
    draft.patch.addFinalizers = [clusterFinalizer];
  }
  const { host = "", port } = object.spec.controlPlaneEndpoint ?? {};
  if (host === "") return withoutEndpoint(draft);
  if (port === undefined) draft.patch.spec = { controlPlaneEndpoint: { port: defaultPort } };
  const { failureDomains } = object.spec;
  if (failureDomains === undefined) delete draft.status.failureDomains;
  else draft.status.failureDomains = copyJson(failureDomains);
  draft.status.initialization = { provisioned: true };
  judge(draft, infrastructureReady, isTrue(infrastructureReady));
  const why = because(infrastructureReady, `the endpoint is ${host}:${port ?? defaultPort}`);
  return settled(why);
}

function withoutEndpoint(draft: ClusterDraft): Stop {
  const message = "spec.controlPlaneEndpoint.host is empty; set the address of the control plane";
  const why = because("ControlPlaneEndpointFailed", message);
  judge(draft, infrastructureReady, notTrue(why.reason, message));
  tell(draft, "Warning", why);
  return wait(why, ["object"]);
}

function conclude(draft: ClusterDraft, stop: Stop): MachineDecision {
  stampConditions(draft, {
    of: [infrastructureReady],
    deprecatedOf: [infrastructureReady],
    prefix: "Metal3Cluster",
  });
  return finish(draft, stop);
}
