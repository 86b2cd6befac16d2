// What is odd about a machine or its BMC, for good: personalities, named in MachinePlan.quirks. What goes wrong only
// for a while are the knobs of bmc-faults.ts and simulated-fleet-machine.ts.
import type { BmcFaults } from "./bmc/bmc-faults.ts";
import type { MachineIdentity } from "./metal.ts";

export interface Quirk {
  /** For people. */
  readonly says: string;
  readonly faults?: Partial<BmcFaults>;
  /** Sessions at once, and how long an idle one keeps its place. */
  readonly sessions?: { readonly limit: number; readonly idleMs: number };
  /** After so many failed logins nobody gets in, for so long. */
  readonly lockout?: { readonly failures: number; readonly lastsMs: number };
  /** The BMC starts anew by itself: every so often, for so long, between these. */
  readonly restarts?: { readonly everyMs: number; readonly lastsMs: readonly [number, number] };
  /** What the machine says of itself, in place of what is its own. */
  readonly identity?: Partial<Pick<MachineIdentity, "usbMac" | "systemUuid" | "serialNumber">>;
  /** The operating system does not listen to a soft power-off. */
  readonly ignoresSoft?: boolean;
  /** The firmware looks once for something to boot, and then waits at a prompt. */
  readonly looksOnce?: boolean;
  /** On again by itself when the mains are back, if it was on. */
  readonly comesBack?: boolean;
}

const minute = 60_000;

export const quirkTable = {
  "slow-bmc": {
    says: "answers after up to 2 s",
    faults: { delayMs: [100, 2_000] },
  },
  "cached-power": {
    says: "tells a power state that is up to 30 s old",
    faults: { cachedPowerMs: 30_000 },
  },
  "forgets-boot-device": {
    says: "takes a boot device, and forgets every second one",
    faults: { forgetsBootDeviceEvery: 2 },
  },
  "forgets-power-command": {
    says: "takes a power command, and forgets every fourth one",
    faults: { forgetsPowerEvery: 4 },
  },
  "deaf-in-post": {
    says: "takes power commands during POST and does nothing, except off",
    faults: { deafInPost: true },
  },
  "late-power": {
    says: "switches 4 s after it said so",
    faults: { powerDelayMs: 4_000 },
  },
  "one-session": {
    says: "has one session, which expires after 3 min",
    sessions: { limit: 1, idleMs: 3 * minute },
  },
  "two-sessions": {
    says: "has two sessions, which expire after 2 min",
    sessions: { limit: 2, idleMs: 2 * minute },
  },
  lockout: {
    says: "lets nobody in for 30 min after 3 failed logins",
    lockout: { failures: 3, lastsMs: 30 * minute },
  },
  "loses-packets": {
    says: "loses one packet in ten, either way",
    faults: { lossChance: 0.1 },
  },
  "repeats-packets": {
    says: "one packet in five comes twice, either way",
    faults: { repeatChance: 0.2 },
  },
  flaps: {
    says: "is up for 30 s and down for 30 s",
    faults: { flapMs: 30_000 },
  },
  "wrong-guid": {
    says: "tells the GUID of its board's vendor instead of the machine's",
    faults: { guid: "00000000-0000-0000-0000-ac1f6b000000" },
  },
  "hides-boot-flags": {
    says: "always reads its boot flags as invalid",
    faults: { hidesBootFlags: true },
  },
  "drops-boot-flags": {
    says: "knows no parameter that keeps boot flags for longer than 60 s",
    faults: { refusedBootParameters: [3] },
  },
  "restarts-itself": {
    says: "starts anew every 7 min, and is away for 20 to 60 s",
    restarts: { everyMs: 7 * minute, lastsMs: [20_000, 60_000] },
  },
  "vendor-uuid": {
    says: "has the UUID that its board's vendor gave to all of them",
    identity: { systemUuid: "03000200-0400-0500-0006-000700080009" },
  },
  "no-identity": {
    says: "has no UUID, and a placeholder for a serial number",
    identity: {
      systemUuid: "00000000-0000-0000-0000-000000000000",
      serialNumber: "To be filled by O.E.M.",
    },
  },
  "usb-card": {
    says: "has a network card of its BMC on USB, with an address that all of them have",
    identity: { usbMac: "be:3a:f2:b6:05:9f" },
  },
  "ignores-soft": {
    says: "its operating system ignores the power button",
    ignoresSoft: true,
  },
  "looks-once": {
    says: "its firmware looks once for something to boot",
    looksOnce: true,
  },
  "comes-back": {
    says: "is on again by itself after an outage",
    comesBack: true,
  },
  "unhurried-bmc": {
    says: "answers after 0.1 to 0.5 s, as most real ones do",
    faults: { delayMs: [100, 500] },
  },
} as const satisfies Readonly<Record<string, Quirk>>;

/** For MachinePlan.quirks. */
export const quirkNames = Object.keys(quirkTable) as readonly (keyof typeof quirkTable)[];

/** All of them in one; throws when there is no such quirk. */
export function quirksOf(names: readonly string[]): Quirk {
  const table: Readonly<Record<string, Quirk>> = quirkTable;
  return names.reduce<Quirk>(
    (all, name) => {
      const quirk = table[name];
      if (quirk === undefined) throw new Error(`there is no quirk "${name}"`);
      const faults = { ...all.faults, ...quirk.faults };
      return { ...all, ...quirk, faults, identity: { ...all.identity, ...quirk.identity } };
    },
    { says: "" },
  );
}
