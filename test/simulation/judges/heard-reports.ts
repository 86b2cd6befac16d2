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
  problemOf({ boot_id: boot, committed_seq: committed }: Row): string | undefined {
    const heard = this.#heard.get(String(boot)) ?? 0;
    return Number(committed ?? 0) > heard
      ? `observations up to ${String(committed)} count as taken in, and only ${heard} came`
      : undefined;
  }
}
