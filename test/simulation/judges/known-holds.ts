// What the agent of a host's site was told of holding it back: from then on it may give no word to destroy, however
// short the time since people have asked for it.
import type { WorldEvent } from "../world/events.ts";
import type { Handlers, Report } from "./judge.ts";
import { partsOfOperation } from "./operations.ts";

type Delivered = Extract<WorldEvent, { readonly kind: "delivered" }>;
type Hold = NonNullable<Delivered["document"]>["hold"];

/** A word that was given before has left by then. */
const onItsWayMs = 2_000;

class KnownHolds {
  readonly #since = new Map<string, number>();
  readonly #holds: (hold: Hold) => boolean;

  constructor(holds: (hold: Hold) => boolean) {
    this.#holds = holds;
  }

  onDelivered({ agent, hostUid, what, document, atMs }: Delivered): void {
    const key = `${agent} ${hostUid}`;
    if (what === "remove-document") this.#since.delete(key);
    if (document === undefined) return;
    if (!this.#holds(document.hold)) this.#since.delete(key);
    else if (!this.#since.has(key)) this.#since.set(key, atMs);
  }

  /** For how long an agent had known it when it gave its word, ms; undefined: it had not. */
  heldMs(agent: string, hostUid: string, atMs: number): number | undefined {
    const since = this.#since.get(`${agent} ${hostUid}`);
    return since === undefined || atMs - since < onItsWayMs ? undefined : atMs - since;
  }
}

/** Reports each word to destroy of an agent that had known better. `what`: as "held back". */
export function judgeWords(
  report: Report,
  what: string,
  holds: (hold: Hold) => boolean,
): Pick<Required<Handlers>, "delivered" | "ramdisk-message"> {
  const known = new KnownHolds(holds);
  return {
    delivered: (event) => known.onDelivered(event),
    "ramdisk-message"({ machine, type, operationId, agent, atMs }, truth) {
      if (type !== "go" || operationId === undefined) return;
      const { hostUid } = partsOfOperation(operationId);
      const site = agent ?? truth.machines.get(machine)?.site ?? "";
      const heldMs = known.heldMs(site, hostUid, atMs);
      if (heldMs === undefined) return;
      report(`its agent had known for ${heldMs} ms that it is ${what}, and said go`, machine);
    },
  };
}
