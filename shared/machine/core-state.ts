// What cluster-api core says about its Cluster and its Machine, in whichever version it says it.
import { quote } from "../result.ts";
import type { CoreCluster, CoreMachine } from "./core-objects.ts";

const pausedAnnotation = "cluster.x-k8s.io/paused";
const managedByAnnotation = "cluster.x-k8s.io/managed-by";
export const clusterNameLabel = "cluster.x-k8s.io/cluster-name";

interface Annotated {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> | undefined };
}

/** Why nothing moves; undefined: nothing is paused. */
export function pausedBy(object: Annotated, cluster: CoreCluster | undefined): string | undefined {
  if (cluster?.spec.paused === true) return `Cluster ${cluster.metadata.name} is paused`;
  if (object.metadata.annotations?.[pausedAnnotation] === undefined) return undefined;
  return `paused by annotation ${pausedAnnotation}`;
}

/** Another system makes this infrastructure and writes its status; undefined: it is ours. */
export function managedElsewhere(object: Annotated): string | undefined {
  const by = object.metadata.annotations?.[managedByAnnotation];
  return by === undefined ? undefined : `annotation ${managedByAnnotation} says ${quote(by)}`;
}

export function hasInfrastructure({ status }: CoreCluster): boolean {
  return (
    status?.initialization?.infrastructureProvisioned === true ||
    isDeprecatedTrue(status, "InfrastructureReady")
  );
}

/** The Secret with the user data; undefined: it is not ready. */
export function bootstrapSecret(machine: CoreMachine): string | undefined {
  const { dataSecretName, configRef } = machine.spec.bootstrap;
  if (dataSecretName !== undefined && dataSecretName !== "") return dataSecretName;
  return isDeprecatedTrue(machine.status, "BootstrapReady") ? configRef?.name : undefined;
}

function isDeprecatedTrue(status: CoreMachine["status"], type: string): boolean {
  const conditions = status?.deprecated?.v1beta1?.conditions ?? [];
  return conditions.some((one) => one.type === type && one.status === "True");
}
