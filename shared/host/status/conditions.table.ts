// The conditions of a host by state, as upstream computes them. "-" stands for the type's own negative reason.
import type { HostState } from "../state.table.ts";

export interface StateConditions {
  /** Reason of Manageable; undefined: True with reason Manageable. */
  readonly unmanageable?: string;
  readonly available?: true;
  readonly provisioned?: true;
  /** Reason of Progressing = True. */
  readonly progressing?: string;
}

export const stateConditions: Readonly<Record<HostState, StateConditions>> = {
  "": { unmanageable: "NotManaged" },
  unmanaged: { unmanageable: "NotManaged" },
  registering: { unmanageable: "Registering", progressing: "Registering" },
  inspecting: { progressing: "Inspecting" },
  preparing: { progressing: "Preparing" },
  available: { available: true },
  provisioning: { progressing: "Provisioning" },
  provisioned: { provisioned: true },
  "externally provisioned": { provisioned: true },
  deprovisioning: { progressing: "Deprovisioning" },
  "powering off before delete": { progressing: "PoweringOffBeforeDelete" },
  deleting: { progressing: "Deleting" },
};
