// Hosts that are being deleted, as judges need to know them: since when, from which state, and whether anything allows
// to let go of them as they are.
import type { KubernetesObject, WorldEvent } from "../world/events.ts";
import { onItsWayMs } from "./history.ts";
import { isHeld, specOf, stateOf, statusOf } from "./host-of.ts";

type ObjectEvent = Extract<WorldEvent, { readonly kind: "object" }>;

/** Before that nobody has tried four times to switch off or to erase: the pauses alone take longer. */
const givenUpMs = 6 * 60_000;
const forced = "farrier.dev/force-delete";

export interface Deletion {
  readonly sinceMs: number;
  /** State that the host had had for a while; undefined: it had just changed. */
  readonly state: string | undefined;
  /** What it had then, for however short. */
  readonly shown: string;
}

export class Deletions {
  readonly #states = new Map<string, { readonly state: string; readonly sinceMs: number }>();
  readonly #deletions = new Map<string, Deletion>();
  readonly #excused = new Set<string>();
  /** When Secrets went or were deleted, by "cluster/namespace/name". */
  readonly #lostMs = new Map<string, number>();

  onObject({ after, verb, cluster, atMs }: ObjectEvent): void {
    const { uid, name, namespace, deletionTimestamp } = after.metadata;
    if (after.kind === "Secret" && (verb === "gone" || verb === "delete")) {
      this.#lostMs.set(`${cluster}/${namespace}/${name}`, atMs);
    }
    if (after.kind !== "BareMetalHost") return;
    const last = this.#states.get(uid);
    const state = stateOf(after);
    if (deletionTimestamp !== undefined) {
      const isSettled = last !== undefined && atMs - last.sinceMs > onItsWayMs;
      const begun = { sinceMs: atMs, state: isSettled ? last.state : undefined, shown: state };
      if (!this.#deletions.has(uid)) this.#deletions.set(uid, begun);
      if (isExcuse(after)) this.#excused.add(uid);
    }
    if (last?.state !== state) this.#states.set(uid, { state, sinceMs: atMs });
  }

  has(uid: string): boolean {
    return this.#deletions.has(uid);
  }

  /** Undefined: it may be let go of as it is. */
  binding({ cluster, after, by, atMs }: ObjectEvent): Deletion | undefined {
    const { uid, namespace } = after.metadata;
    const deletion = this.#deletions.get(uid);
    if (by !== "farrier" || deletion === undefined || this.#excused.has(uid)) return undefined;
    const secret = `${cluster}/${namespace}/${specOf(after).bmc?.credentialsName}`;
    const { sinceMs } = deletion;
    const isHopeless = (this.#lostMs.get(secret) ?? -Infinity) > sinceMs - onItsWayMs;
    return isHopeless || atMs - sinceMs >= givenUpMs ? undefined : deletion;
  }
}

/** What is on such a host is not Farrier's. */
export function isLeftAlone(host: KubernetesObject): boolean {
  const { externallyProvisioned, bmc } = specOf(host);
  return externallyProvisioned === true || isHeld(host) || (bmc?.address ?? "") === "";
}

/** Asked by force, left alone, or something about it has failed before. */
function isExcuse(host: KubernetesObject): boolean {
  const isForced = host.metadata.annotations?.[forced] !== undefined;
  return isForced || isLeftAlone(host) || (statusOf(host).errorType ?? "") !== "";
}
