// What the control plane has decided of a host, as its database has it, becomes what Kubernetes shows of it: an answer
// that was misread, or a write that was dropped, leaves people with an old status.
import type { KubernetesObject, WorldEvent } from "../world/events.ts";
import { pausedAnnotation, statusOf } from "./host-of.ts";
import type { HostStatus } from "./host-of.ts";
import { Waits } from "./waits.ts";

type Commit = Extract<WorldEvent, { readonly kind: "commit" }>;
type Stored = Extract<WorldEvent, { readonly kind: "object" }>;

/** 30 s for a lost notification, 30 s between two tries. */
const boundMs = 70_000;

export class ShownStatus {
  /** By uid of the host. */
  readonly #decided = new Map<string, string>();
  readonly #shown = new Map<string, KubernetesObject>();
  readonly #waits: Waits;

  constructor(late: (uid: string, afterMs: number) => void) {
    this.#waits = new Waits(boundMs, late);
  }

  onCommit({ table, key, after, atMs }: Commit, calmSinceMs: () => number | undefined): void {
    if (table !== "hosts") return;
    const { status } = (after?.["memory"] ?? {}) as { readonly status?: HostStatus };
    if (status === undefined) this.#decided.delete(key);
    else this.#decided.set(key, wordsOf(status));
    this.#compare(key, atMs, calmSinceMs);
  }

  onObject({ verb, after, atMs }: Stored, calmSinceMs: () => number | undefined): void {
    if (after.kind !== "BareMetalHost") return;
    const { uid } = after.metadata;
    if (verb === "gone") this.#shown.delete(uid);
    else this.#shown.set(uid, after);
    this.#compare(uid, atMs, calmSinceMs);
  }

  look(nowMs: number, calmSinceMs: () => number | undefined): void {
    this.#waits.look(nowMs, calmSinceMs);
  }

  #compare(uid: string, atMs: number, calmSinceMs: () => number | undefined): void {
    const [decided, shown] = [this.#decided.get(uid), this.#shown.get(uid)];
    if (decided === undefined || shown === undefined || isPaused(shown)) this.#waits.drop(uid);
    else if (wordsOf(statusOf(shown)) === decided) this.#waits.end(uid, atMs, calmSinceMs());
    else this.#waits.begin(uid, atMs);
  }
}

/** Nothing of it is written then. */
function isPaused({ metadata: { annotations = {} } }: KubernetesObject): boolean {
  return annotations[pausedAnnotation] !== undefined;
}

/** What people look at. */
function wordsOf({ provisioning, operationalStatus, poweredOn, errorMessage }: HostStatus): string {
  return JSON.stringify([provisioning?.state, operationalStatus, poweredOn, errorMessage]);
}
