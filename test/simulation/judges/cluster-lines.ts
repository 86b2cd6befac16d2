// What can be known of clusters: when their links were heard, and whether their watches stand still.
import type { WorldEvent } from "../world/events.ts";

/** Of the ways to be away a restart is the shortest that matters: what is shorter than a lease counts for none. */
const leaseMs = 20_000;
/** A watch that stands still looks like one that has nothing to tell, also some time after. */
const stalledMs = 120_000;

export interface ClusterLine {
  readonly heardMs: number;
  /** The last time that it was away. */
  readonly away: { readonly fromMs: number; readonly toMs: number } | undefined;
}

type EventOf<K extends WorldEvent["kind"]> = Extract<WorldEvent, { readonly kind: K }>;

export class ClusterLines {
  /** By cluster, as what follows. */
  readonly #lines = new Map<string, ClusterLine>();
  readonly #stalls = new Map<string, { readonly fromMs: number; readonly toMs: number }>();
  /** By the uid of a host. */
  readonly #clusters = new Map<string, string>();

  onObject({ cluster, after }: EventOf<"object">): void {
    this.#clusters.set(after.metadata.uid, cluster);
  }

  onFault({ fault, target, atMs, kind }: EventOf<"fault" | "fault-ended">): void {
    if (fault !== "api-watch-stalled") return;
    const fromMs = kind === "fault" ? atMs : (this.#stalls.get(target)?.fromMs ?? atMs);
    this.#stalls.set(target, { fromMs, toMs: kind === "fault" ? Infinity : atMs + stalledMs });
  }

  onCommit({ table, key, before, after, atMs }: EventOf<"commit">): void {
    if (table !== "links" || after?.["seen_at"] === before?.["seen_at"]) return;
    const cluster = key.replace(/^cluster:/, "");
    const line = this.#lines.get(cluster);
    const isBack = line !== undefined && atMs - line.heardMs > leaseMs;
    const away = isBack ? { fromMs: line.heardMs, toMs: atMs } : line?.away;
    this.#lines.set(cluster, { heardMs: atMs, away });
  }

  clusterOf(uid: string): string {
    return this.#clusters.get(uid) ?? "";
  }

  lineOf(uid: string): ClusterLine | undefined {
    return this.#lines.get(this.clusterOf(uid));
  }

  /**
   * Whether all watches of the host's cluster stand still since before that, or before its link was back, if it was away
   * then; or stood just now.
   */
  isStalledSince(uid: string, sinceMs: number, atMs: number): boolean {
    const stall = this.#stalls.get(this.clusterOf(uid));
    const backMs = this.lineOf(uid)?.away?.toMs ?? -Infinity;
    const toldMs = Math.max(sinceMs, backMs);
    return stall !== undefined && stall.fromMs <= toldMs && atMs < stall.toMs;
  }
}
