// What upstream's API offers and Farrier does not do yet: said openly in the status, never silently ignored.
import type { BareMetalHostSpec } from "../../metal3/bare-metal-host.ts";

export function unsupportedRaid({ raid }: BareMetalHostSpec): string | undefined {
  const volumes = [...(raid?.hardwareRAIDVolumes ?? []), ...(raid?.softwareRAIDVolumes ?? [])];
  if (volumes.length === 0) return undefined;
  return "spec.raid is not supported yet; remove it, and set RAID up by hand";
}

export function unsupportedDeploy({ customDeploy }: BareMetalHostSpec): string | undefined {
  if (customDeploy === undefined) return undefined;
  return "spec.customDeploy is not supported yet; remove it and use spec.image";
}
