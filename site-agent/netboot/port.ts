// What operations may ask of the boot network: answer this MAC, stop answering, and tell what was seen.

export interface NetbootEntry {
  readonly hostUid: string;
  readonly operationId: string;
  /** Lower case, colons. */
  readonly mac: string;
  /** Fixed address handed to this MAC for as long as the entry stands; chosen from the pool when absent. */
  readonly address?: string;
  /** Extra kernel parameters from a closed grammar: name=value, both [A-Za-z0-9._:/@-]+. */
  readonly kernelParameters: readonly { readonly name: string; readonly value: string }[];
}

/** The steps of a network boot in their order; the last one seen says where a machine stopped. */
export type BootSightingKind =
  | "dhcp-discover"
  | "dhcp-offer"
  | "dhcp-ack"
  | "bootloader"
  | "script"
  | "kernel"
  | "initrd";

export interface BootSighting {
  readonly kind: BootSightingKind;
  readonly mac: string;
  /** Epoch ms. */
  readonly atMs: number;
  /** For people: file name, offered address, architecture. */
  readonly detail: string;
}

export interface Netboot {
  /** From now on this MAC is answered. Replaces an older entry of the same MAC. */
  allow(entry: NetbootEntry): void;
  withdraw(mac: string): void;
  /** What was seen of this MAC since the moment, oldest first. */
  sightings(mac: string, sinceMs: number): readonly BootSighting[];
  /** MACs that asked to boot since the moment and that nobody allowed. */
  strangers(sinceMs: number): readonly string[];
}
