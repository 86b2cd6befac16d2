// A token's life as people write it: 3600, 90s, 30m, 1h. Says nothing about what the control plane allows.

const secondsOf: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600 };

/** Undefined for anything else. */
export function ttlSeconds(text: string): number | undefined {
  const [, count, unit = ""] = /^(\d{1,6})([smh]?)$/.exec(text) ?? [];
  const factor = secondsOf[unit];
  return count === undefined || factor === undefined ? undefined : Number(count) * factor;
}
