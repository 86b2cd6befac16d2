// How a simulated BMC misbehaves, as knobs that may be turned at any time. What they do is simulated-bmc.ts.

export interface BmcFaults {
  /** Packets arrive, and nothing comes of them. */
  hangs: boolean;
  /** Of each packet, either way. */
  lossChance: number;
  /** Of each packet, either way, to come twice. */
  repeatChance: number;
  /** From, to; drawn for each answer. */
  delayMs: readonly [number, number];
  /** Answers so long, then does not answer as long, and so on; 0: always answers. */
  flapMs: number;
  /** The power state that it tells may be so old; 0: it looks. */
  cachedPowerMs: number;
  /** Between a power command and what it does. */
  powerDelayMs: number;
  /** So many power commands from now are taken and not done. */
  forgetsPower: number;
  /** Every so many; 0: none. */
  forgetsPowerEvery: number;
  forgetsBootDevice: number;
  forgetsBootDeviceEvery: number;
  /** Power commands during POST are taken and not done, except off. */
  deafInPost: boolean;
  /** Others have all sessions. */
  sessionsFull: boolean;
  guid: string | undefined;
  hidesBootFlags: boolean;
  refusedBootParameters: readonly number[];
}

export function noBmcFaults(): BmcFaults {
  return {
    hangs: false,
    lossChance: 0,
    repeatChance: 0,
    delayMs: [1, 20],
    flapMs: 0,
    cachedPowerMs: 0,
    powerDelayMs: 0,
    forgetsPower: 0,
    forgetsPowerEvery: 0,
    forgetsBootDevice: 0,
    forgetsBootDeviceEvery: 0,
    deafInPost: false,
    sessionsFull: false,
    guid: undefined,
    hidesBootFlags: false,
    refusedBootParameters: [],
  };
}
