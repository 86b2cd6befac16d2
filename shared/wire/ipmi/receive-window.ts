// Session sequence numbers of received packets: lets each number through once (IPMI 2.0 section
// 6.12.13). Numbers may be skipped, as BMCs do that share a network port with the host.

export interface ReceiveWindow {
  /** True when the number is new and not too old; it is then remembered. */
  accept(sequence: number): boolean;
}

/** How far behind the newest number a packet may be. */
const windowSize = 32;

export function makeReceiveWindow(): ReceiveWindow {
  let newest = 0;
  const seen = new Set<number>();
  return {
    accept(sequence) {
      if (sequence === 0 || sequence <= newest - windowSize || seen.has(sequence)) return false;
      seen.add(sequence);
      newest = Math.max(newest, sequence);
      for (const old of seen) {
        if (old <= newest - windowSize) seen.delete(old);
      }
      return true;
    },
  };
}
