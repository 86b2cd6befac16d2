// Becoming externally provisioned: what is on the machine's disks is somebody's from now on. Work on it is given up,
// nothing that was learned of the disks counts any more, and nothing is switched.
import { because, clearErrors, event, go, type Draft, type Stop } from "../draft.ts";

export function isExternal({ snapshot }: Draft): boolean {
  return snapshot.host.spec.externallyProvisioned === true;
}

/** Undefined: the host is Farrier's. */
export function handOver(draft: Draft): Stop | undefined {
  if (!isExternal(draft)) return undefined;
  const { memory } = draft;
  delete memory.status.provisioning.rootDeviceHints;
  memory.clean = false;
  clearErrors(draft);
  const message =
    "spec.externallyProvisioned was set: the machine is left as it is, and may still run the ramdisk; annotation reboot.metal3.io restarts it";
  event(draft, "Normal", "ExternallyProvisioned", message);
  const why = because("ExternallyProvisioned", "spec.externallyProvisioned was set");
  return go(draft, "externally provisioned", why);
}
