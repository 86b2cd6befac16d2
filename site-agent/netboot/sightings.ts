// What was seen of each MAC on its way through a network boot, and which MACs asked that nobody
// allowed. In memory and bounded: a flood of made-up MACs pushes out the oldest and nothing else.

import type { Clock } from "../ports.ts";
import type { BootSighting, BootSightingKind } from "./port.ts";

const maxMacs = 4096;
const maxPerMac = 256;
const hourMs = 3_600_000;

export interface Sightings {
  record(mac: string, kind: BootSightingKind, detail: string): void;
  /** Oldest first. */
  list(mac: string, sinceMs: number): readonly BootSighting[];
  /** True at the first call for this MAC in an hour, when it is worth a line in the log. */
  recordStranger(mac: string): boolean;
  strangers(sinceMs: number): readonly string[];
}

export function makeSightings(clock: Clock): Sightings {
  const seen = new Map<string, BootSighting[]>();
  const strangers = new Map<string, { lastMs: number; loggedAt: number }>();
  return {
    record(mac, kind, detail) {
      const list = seen.get(mac) ?? [];
      list.push({ kind, mac, atMs: clock.nowMs(), detail });
      if (list.length > maxPerMac) list.shift();
      putLast(seen, mac, list);
    },
    list: (mac, sinceMs) => (seen.get(mac) ?? []).filter(({ atMs }) => atMs >= sinceMs),
    recordStranger(mac) {
      const now = clock.monotonicMs();
      const before = strangers.get(mac);
      const isNews = before === undefined || now - before.loggedAt >= hourMs;
      const loggedAt = isNews ? now : before.loggedAt;
      putLast(strangers, mac, { lastMs: clock.nowMs(), loggedAt });
      return isNews;
    },
    strangers: (sinceMs) =>
      [...strangers].filter(([, { lastMs }]) => lastMs >= sinceMs).map(([mac]) => mac),
  };
}

/** Keeps the map in order of use and within its bound. */
function putLast<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > maxMacs && oldest !== undefined) map.delete(oldest);
}
