// Which MAC has which address. Kept in memory only: after a restart a MAC that asks for the address
// it had gets it again, and a new choice for it starts at the same place of the pool.

import { formatIpv4, maskOfPrefix, parseIpv4, sameNetwork } from "../../../shared/ipv4.ts";
import type { Clock } from "../../ports.ts";
import type { NetbootConfig } from "../netboot-config.ts";

export const leaseMs = 3_600_000;

/** How long an address is left alone after a client found somebody else on it (RFC 2131, 3.1.5). */
const declinedMs = 600_000;

export interface LeaseWish {
  /** The address that the MAC must have. */
  readonly fixed?: string | undefined;
  /** The address that the client asks for; it gets it when it is free and nothing says otherwise. */
  readonly wanted?: string | undefined;
}

export interface Leases {
  /** The address of this MAC from now on for an hour; undefined when none is free. */
  bind(mac: string, wish: LeaseWish): string | undefined;
  addressOf(mac: string): string | undefined;
  /** The address that the MAC has, or would be given if it asked for none. */
  expected(mac: string, fixed: string | undefined): string | undefined;
  macOf(address: string): string | undefined;
  /** True when the MAC has this address, or could have it from the pool at this moment. */
  mayKeep(mac: string, address: string): boolean;
  /** The client found the address in use: nobody gets it for a while. */
  decline(mac: string, address: string): void;
}

export interface LeaseOptions {
  readonly clock: Clock;
  readonly config: NetbootConfig;
  /** Addresses that other MACs must have: the pool does not give them away. */
  readonly isReserved: (address: string, mac: string) => boolean;
}

export function makeLeases(options: LeaseOptions): Leases {
  return new LeaseTable(options);
}

class LeaseTable implements Leases {
  readonly #options: LeaseOptions;
  readonly #from: number;
  readonly #poolSize: number;
  readonly #byMac = new Map<string, { readonly address: string; readonly untilMs: number }>();
  readonly #byAddress = new Map<string, string>();
  readonly #declined = new Map<string, number>();

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#from = parseIpv4(options.config.rangeFrom) ?? 0;
    this.#poolSize = (parseIpv4(options.config.rangeTo) ?? 0) - this.#from + 1;
  }

  bind(mac: string, { fixed, wanted }: LeaseWish): string | undefined {
    this.#dropExpired();
    const canHaveFixed = fixed !== undefined && this.#isFree(fixed, mac);
    const address = canHaveFixed ? fixed : this.#choose(mac, wanted);
    if (address === undefined) return undefined;
    this.#release(mac);
    this.#byMac.set(mac, { address, untilMs: this.#options.clock.monotonicMs() + leaseMs });
    this.#byAddress.set(address, mac);
    return address;
  }

  addressOf(mac: string): string | undefined {
    this.#dropExpired();
    return this.#byMac.get(mac)?.address;
  }

  expected(mac: string, fixed: string | undefined): string | undefined {
    return this.addressOf(mac) ?? fixed ?? this.#choose(mac, undefined);
  }

  macOf(address: string): string | undefined {
    this.#dropExpired();
    return this.#byAddress.get(address);
  }

  mayKeep(mac: string, address: string): boolean {
    if (this.addressOf(mac) === address) return true;
    return this.#inPool(address) && this.#isOpenTo(address, mac);
  }

  decline(mac: string, address: string): void {
    if (this.#byMac.get(mac)?.address !== address) return;
    this.#release(mac);
    this.#declined.set(address, this.#options.clock.monotonicMs() + declinedMs);
  }

  /** What the MAC has, else what it asks for, else a free address of the pool. */
  #choose(mac: string, wanted: string | undefined): string | undefined {
    // What it has may be a fixed address outside of the pool, which it keeps as long as it renews.
    const held = this.#byMac.get(mac)?.address;
    if (held !== undefined && this.#isOpenTo(held, mac)) return held;
    if (wanted !== undefined && this.#inPool(wanted) && this.#isOpenTo(wanted, mac)) return wanted;
    const start = hash(mac) % this.#poolSize;
    for (let i = 0; i < this.#poolSize; i += 1) {
      const address = formatIpv4(this.#from + ((start + i) % this.#poolSize));
      if (this.#isOpenTo(address, mac)) return address;
    }
    return undefined;
  }

  #inPool(address: string): boolean {
    const offset = (parseIpv4(address) ?? -1) - this.#from;
    return offset >= 0 && offset < this.#poolSize;
  }

  #isOpenTo(address: string, mac: string): boolean {
    return this.#isFree(address, mac) && !this.#options.isReserved(address, mac);
  }

  #isFree(address: string, mac: string): boolean {
    const owner = this.#byAddress.get(address);
    if (owner !== undefined && owner !== mac) return false;
    return isHostAddress(address, this.#options.config) && !this.#declined.has(address);
  }

  #dropExpired(): void {
    const now = this.#options.clock.monotonicMs();
    for (const [mac, { untilMs }] of this.#byMac) if (untilMs <= now) this.#release(mac);
    for (const [address, untilMs] of this.#declined) {
      if (untilMs <= now) this.#declined.delete(address);
    }
  }

  #release(mac: string): void {
    const lease = this.#byMac.get(mac);
    if (lease !== undefined) this.#byAddress.delete(lease.address);
    this.#byMac.delete(mac);
  }
}

/** In the network, and neither its first nor its last address nor our own. */
function isHostAddress(text: string, config: NetbootConfig): boolean {
  const address = parseIpv4(text);
  const own = parseIpv4(config.address) ?? 0;
  if (address === undefined || address === own || !sameNetwork(address, own, config.prefixLength)) {
    return false;
  }
  const hostPart = (address & ~maskOfPrefix(config.prefixLength)) >>> 0;
  return hostPart !== 0 && hostPart !== ~maskOfPrefix(config.prefixLength) >>> 0;
}

/** FNV-1a, 32 bits: spreads MACs that differ in their last digits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value >>> 0;
}
