// Whether an agent may switch a machine by what it was told: nothing of a host that people hold, unless it has begun to
// destroy: that work is finished. Work that was ordered before a host became externally provisioned is void, but for
// its power, which may follow.
import type { WorldEvent } from "../world/events.ts";
import type { Handlers } from "./judge.ts";
import { KnownHolds } from "./known-holds.ts";

type Delivered = Extract<WorldEvent, { readonly kind: "delivered" }>;
type Message = Extract<WorldEvent, { readonly kind: "ramdisk-message" }>;
type Reported = Extract<WorldEvent, { readonly kind: "reported" }>;
type Fault = Extract<WorldEvent, { readonly kind: "fault" | "fault-ended" }>;

/** A BMC may take a command so late: one that loses packets is logged in to anew. */
const atTheBmcMs = 30_000;

interface Order {
  readonly operationId: string;
  readonly work: string | undefined;
  readonly atMs: number;
}

export class KnownPower {
  readonly #inHands = new KnownHolds(({ paused, detached }) => paused || detached);
  readonly #external = new KnownHolds(({ externallyProvisioned }) => externallyProvisioned);
  /** The newest of each host. */
  readonly #orders = new Map<string, Order>();
  /** Ids of operations: a frame may come twice, the second time after a newer one. */
  readonly #ordered = new Set<string>();
  /** As "operation agent": of two copies each ends its own. Of nobody in particular: "operation ". */
  readonly #destroying = new Set<string>();
  /** When each agent was stopped, and went on; the last one may not have yet. */
  readonly #stops = new Map<string, { readonly fromMs: number; toMs: number }[]>();
  /** Whoever uses the same kinds of events calls these. */
  readonly on = {
    delivered: (event: Delivered) => {
      this.#inHands.onDelivered(event);
      this.#external.onDelivered(event);
      const { what, hostUid, operationId, work, atMs } = event;
      if (what !== "operation" || operationId === undefined) return;
      if (this.#ordered.has(operationId)) return;
      this.#ordered.add(operationId);
      this.#orders.set(hostUid, { operationId, work, atMs });
    },
    "ramdisk-message": ({ agent = "", direction, type, operationId = "" }: Message) => {
      if (direction === "to ramdisk" && type === "go")
        this.#destroying.add(`${operationId} ${agent}`);
    },
    reported: ({ agent, what, operationId = "" }: Reported) => {
      if (what !== "operation-succeeded" && what !== "operation-failed") return;
      for (const whose of [agent, ""]) this.#destroying.delete(`${operationId} ${whose}`);
    },
  } satisfies Handlers;

  onFault({ kind, fault, target, atMs }: Fault): void {
    if (fault !== "agent-paused") return;
    const stops = this.#stops.get(target) ?? [];
    this.#stops.set(target, stops);
    const last = stops.at(-1);
    if (kind === "fault") stops.push({ fromMs: atMs, toMs: Infinity });
    else if (last !== undefined) last.toMs = atMs;
  }

  /** How long an agent that was not stopped has had for it. */
  #awakeMs(agent: string, fromMs: number, toMs: number): number {
    const stopped = (this.#stops.get(agent) ?? []).map((stop) =>
      Math.max(0, Math.min(stop.toMs, toMs) - Math.max(stop.fromMs, fromMs)),
    );
    return toMs - fromMs - stopped.reduce((sum, ms) => sum + ms, 0);
  }

  /** Why the agent may not switch what this BMC is of; undefined: it may. */
  problem(agent: string, bmcAddress: string, atMs: number): string | undefined {
    const hostUid = this.#inHands.hostAt(agent, bmcAddress);
    if (hostUid === undefined) return undefined;
    const order = this.#orders.get(hostUid);
    const isPast = (whose: string): boolean =>
      order !== undefined && this.#destroying.has(`${order.operationId} ${whose}`);
    if (isPast(agent) || isPast("")) return undefined;
    const heldMs = this.#awakeMs(agent, this.#inHands.sinceMs(agent, hostUid) ?? Infinity, atMs);
    if (heldMs > atTheBmcMs) return `has known for ${heldMs} ms that the host is held`;
    return this.#voidProblem(order, this.#external.sinceMs(agent, hostUid) ?? Infinity, atMs);
  }

  #voidProblem(order: Order | undefined, sinceMs: number, atMs: number): string | undefined {
    if (order === undefined || order.work === "power" || order.atMs >= sinceMs) return undefined;
    if (atMs - sinceMs <= atTheBmcMs) return undefined;
    const known = `has known for ${atMs - sinceMs} ms that the host is externally provisioned`;
    return `${known}, and goes on with its ${order.work}`;
  }
}
