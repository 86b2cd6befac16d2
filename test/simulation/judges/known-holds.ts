// What the agent of a host's site was told of holding it back: from then on it may give no word to destroy, and switch
// nothing, however short the time since people have asked for it.
import type { WorldEvent } from "../world/events.ts";
import type { Handlers, Report } from "./judge.ts";
import { partsOfOperation } from "./operations.ts";

type Delivered = Extract<WorldEvent, { readonly kind: "delivered" }>;
type Document = NonNullable<Delivered["document"]>;
type Hold = Document["hold"];

/** A word that was given before has left by then. */
const onItsWayMs = 2_000;

interface Known {
  readonly hostUid: string;
  readonly revision: number;
  /** Undefined: it was taken away. */
  readonly document: Document | undefined;
  /** Since when it is held; undefined: it is not. */
  readonly sinceMs: number | undefined;
}

export class KnownHolds {
  /** By agent and host. */
  readonly #known = new Map<string, Map<string, Known>>();
  readonly #holds: (hold: Hold) => boolean;

  constructor(holds: (hold: Hold) => boolean) {
    this.#holds = holds;
  }

  onDelivered({ agent, hostUid, what, document, revision = 0, atMs }: Delivered): void {
    if (what !== "document" && what !== "remove-document") return;
    const known = this.#known.get(agent) ?? new Map<string, Known>();
    this.#known.set(agent, known);
    const before = known.get(hostUid);
    // A frame may come twice, the second time after a newer one.
    if (revision < (before?.revision ?? 0)) return;
    const isHeld = document !== undefined && this.#holds(document.hold);
    const sinceMs = isHeld ? (before?.sinceMs ?? atMs) : undefined;
    known.set(hostUid, { hostUid, revision, document, sinceMs });
  }

  /** Since when an agent has known that the host is held, ms. */
  sinceMs(agent: string, hostUid: string): number | undefined {
    return this.#known.get(agent)?.get(hostUid)?.sinceMs;
  }

  /** The one host whose BMC has the address, as the agent knows it. */
  hostAt(agent: string, bmcAddress: string): string | undefined {
    const full = `ipmi://${bmcAddress}`;
    const forms = [full, full.replace(/:623$/, "")];
    const hosts = [...(this.#known.get(agent)?.values() ?? [])].filter(({ document }) =>
      forms.includes(document?.bmcAddress ?? ""),
    );
    return hosts.length === 1 ? hosts[0]?.hostUid : undefined;
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
      const sinceMs = known.sinceMs(agent ?? truth.machines.get(machine)?.site ?? "", hostUid);
      if (sinceMs === undefined || atMs - sinceMs < onItsWayMs) return;
      report(
        `its agent had known for ${atMs - sinceMs} ms that it is ${what}, and said go`,
        machine,
      );
    },
  };
}
