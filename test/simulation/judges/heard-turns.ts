// What agents have durably heard of their sessions, against what a database that was restored knows of them: whose
// word is newer has to be believed in his next session.
import type { WorldEvent } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";

type EventOf<K extends WorldEvent["kind"]> = Extract<WorldEvent, { readonly kind: K }>;

interface Heard {
  readonly epoch: number;
  readonly turn: number;
}

function isNewer(one: Heard, other: Heard): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.turn > other.turn);
}

export class HeardTurns {
  readonly #agentOf = new Map<string, string>();
  /** Delivered, and not yet acknowledged. */
  readonly #pending = new Map<string, Heard>();
  readonly #heard = new Map<string, Heard>();
  /** What the database knows instead. */
  readonly #owed = new Map<string, Heard>();
  /** Epoch of the session in which it is to learn more; a later one has nothing to tell it. */
  readonly #learns = new Map<string, number>();
  /** Of these each heard something else. */
  readonly #copied = new Set<string>();

  onHello({ agent, boot }: EventOf<"hello">): void {
    this.#agentOf.set(boot, agent);
  }

  onEnrolled({ agent }: EventOf<"enrolled">): void {
    for (const each of [this.#pending, this.#heard, this.#owed, this.#learns]) each.delete(agent);
  }

  /** What is acknowledged is durable, and what came with it. */
  onSent({ agent, type, epoch }: EventOf<"sent">): void {
    const pending = this.#pending.get(agent);
    if (type !== "ack" || pending === undefined || pending.epoch !== epoch) return;
    this.#pending.delete(agent);
    this.#heard.set(agent, pending);
  }

  onFault({ fault, target }: EventOf<"fault">, truth: Truth): void {
    if (fault === "agent-cloned") this.#copied.add(target);
    if (fault !== "database-restored") return;
    for (const row of truth.rows("sessions") ?? []) {
      const agent = this.#agentOf.get(String(row["boot_id"])) ?? "";
      const heard = this.#heard.get(agent);
      const known = { epoch: Number(row["epoch"]), turn: Number(row["turn"]) };
      if (heard === undefined || !isNewer(heard, known)) continue;
      this.#owed.set(agent, known);
      this.#learns.delete(agent);
    }
  }

  onCommit({ table, after }: EventOf<"commit">): void {
    if (table !== "sessions" || this.#owed.size === 0 || after === undefined) return;
    const agent = this.#agentOf.get(String(after["boot_id"])) ?? "";
    const [known, epoch] = [this.#owed.get(agent), Number(after["epoch"])];
    const isFirst = known !== undefined && epoch > known.epoch && !this.#learns.has(agent);
    if (isFirst) this.#learns.set(agent, epoch);
  }

  /** What is wrong with a welcome. */
  problemOf(event: EventOf<"frame">): string | undefined {
    const { agent, to, type, epoch, turn, regressed } = event;
    if (to !== "agent") return undefined;
    if (type === "deliveries" && epoch !== undefined && turn !== undefined)
      this.#pending.set(agent, { epoch, turn });
    if (type !== "welcome") return undefined;
    const [known, heard] = [this.#owed.get(agent), this.#heard.get(agent)];
    this.#owed.delete(agent);
    this.#pending.delete(agent);
    if (this.#learns.get(agent) !== epoch) return undefined;
    if (known === undefined || heard === undefined || regressed === true) return undefined;
    if (this.#copied.has(agent.split("#", 1)[0] ?? agent)) return undefined;
    const words = ({ epoch: of, turn: number }: Heard): string => `turn ${number} of epoch ${of}`;
    return `it was welcomed as if nothing had been lost: it had heard ${words(heard)}, and the database knew ${words(known)}`;
  }
}
