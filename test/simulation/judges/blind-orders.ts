// Orders that are made, or given to a site, though nobody can tell what people want of the host by now: its cluster link
// is not heard, or was away as the host was held, so that the control plane cannot have been told of both in turn.
import type { WorldEvent } from "../world/events.ts";
import type { ClusterLines } from "./cluster-lines.ts";
import { Since } from "./history.ts";
import { isHandsOff } from "./host-of.ts";
import type { Report } from "./judge.ts";

/** A link that is not heard for 20 s counts as away; an order may be on its way to the database. */
const awayMs = 30_000;
const switches: readonly string[] = ["inspect", "clean", "provision", "power"];

type EventOf<K extends WorldEvent["kind"]> = Extract<WorldEvent, { readonly kind: K }>;

export class BlindOrders {
  readonly #report: Report;
  readonly #held = new Since(isHandsOff);
  readonly #lines: ClusterLines;
  /** Whether the site was told last that the host is held: then it does nothing with what waited before. */
  readonly #toldHeld = new Map<string, boolean>();
  /** Ids of operations. */
  readonly #delivered = new Set<string>();
  /** When they were sent last: an agent that was stopped finds them in its socket. */
  readonly #sentMs = new Map<string, number>();

  constructor(report: Report, lines: ClusterLines) {
    this.#report = report;
    this.#lines = lines;
  }

  onObject(event: EventOf<"object">): void {
    this.#held.onObject(event);
  }

  onCommit(event: EventOf<"commit">): void {
    const { table, before, after, atMs, statement } = event;
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

  /** what: beginning with the kind of operation. */
  #given(uid: string, what: string, atMs: number, sentMs: number): void {
    const line = this.#lines.lineOf(uid);
    if (line === undefined || !switches.some((kind) => what.startsWith(`${kind} `))) return;
    const silentMs = sentMs - line.heardMs;
    const cluster = this.#lines.clusterOf(uid);
    if (silentMs > awayMs)
      this.#report(`${what}, ${cluster} was not heard for ${silentMs} ms`, uid);
    const { away } = line;
    const heldMs = this.#held.heldMs(uid, atMs);
    if (away === undefined || heldMs < 0 || this.#toldHeld.get(uid) === true) return;
    if (this.#lines.isStalledSince(uid, Infinity, atMs)) return;
    const sinceMs = atMs - heldMs;
    // What was sent before that, an agent that was stopped has found in its socket.
    if (sentMs < sinceMs) return;
    if (sinceMs > away.fromMs && sinceMs <= away.toMs)
      this.#report(`${what}, held for ${heldMs} ms, since ${cluster} was away`, uid);
  }
}
