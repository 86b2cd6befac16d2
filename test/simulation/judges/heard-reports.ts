// Which of its numbered observations each program of an agent has brought to the hub without a gap.
import type { WorldEvent } from "../world/events.ts";

type Hello = Extract<WorldEvent, { readonly kind: "hello" }>;
type Frame = Extract<WorldEvent, { readonly kind: "frame" }>;
type Row = Readonly<Record<string, unknown>>;

export class HeardReports {
  /** By agent. */
  readonly #boots = new Map<string, string>();
  /** By boot of the program: the last of those that came one after the other. */
  readonly #heard = new Map<string, number>();

  onHello({ agent, boot }: Hello): void {
    this.#boots.set(agent, boot);
  }

  onFrame({ agent, to, seqs }: Frame): void {
    const boot = this.#boots.get(agent);
    if (to !== "hub" || seqs === undefined || boot === undefined) return;
    const [first, last] = seqs;
    const heard = this.#heard.get(boot) ?? 0;
    if (first <= heard + 1) this.#heard.set(boot, Math.max(heard, last));
  }

  /** A session counts observations as taken in that never came: whoever made them forgets them. */
  problemOf(before: Row, after: Row): string | undefined {
    const [was, is] = [before, after].map((row) => Number(row["committed_seq"] ?? 0));
    const heard = this.#heard.get(String(after["boot_id"])) ?? 0;
    return is! > Math.max(was!, heard)
      ? `observations up to ${is} count as taken in, and only ${heard} came`
      : undefined;
  }
}
