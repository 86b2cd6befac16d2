// How many replicas a MachineSet has that follows the hosts (M80): hosts that its Machines could take, and those that
// they have.
import { readLabelSelector } from "../../machine/choice/label-selector.ts";
import type { HostBrief } from "../../machine/snapshot.ts";
import type { MachineSetSnapshot, Member } from "../snapshot.ts";
import { ok, type Result } from "../../result.ts";
import { autoscaleAnnotation } from "../annotations.ts";
import { openShiftGroup } from "../../machine/openshift-group.ts";
import { readProviderSpec } from "../provider-spec.ts";

/** Undefined: it does not follow them. */
export function countHosts(
  { object, hosts }: MachineSetSnapshot,
  own: readonly Member[],
): Result<number, string> | undefined {
  const { metadata, spec } = object;
  if (metadata.annotations?.[autoscaleAnnotation] === undefined) return undefined;
  const wanted = readProviderSpec(spec.template.spec?.providerSpec?.value);
  if (!wanted.ok) return wanted;
  const test = readLabelSelector(wanted.value.hostSelector, "hostSelector");
  if (!test.ok) return test;
  const names = new Set(own.map((member) => member.object.metadata.name));
  const fitting = hosts.filter(
    (host) =>
      !host.deleting &&
      host.spec.externallyProvisioned !== true &&
      test.value(host.labels) &&
      isFreeOr(names, host),
  );
  return ok(fitting.length);
}

function isFreeOr(names: ReadonlySet<string>, { spec, namespace }: HostBrief): boolean {
  const { consumerRef } = spec;
  if (consumerRef === undefined) return true;
  const { kind, apiVersion = "", name = "", namespace: own = namespace } = consumerRef;
  const isMachine = kind === "Machine" && apiVersion.startsWith(`${openShiftGroup}/`);
  return isMachine && own === namespace && names.has(name);
}
