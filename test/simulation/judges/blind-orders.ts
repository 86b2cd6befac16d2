// Orders that are made, or given to a site, though nobody can tell what people want of the host by now: its cluster link
// is not heard, or was away as the host was held, so that the control plane cannot have been told of both in turn.
import type { WorldEvent } from "../world/events.ts";
import { Since } from "./history.ts";
import { isHandsOff } from "./host-of.ts";
import type { Report } from "./judge.ts";

/** A link that is not heard for 20 s counts as away; an order may be on its way to the database. */
const awayMs = 30_000;
/** Of the ways to be away a restart is the shortest that matters: what is shorter than a lease counts for none. */
const leaseMs = 20_000;
/** A watch that stands still looks like one that has nothing to tell, also some time after. */
const stalledMs = 120_000;

const switches: readonly string[] = ["inspect", "clean", "provision", "power"];

interface Line {
  readonly heardMs: number;
  /** The last time that it was away. */
  readonly away: { readonly fromMs: number; readonly toMs: number } | undefined;
}

type EventOf<K extends WorldEvent["kind"]> = Extract<WorldEvent, { readonly kind: K }>;

export class BlindOrders {
  readonly #report: Report;
  readonly #held = new Since(isHandsOff);
  /** By cluster. */
  readonly #lines = new Map<string, Line>();
  /** By cluster. */
  readonly #stalls = new Map<string, { readonly fromMs: number; readonly toMs: number }>();
  readonly #clusterOf = new Map<string, string>();
  /** Whether the site was told last that the host is held: then it does nothing with what waited before. */
  readonly #toldHeld = new Map<string, boolean>();
  /** Ids of operations. */
  readonly #delivered = new Set<string>();
  /** When they were sent last: an agent that was stopped finds them in its socket. */
  readonly #sentMs = new Map<string, number>();

  constructor(report: Report) {
    this.#report = report;
  }

  onObject(event: EventOf<"object">): void {
    this.#held.onObject(event);
    this.#clusterOf.set(event.after.metadata.uid, event.cluster);
  }

  onFault({ fault, target, atMs, kind }: EventOf<"fault" | "fault-ended">): void {
    if (fault !== "api-watch-stalled") return;
    const fromMs = kind === "fault" ? atMs : (this.#stalls.get(target)?.fromMs ?? atMs);
    this.#stalls.set(target, { fromMs, toMs: kind === "fault" ? Infinity : atMs + stalledMs });
  }

  /**
   * Whether all watches of the host's cluster stand still since before that, or before its link was back, if it was away
   * then; or stood just now.
   */
  isStalledSince(uid: string, sinceMs: number, atMs: number): boolean {
    const cluster = this.#clusterOf.get(uid) ?? "";
    const stall = this.#stalls.get(cluster);
    const backMs = this.#lines.get(cluster)?.away?.toMs ?? -Infinity;
    const toldMs = Math.max(sinceMs, backMs);
    return stall !== undefined && stall.fromMs <= toldMs && atMs < stall.toMs;
  }

  onCommit(event: EventOf<"commit">): void {
    const { table, key, before, after, atMs, statement } = event;
    if (table === "links" && after?.["seen_at"] !== before?.["seen_at"]) this.#hear(key, atMs);
    if (table === "outbox") this.#noteSent(event);
    const isNew = before === undefined && statement === "commitHost";
    if (table !== "operations" || !isNew || after === undefined) return;
    this.#given(String(after["host_uid"]), `${String(after["kind"])} was ordered`, atMs, atMs);
  }

  onDelivered({ hostUid, document, operationId, work, atMs }: EventOf<"delivered">): void {
    if (document !== undefined) {
      const { paused, detached } = document.hold;
      this.#toldHeld.set(hostUid, paused || detached);
    }
    if (operationId === undefined || work === undefined || this.#delivered.has(operationId)) return;
    this.#delivered.add(operationId);
    this.#given(hostUid, `${work} was delivered`, atMs, this.#sentMs.get(operationId) ?? atMs);
  }

  #noteSent({ before, after, atMs }: EventOf<"commit">): void {
    if (after === undefined || after["sent_epoch"] === before?.["sent_epoch"]) return;
    this.#sentMs.set(String(after["key"]).replace(/^operation:/, ""), atMs);
  }

  #hear(link: string, atMs: number): void {
    const cluster = link.replace(/^cluster:/, "");
    const line = this.#lines.get(cluster);
    const isBack = line !== undefined && atMs - line.heardMs > leaseMs;
    const away = isBack ? { fromMs: line.heardMs, toMs: atMs } : line?.away;
    this.#lines.set(cluster, { heardMs: atMs, away });
  }

  /** what: beginning with the kind of operation. */
  #given(uid: string, what: string, atMs: number, sentMs: number): void {
    const cluster = this.#clusterOf.get(uid) ?? "";
    const line = this.#lines.get(cluster);
    if (line === undefined || !switches.some((kind) => what.startsWith(`${kind} `))) return;
    const silentMs = sentMs - line.heardMs;
    if (silentMs > awayMs)
      this.#report(`${what}, ${cluster} was not heard for ${silentMs} ms`, uid);
    const { away } = line;
    const heldMs = this.#held.heldMs(uid, atMs);
    if (away === undefined || heldMs < 0 || this.#toldHeld.get(uid) === true) return;
    if (this.isStalledSince(uid, Infinity, atMs)) return;
    const sinceMs = atMs - heldMs;
    if (sinceMs > away.fromMs && sinceMs <= away.toMs)
      this.#report(`${what}, held for ${heldMs} ms, since ${cluster} was away`, uid);
  }
}
