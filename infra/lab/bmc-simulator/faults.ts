// How a simulated BMC misbehaves. All knobs may be turned while it runs.
import type { CipherSuiteId } from "../../../shared/wire/ipmi/cipher-suites.table.ts";

export interface Faults {
  /** Asked for each datagram: true loses it. */
  drop: (direction: "in" | "out") => boolean;
  /** Cipher suites that are advertised but refused at Open Session, with this status. */
  refusedSuites: Partial<Record<CipherSuiteId, number>>;
  /** Power actions are accepted at once and happen this much later. */
  powerDelayMs: number;
  /** Accepts power on and does nothing. */
  stuckOff: boolean;
  /** Boot option parameters that are answered with 80h. */
  refusedBootParameters: readonly number[];
  /** Boot flags always read as invalid. */
  hidesBootFlags: boolean;
  /** Somebody else has all sessions: no new one is opened. */
  sessionsFull: boolean;
  /** Says this GUID, upper or lower case, instead of its own. */
  guid: string | undefined;
}

export function noFaults(): Faults {
  return {
    drop: () => false,
    refusedSuites: {},
    powerDelayMs: 0,
    stuckOff: false,
    refusedBootParameters: [],
    hidesBootFlags: false,
    sessionsFull: false,
    guid: undefined,
  };
}

/** Loses datagrams at random: 0.1 is one in ten. */
export function dropAtRandom(rate: number, random: () => number = Math.random): Faults["drop"] {
  return () => random() < rate;
}
