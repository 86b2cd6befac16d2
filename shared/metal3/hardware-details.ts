// HardwareDetails of metal3.io/v1alpha1: HardwareData.spec.hardware and BareMetalHost.status.hardware.
import { z } from "zod";
import { double, int32, int64 } from "./schema.ts";

const nic = z.object({
  name: z.string().optional(),
  model: z.string().optional(),
  mac: z
    .string()
    .regex(/[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}/)
    .optional(),
  ip: z.string().optional(),
  speedGbps: z.int().optional(),
  vlans: z
    .array(z.object({ id: int32().min(0).max(4094).optional(), name: z.string().optional() }))
    .optional(),
  vlanId: int32().min(0).max(4094).optional(),
  pxe: z.boolean().optional(),
  lldp: z
    .object({
      portID: z.string().optional(),
      switchID: z.string().optional(),
      switchSystemName: z.string().optional(),
    })
    .optional(),
  pciAddress: z.string().optional(),
});

const storage = z.object({
  name: z.string().optional(),
  alternateNames: z.array(z.string()).optional(),
  rotational: z.boolean().optional(),
  type: z.enum(["HDD", "SSD", "NVME"]).optional(),
  sizeBytes: int64().optional(),
  vendor: z.string().optional(),
  model: z.string().optional(),
  serialNumber: z.string().optional(),
  wwn: z.string().optional(),
  wwnVendorExtension: z.string().optional(),
  wwnWithExtension: z.string().optional(),
  hctl: z.string().optional(),
});

export const hardwareDetails = z.object({
  systemVendor: z
    .object({
      manufacturer: z.string().optional(),
      productName: z.string().optional(),
      serialNumber: z.string().optional(),
    })
    .optional(),
  firmware: z
    .object({
      bios: z
        .object({
          date: z.string().optional(),
          vendor: z.string().optional(),
          version: z.string().optional(),
        })
        .optional(),
    })
    .optional(),
  ramMebibytes: z.int().optional(),
  nics: z.array(nic).optional(),
  storage: z.array(storage).optional(),
  cpu: z
    .object({
      arch: z.string().optional(),
      model: z.string().optional(),
      clockMegahertz: double().optional(),
      flags: z.array(z.string()).optional(),
      count: z.int().optional(),
    })
    .optional(),
  hostname: z.string().optional(),
});

export type HardwareDetails = z.infer<typeof hardwareDetails>;
export type Nic = z.infer<typeof nic>;
export type Storage = z.infer<typeof storage>;
