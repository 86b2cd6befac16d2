// Whether work that an agent is told to give up was taken back by anybody: a host, or a Secret beside it, was changed
// since it was ordered.
import type { KubernetesObject, WorldEvent } from "../world/events.ts";

type Delivered = Extract<WorldEvent, { readonly kind: "delivered" }>;
type Stored = Extract<WorldEvent, { readonly kind: "object" }>;

/** From a change until what was decided before it is at the site. */
const onItsWayMs = 60_000;
/** From when nothing stands in the way any more until what had waited is heard. */
const heardMs = 20_000;
/** People, and what watches them, write it at any time. */
const meansNothing = "example.com/touched";

export class GivenUpWork {
  readonly #orderedMs = new Map<string, number>();
  /** By uid of the host. */
  readonly #changedMs = new Map<string, number>();
  /** By "cluster namespace". */
  readonly #secretsMs = new Map<string, number>();
  readonly #homes = new Map<string, string>();

  onObject({ cluster, verb, before, after, atMs }: Stored): void {
    const { uid, namespace = "" } = after.metadata;
    const home = `${cluster} ${namespace}`;
    if (after.kind === "Secret") this.#secretsMs.set(home, atMs);
    if (after.kind !== "BareMetalHost") return;
    this.#homes.set(uid, home);
    if (verb === "gone" || meaningOf(before) !== meaningOf(after)) this.#changedMs.set(uid, atMs);
  }

  /**
   * Undefined: it is explained, or something may have kept a change from being heard.
   * @param calmSinceMs since when what people do is heard at once
   */
  problemOf({ what, hostUid, operationId = "", atMs }: Delivered, calmSinceMs: number | undefined) {
    if (what === "operation") this.#orderedMs.set(operationId, atMs);
    const orderedMs = this.#orderedMs.get(operationId);
    if (what !== "cancel" || orderedMs === undefined || calmSinceMs === undefined) return undefined;
    if (calmSinceMs > orderedMs - heardMs) return undefined;
    const home = this.#homes.get(hostUid) ?? "";
    const lastMs = Math.max(
      this.#changedMs.get(hostUid) ?? -Infinity,
      this.#secretsMs.get(home) ?? -Infinity,
    );
    return lastMs >= orderedMs - onItsWayMs
      ? undefined
      : `${operationId} was given up, and nobody took it back`;
  }
}

function meaningOf(host: KubernetesObject | undefined): string {
  const { annotations = {}, labels, deletionTimestamp } = host?.metadata ?? {};
  const { [meansNothing]: _, ...others } = annotations;
  return JSON.stringify([host?.spec, others, labels, deletionTimestamp]);
}
