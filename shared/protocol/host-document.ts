// A host document: all that an agent keeps about a host, level-triggered. The newest stored one is what
// the fences at the point of no return are checked against.
import { z } from "zod";
import { bootMode } from "../metal3/bare-metal-host.ts";
import { diskIdentity, machineIdentity } from "./ramdisk.ts";
import { sealedSecret } from "./facts/sealed-secret.ts";

export const hostDocumentSpec = z.object({
  cluster: z.string(),
  namespace: z.string(),
  name: z.string(),
  bmcAddress: z.string(),
  bootMACAddress: z.string().optional(),
  bootMode,
  credentials: sealedSecret.optional(),
  /** Why nothing may touch this host; all false in the normal case. */
  hold: z.object({
    paused: z.boolean(),
    detached: z.boolean(),
    externallyProvisioned: z.boolean(),
    disablePowerOff: z.boolean(),
  }),
  /** Identity of what should be on the disk; changes whenever a running write must not go on. "" = nothing. */
  allocation: z.string(),
  /** Pinned at inspection; absent before the first. */
  identity: machineIdentity.optional(),
  disks: z.array(diskIdentity).optional(),
});
export type HostDocumentSpec = z.infer<typeof hostDocumentSpec>;

export const hostDocument = z.object({
  hostUid: z.string(),
  revision: z.number().int().positive(),
  /** SHA-256 of the spec's canonical JSON, hex. */
  hash: z.string(),
  spec: hostDocumentSpec,
});
export type HostDocument = z.infer<typeof hostDocument>;
