// The point of no return of a boot, as the world sees it.
import type { WorldEvent } from "../world/events.ts";

type DiskEvent = Extract<WorldEvent, { readonly kind: "disk" }>;

/** Tells the first change of a boot, which is its point of no return, from those that follow. */
export function firstOfBoot(): (event: DiskEvent) => boolean {
  const boots = new Set<string>();
  return ({ machine, boot }) => {
    const key = `${machine} ${boot}`;
    const isFirst = !boots.has(key);
    boots.add(key);
    return isFirst;
  };
}
