// When facts about a host became so, for judges that need to know whether somebody could have known: a change that was
// made a moment ago is still on its way.
import type { WorldEvent } from "../world/events.ts";

/**
 * How long a change may be on its way to the site before acting against it is a violation: the site's lease lasts 60 s
 * at most from the last word of the control plane, and a step that was asked about within it may have begun.
 */
export const onItsWayMs = 90_000;

type ObjectEvent = Extract<WorldEvent, { readonly kind: "object" }>;

/** Since when a predicate holds for each host, by uid. */
export class Since {
  readonly #holds: (object: ObjectEvent["after"]) => boolean;
  readonly #since = new Map<string, number>();

  constructor(holds: (object: ObjectEvent["after"]) => boolean) {
    this.#holds = holds;
  }

  onObject({ after, atMs, verb }: ObjectEvent): void {
    if (after.kind !== "BareMetalHost") return;
    const { uid } = after.metadata;
    if (verb === "gone" || !this.#holds(after)) this.#since.delete(uid);
    else if (!this.#since.has(uid)) this.#since.set(uid, atMs);
  }

  /** For how long it has held, ms; -1: it does not. */
  heldMs(uid: string, nowMs: number): number {
    const since = this.#since.get(uid);
    return since === undefined ? -1 : nowMs - since;
  }
}
