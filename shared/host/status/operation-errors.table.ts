// What follows from each way an operation can fail: when it is tried again, whether it counts as an error
// of the host, and what a person can do.
import type { OperationErrorKind } from "../../protocol/operation.ts";

export interface OperationErrorRule {
  /**
   * backoff: 1–2 min, doubling up to 15 · soon: after 2 s, and not an error: the world moved first ·
   * secret: at a changed Secret, or when the login budget renews · spec: at a change of the object only.
   */
  readonly retry: "backoff" | "soon" | "secret" | "spec";
  /** Appended to the agent's message: the next step. */
  readonly hint?: string;
}

const fixSpec = "correct the spec";

export const operationErrors: Readonly<Record<OperationErrorKind, OperationErrorRule>> = {
  "bmc-address": { retry: "backoff", hint: "correct spec.bmc.address" },
  "bmc-unreachable": {
    retry: "backoff",
    hint: "check the BMC's address, cable and VLAN from the site",
  },
  "bmc-credentials": {
    retry: "secret",
    hint: "correct username and password in the Secret of spec.bmc.credentialsName",
  },
  "bmc-login-budget": {
    retry: "secret",
    hint: "correct the Secret, or wait: more failed logins could lock the BMC",
  },
  "bmc-busy": { retry: "backoff" },
  "bmc-refused": { retry: "backoff", hint: "give the BMC user the Administrator privilege" },
  "power-no-effect": { retry: "backoff", hint: "look at the machine's power supply and console" },
  "boot-timeout": {
    retry: "backoff",
    hint: "check spec.bootMACAddress, the boot order and the provisioning network",
  },
  "image-address": { retry: "spec", hint: fixSpec },
  "image-not-found": { retry: "backoff", hint: "correct spec.image.url, or put the image there" },
  "image-unreachable": { retry: "backoff", hint: "make spec.image.url reachable from the site" },
  "image-checksum": { retry: "backoff", hint: "correct spec.image.checksum, or the image" },
  "image-format": { retry: "backoff", hint: "correct spec.image.format, or the image" },
  "image-too-large": { retry: "backoff", hint: "choose a larger disk by spec.rootDeviceHints" },
  "no-disk": { retry: "backoff", hint: "correct spec.rootDeviceHints, or the disks" },
  secret: { retry: "secret" },
  identity: {
    retry: "backoff",
    hint: "the machine behind this BMC is not the inspected one: put it back, or inspect again",
  },
  fenced: { retry: "soon" },
  expired: { retry: "soon" },
  cancelled: { retry: "soon" },
  guard: { retry: "backoff", hint: "the site's operator forbids it in the site guard file" },
  interrupted: { retry: "backoff" },
  disk: { retry: "backoff", hint: "replace the disk, or choose another by spec.rootDeviceHints" },
  stream: { retry: "backoff" },
  "ramdisk-lost": { retry: "backoff" },
  unsupported: { retry: "backoff", hint: "update the site's agent, or change the spec" },
  internal: { retry: "backoff" },
};
