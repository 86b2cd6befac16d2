// How long a sealed content may be, in letters of base64: together they must fit into one frame to the agent, which
// takes 1 MiB, beside the rest of an operation.
import type { SecretPurpose } from "../../shared/protocol/facts/sealed-secret.ts";

export const maxSealedLength: Readonly<Record<SecretPurpose, number>> = {
  bmc: 16 * 1024,
  userData: 512 * 1024,
  networkData: 128 * 1024,
  metaData: 128 * 1024,
  preprovisioningNetworkData: 128 * 1024,
};
