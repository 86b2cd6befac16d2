// The conditions of a Machine of OpenShift, as the machine-api-operator names them, and what of its status was decided
// last.
import type { OpenShiftMachineSnapshot } from "./snapshot.ts";
import { machineStatus, type OpenShiftMachineStatus } from "./machine.ts";

export const drainable = "Drainable";
export const drained = "Drained";
export const terminable = "Terminable";
export const instanceExists = "InstanceExists";
/** Ours: False while it is remediated, or should be. */
export const remediated = "farrier.dev/Remediated";

/** As it was decided last; without a memory of that, as Kubernetes shows it. */
export function shownStatus({
  memory,
  machine,
}: Pick<OpenShiftMachineSnapshot, "memory" | "machine">): OpenShiftMachineStatus {
  return machineStatus.safeParse(memory?.status).data ?? machine.status ?? {};
}
