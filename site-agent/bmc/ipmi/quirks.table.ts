// Where vendors leave the specification, by IANA enterprise number as Get Device ID tells it. New
// oddities are rows here, not code.

export interface IpmiQuirks {
  /** Boot device selector for "disk" under UEFI. */
  readonly uefiDiskSelector: number;
  /** Boot option parameter 3 keeps the boot flags for longer than 60 s; some refuse it. */
  readonly keepsBootFlags: boolean;
  /** Least time between two commands. */
  readonly minimumIntervalMs: number;
}

const standard: IpmiQuirks = {
  uefiDiskSelector: 0x2,
  keepsBootFlags: true,
  minimumIntervalMs: 20,
};

/** UEFI disk is "remotely connected disk", byte 24h (Ironic's vendor-aware boot device map). */
const supermicro: Partial<IpmiQuirks> = { uefiDiskSelector: 0x9 };

const byManufacturer: Readonly<Record<number, Partial<IpmiQuirks>>> = {
  10876: supermicro,
  // The same vendor with the number's bytes in the wrong order.
  47488: supermicro,
  // OpenBMC: no parameter 3.
  49871: { keepsBootFlags: false },
};

export function quirksOf(manufacturerId: number | undefined): IpmiQuirks {
  return { ...standard, ...(manufacturerId === undefined ? {} : byManufacturer[manufacturerId]) };
}
