// Why a Machine's host is not switched off for its remediation, and why the Machine is not deleted after it. Asked where
// it is decided, and again where it is written.
import { detachedAnnotation, pausedAnnotation } from "../../metal3/annotations.ts";
import { because, type Because } from "../../stop.ts";

interface Machine {
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly ownerReferences?: readonly { readonly controller?: boolean | undefined }[] | undefined;
}

interface Host {
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly spec: {
    readonly externallyProvisioned?: boolean | undefined;
    readonly disablePowerOff?: boolean | undefined;
  };
}

const roleLabels = [
  "machine.openshift.io/cluster-api-machine-role",
  "machine.openshift.io/cluster-api-machine-type",
];

/** Undefined: it may be switched off. */
export function barToPowerOff(machine: Machine, host: Host): Because | undefined {
  const { name, spec } = host;
  if (spec.disablePowerOff === true) {
    const message = `host ${name} cannot be switched off: its spec.disablePowerOff is true`;
    return because("PowerOffDisabled", message);
  }
  return barToAny(machine, host);
}

/** Undefined: it may be deleted. */
export function barToDeletion(machine: Machine, host: Host): Because | undefined {
  const { ownerReferences = [] } = machine;
  if (!ownerReferences.some(({ controller }) => controller === true)) {
    return because("NoController", "the Machine has no controller that would make another");
  }
  return barToAny(machine, host);
}

function barToAny({ labels = {} }: Machine, { name, annotations = {}, spec }: Host) {
  if (roleLabels.some((label) => labels[label] === "master")) {
    return because("MachineIsMaster", "the Machine is a master, on which the cluster stands");
  }
  if (spec.externallyProvisioned === true) {
    return because("HostExternallyProvisioned", `host ${name} is externally provisioned`);
  }
  if (annotations[pausedAnnotation] !== undefined) {
    return because("HostPaused", `host ${name} is paused by annotation ${pausedAnnotation}`);
  }
  if (annotations[detachedAnnotation] !== undefined) {
    return because("HostDetached", `host ${name} is detached by annotation ${detachedAnnotation}`);
  }
  return undefined;
}
