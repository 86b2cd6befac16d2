// What a herd is told at its start: which machines, behind which BMCs. Shapes only.

/** A machine in memory. */
export interface HerdMachine {
  readonly name: string;
  readonly mac: string;
  /** Of SMBIOS. */
  readonly uuid: string;
  readonly bmcPort: number;
}

export interface HerdPlan {
  /** Where the herd's BMCs listen, with the prefix of the site's network. */
  readonly address: string;
  readonly prefixLength: number;
  readonly user: { readonly name: string; readonly password: string };
  readonly machines: readonly HerdMachine[];
}

/** The end of the herd's cable, inside. */
export const herdInterface = "eth0";
