// Work that fails again and again on a machine with which nothing is wrong. One failure may be what a fault has left
// behind; a second one in a row, each begun a while after the last fault, has its cause in Farrier.
import type { WorldEvent } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";

type Delivered = Extract<WorldEvent, { readonly kind: "delivered" }>;
type Power = Extract<WorldEvent, { readonly kind: "power" }>;
type Reported = Extract<WorldEvent, { readonly kind: "reported" }>;

/** What a fault leaves behind is gone by then: sessions, boots, links. */
const settledMs = 60_000;

/** What neither a person, nor an image, nor the site's operator can be the cause of. */
const unexplained: ReadonlySet<string> = new Set([
  "bmc-unreachable",
  "boot-timeout",
  "disk",
  "internal",
  "power-no-effect",
  "ramdisk-lost",
  "unsupported",
]);

export class VainTries {
  /** Operations that were begun in peace, with when they were given. */
  readonly #begunMs = new Map<string, number>();
  /** Failures in a row, by the host's uid. */
  readonly #failures = new Map<string, number>();

  onDelivered({ what, operationId, atMs }: Delivered, calmSinceMs: number | undefined): void {
    if (what !== "operation" || operationId === undefined) return;
    if (isSettled(calmSinceMs, atMs)) this.#begunMs.set(operationId, atMs);
  }

  /** Whom somebody has switched off in its middle is no wonder. */
  onPower({ machine, why }: Power, truth: Truth): void {
    if (why !== "button") return;
    for (const { object } of truth.hostsOf(machine)) {
      for (const id of this.#begunMs.keys())
        if (id.startsWith(`${object.metadata.uid}.`)) this.#begunMs.delete(id);
    }
  }

  /** How often in a row by now; 0: it is none of those. */
  onReported(
    { what, hostUid = "", operationId = "", failure = "" }: Reported,
    calmSinceMs: number | undefined,
  ): number {
    if (what !== "operation-succeeded" && what !== "operation-failed") return 0;
    const begunMs = this.#begunMs.get(operationId);
    // Told again in a new session it counts once.
    this.#begunMs.delete(operationId);
    if (what === "operation-succeeded") this.#failures.delete(hostUid);
    const isVain = begunMs !== undefined && isSettled(calmSinceMs, begunMs);
    if (!isVain || !unexplained.has(failure)) return 0;
    const count = (this.#failures.get(hostUid) ?? 0) + 1;
    this.#failures.set(hostUid, count);
    return count;
  }
}

function isSettled(calmSinceMs: number | undefined, atMs: number): boolean {
  return calmSinceMs !== undefined && atMs - calmSinceMs >= settledMs;
}
