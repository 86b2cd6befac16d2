// Operations of one host that an agent has begun and not ended: there is one at a time, whoever ordered them. What an
// agent has begun is read from its database, for a while after something was ordered there.
import type { WorldEvent } from "../world/events.ts";
import type { JournalRow, Truth } from "../world/truth.ts";
import { partsOfOperation, siteOfAgent } from "./operations.ts";

type Delivered = Extract<WorldEvent, { readonly kind: "delivered" }>;

/** By then one that waits for nothing has begun. */
const looksMs = 4_000;
const begun: readonly string[] = ["started", "destroying"];

export class SideBySide {
  readonly #untilMs = new Map<string, number>();

  onDelivered({ agent, what, atMs }: Delivered): void {
    if (what === "operation") this.#untilMs.set(siteOfAgent(agent), atMs + looksMs);
  }

  /** Each pair, with its agent. */
  look(truth: Truth): readonly { readonly agent: string; readonly problem: string }[] {
    return [...this.#untilMs].flatMap(([site, untilMs]) => {
      if (truth.nowMs() > untilMs) this.#untilMs.delete(site);
      return truth.journal(site).flatMap(({ agent, rows }) => {
        const problem = problemOf(rows);
        return problem === undefined ? [] : [{ agent, problem }];
      });
    });
  }
}

function problemOf(rows: readonly JournalRow[]): string | undefined {
  const of = new Map<string, string>();
  for (const { operationId, state } of rows) {
    if (!begun.includes(state)) continue;
    const { hostUid } = partsOfOperation(operationId);
    const other = of.get(hostUid);
    if (other !== undefined) return `${other} and ${operationId} are at work at once`;
    of.set(hostUid, operationId);
  }
  return undefined;
}
