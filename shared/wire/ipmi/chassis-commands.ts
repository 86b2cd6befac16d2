// Data of the chassis commands: power and boot options, requests and responses, without completion
// codes (IPMI 2.0 section 28).

export const chassisCommand = {
  getCapabilities: 0x00,
  getStatus: 0x01,
  control: 0x02,
  identify: 0x04,
  getRestartCause: 0x07,
  setBootOptions: 0x08,
  getBootOptions: 0x09,
} as const;

/** Chassis Control, table 28-4. */
export const chassisControl = { off: 0, on: 1, cycle: 2, reset: 3, interrupt: 4, soft: 5 } as const;

export interface ChassisStatus {
  readonly powerOn: boolean;
  readonly powerFault: boolean;
}

/** Get Chassis Status, section 28.2. */
export function decodeChassisStatus(data: Uint8Array): ChassisStatus | undefined {
  const [power, lastEvent, misc] = data;
  if (power === undefined || lastEvent === undefined || misc === undefined) return undefined;
  return { powerOn: (power & 0x01) !== 0, powerFault: (power & 0x18) !== 0 };
}

export function encodeChassisStatus(status: ChassisStatus): Uint8Array {
  const policyUnknown = 0x60;
  const power = policyUnknown | (status.powerFault ? 0x08 : 0) | (status.powerOn ? 0x01 : 0);
  return Uint8Array.of(power, 0x00, 0x00);
}

/** Parameters of the boot options, table 28-14. */
export const bootParameter = {
  setInProgress: 0,
  flagValidClearing: 3,
  infoAcknowledge: 4,
  flags: 5,
} as const;

/** Boot device selectors of the boot flags, table 28-14. */
export const bootSelector = {
  none: 0x0,
  pxe: 0x1,
  disk: 0x2,
  safeDisk: 0x3,
  diagnostics: 0x4,
  cdrom: 0x5,
  setup: 0x6,
  remoteFloppy: 0x7,
  remoteCdrom: 0x8,
  remoteDisk: 0x9,
  floppy: 0xf,
} as const;

export interface BootFlags {
  readonly valid: boolean;
  readonly persistent: boolean;
  readonly uefi: boolean;
  readonly selector: number;
}

/** Set System Boot Options, parameter 5: the five bytes after the parameter number. */
export function encodeBootFlags(flags: BootFlags): Uint8Array {
  const first = (flags.valid ? 0x80 : 0) | (flags.persistent ? 0x40 : 0) | (flags.uefi ? 0x20 : 0);
  return Uint8Array.of(first, flags.selector << 2, 0, 0, 0);
}

export function decodeBootFlags(data: Uint8Array): BootFlags | undefined {
  const [first, second] = data;
  if (first === undefined || second === undefined) return undefined;
  return {
    valid: (first & 0x80) !== 0,
    persistent: (first & 0x40) !== 0,
    uefi: (first & 0x20) !== 0,
    selector: (second >> 2) & 0x0f,
  };
}

/** Parameter 3: keep the flags when no chassis control follows within 60 s (bit 3). */
export const keepBootFlags = 0x08;
