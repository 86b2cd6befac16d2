// Work that an agent was given while something was wrong, or whose machine was struck in its middle, and that has no
// end yet: it may wait for what a fault made impossible, and ends in its own time.
import type { WorldEvent } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";

type Delivered = Extract<WorldEvent, { readonly kind: "delivered" }>;
type Fault = Extract<WorldEvent, { readonly kind: "fault" }>;
type Power = Extract<WorldEvent, { readonly kind: "power" }>;
type Reported = Extract<WorldEvent, { readonly kind: "reported" }>;

const striking: readonly string[] = ["board-replaced", "machine-power-loss", "ramdisk-dies"];
/** Whatever serves a boot, or says that it does. */
const serving = /^(agent|network|rogue)-/;

export class SpoiledWork {
  /** Its operation, by the host's uid. */
  readonly #open = new Map<string, string>();
  /** All work that has no end yet. */
  readonly #running = new Map<string, string>();
  readonly #endedMs = new Map<string, number>();

  onDelivered({ what, hostUid, operationId }: Delivered, isWrong: boolean): void {
    if (what !== "operation" || operationId === undefined) return;
    this.#running.set(hostUid, operationId);
    if (isWrong) this.#open.set(hostUid, operationId);
    else if (this.#open.get(hostUid) !== operationId) this.#open.delete(hostUid);
  }

  /** A boot that is lost is waited for until its bound. */
  onFault({ fault }: Fault): void {
    if (!striking.includes(fault) && !serving.test(fault)) return;
    for (const [hostUid, operationId] of this.#running) this.#open.set(hostUid, operationId);
  }

  /** Neither is one expected that somebody has switched off. */
  onPower({ machine, why, on }: Power, truth: Truth): void {
    if (why !== "button" || on) return;
    for (const { object } of truth.hostsOf(machine)) {
      const { uid } = object.metadata;
      const operationId = this.#running.get(uid);
      if (operationId !== undefined) this.#open.set(uid, operationId);
    }
  }

  onReported({ what, hostUid = "", operationId, atMs }: Reported): void {
    const isEnd = what === "operation-succeeded" || what === "operation-failed";
    if (!isEnd) return;
    if (this.#running.get(hostUid) === operationId) this.#running.delete(hostUid);
    if (this.#open.get(hostUid) !== operationId) return;
    this.#open.delete(hostUid);
    this.#endedMs.set(hostUid, atMs);
  }

  /** Since when neither the world nor such work stands in the way of a host; undefined: something does. */
  sinceMs(hostUid: string, calmSinceMs: number | undefined): number | undefined {
    if (calmSinceMs === undefined || this.#open.has(hostUid)) return undefined;
    return Math.max(calmSinceMs, this.#endedMs.get(hostUid) ?? -Infinity);
  }
}
