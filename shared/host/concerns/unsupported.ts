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

/** What the agents can fetch and write. */
export function unsupportedImage({ image }: BareMetalHostSpec): string | undefined {
  if (image === undefined || !URL.canParse(image.url)) return undefined;
  const scheme = new URL(image.url).protocol.slice(0, -1);
  if (scheme !== "http" && scheme !== "https") {
    return `spec.image.url has the scheme ${scheme}, which is not supported yet; use http or https`;
  }
  const { format } = image;
  if (format === undefined || format === "raw" || format === "qcow2") return undefined;
  return `spec.image.format ${format} is not supported yet; use raw or qcow2`;
}
