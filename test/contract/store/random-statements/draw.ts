// What random statements are drawn from: a seed, the clock, and the rows as they are, so that most of them mean
// something. Small pools of names make statements meet.
import type { FeedSender } from "../../../../control-plane/ports.ts";
import type { Store } from "../../../../control-plane/ports.ts";
import type { Random } from "../../../simulation/kernel/random.ts";
import type { SessionRow, Tables } from "../../../simulation/store/rows.ts";

/** One statement with its arguments. `idOf`: what the store calls an outbox row that memory calls `id`. */
export interface Statement {
  readonly name: string;
  readonly given: unknown;
  run(store: Store, idOf: (id: string) => string): Promise<unknown>;
}

export interface Draw {
  readonly random: Random;
  readonly tables: Tables;
  nowMs(): number;
  /** A number never given before. */
  next(): number;
}

export const clusters = ["east", "west"] as const;
export const sites = ["lab", "shed"] as const;
export const namespaces = ["metal", "other"] as const;
export const agents = ["one", "two", "three", "four", "five"] as const;
/** Ends of the uids of all that is the machine side's. */
export const coreUids = ["a", "b", "c", "d"] as const;
/** Of hosts; some of them may have been acted on. */
export const annotationNames = ["reboot", "inspect", "note"] as const;
export const hostUids = ["a", "b", "c", "d", "e", "f"] as const;

/** `Random.pick` takes undefined for nothing to pick from. */
export function choose<T>({ random }: Draw, items: readonly T[]): T {
  return random.pick(items.map((item) => ({ item }))).item;
}

/** A row that is there, or undefined. */
export function rowOf<Row>({ random }: Draw, rows: ReadonlyMap<string, Row>): Row | undefined {
  return rows.size === 0 ? undefined : random.pick([...rows.values()]);
}

/** Mostly of a session as it is; sometimes of one that was, or of another cluster. */
export function senderOf(draw: Draw): FeedSender {
  const { random, tables } = draw;
  const linked = [...tables.links.values()].filter(({ name }) => name.startsWith("cluster:"));
  if (linked.length === 0 || random.chance(0.05)) {
    return { agentId: random.pick(agents), epoch: random.below(9), cluster: random.pick(clusters) };
  }
  const link = random.pick(linked);
  const epoch = link.epoch - Number(random.chance(0.05));
  return { agentId: link.agent_id, epoch, cluster: link.name.slice("cluster:".length) };
}

export function sessionOf(
  draw: Draw,
): Pick<SessionRow, "agent_id" | "epoch" | "committed_seq" | "turn"> {
  const { random } = draw;
  const session = rowOf(draw, draw.tables.sessions);
  if (session === undefined)
    return { agent_id: random.pick(agents), epoch: 1, committed_seq: 0, turn: 0 };
  return random.chance(0.05) ? { ...session, epoch: session.epoch - 1 } : session;
}

/** Some of it is what Postgres refuses, or needs more than one code unit. */
export function textOf({ random }: Draw): string {
  return random.pick(["", "plain", "nul \0", "lone \uD800 half", "\u{1F40E}", 'quote " \\', "ü"]);
}

export function numberOf({ random }: Draw): number {
  return random.pick([0, -0, 1, -17, 0.1 + 0.2, 1e21, 2 ** 53, 1.5e-7]);
}
