// A status is stamped (lastUpdated) when it is decided, and stamps never go back. So one that Kubernetes shows is known
// by its stamp, or was decided by a memory that is lost: a database went back in time.
import type { KnownStamps } from "../../protocol/write-back.ts";
import type { HostMemory, Snapshot } from "../snapshot.ts";
import { isoTime } from "./iso-time.ts";

/** With more, whatever is between the first and the last may be own: the cluster link was away for long. */
const mostStamps = 64;

/** What is known by now: with what Kubernetes shows. */
export function stampsAfter({ memory, host }: Snapshot): KnownStamps {
  const shown = host.status?.lastUpdated;
  // A new memory has begun with what is shown; one from before this was kept may have written what it remembers.
  const start = { seen: newest(shown, memory?.status.lastUpdated), own: [] };
  const { seen, own } = memory?.stamps ?? start;
  return isLater(shown, seen)
    ? { seen: shown, own: own.filter((one) => isLater(one, shown)) }
    : { seen, own };
}

/** Of a status that is another than before. */
export function stamp(memory: HostMemory, { memory: before, nowMs }: Snapshot): void {
  const { seen, own } = memory.stamps ?? { own: [] };
  const known = newest(seen, newest(before?.status.lastUpdated, isoTime(nowMs)));
  const now = known ?? isoTime(nowMs);
  memory.status.lastUpdated = now;
  const others = own.filter((one) => one !== now).slice(0, mostStamps - 1);
  memory.stamps = { ...(seen === undefined ? {} : { seen }), own: [...others, now] };
  memory.over = memory.stamps;
}

/** Whether a status with that stamp was decided by a memory that is lost. */
export function isLost(shown: string | undefined, { seen, own }: KnownStamps): boolean {
  if (!isLater(shown, seen) || own.includes(shown ?? "")) return false;
  const isBetween = isLater(shown, own[0]) && isLater(own.at(-1), shown);
  return !(isBetween && own.length >= mostStamps);
}

function newest(one: string | undefined, other: string | undefined): string | undefined {
  return isLater(one, other) ? one : other;
}

/** What is no time is before any. */
function isLater(one: string | undefined, other: string | undefined): boolean {
  const [ms, otherMs] = [Date.parse(one ?? ""), Date.parse(other ?? "")];
  return !Number.isNaN(ms) && (Number.isNaN(otherMs) || ms > otherMs);
}
