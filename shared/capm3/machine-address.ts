// An address of a machine, the same in both versions.
import { z } from "zod";

export const machineAddress = z.object({
  address: z.string().min(1).max(256),
  type: z.enum(["Hostname", "ExternalIP", "InternalIP", "ExternalDNS", "InternalDNS"]),
});
