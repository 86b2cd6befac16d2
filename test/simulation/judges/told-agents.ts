// Agents that the control plane has told that another process has their identity, or that they may act no more: from
// then until they are welcomed they leave their machines alone, but for what is past its point of no return.
import type { WorldEvent } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";
import { partsOfOperation, siteOfAgent } from "./operations.ts";
import { Swapped } from "./swapped.ts";

type EventOf<K extends WorldEvent["kind"]> = Extract<WorldEvent, { readonly kind: K }>;

/** What was sent before may still be on its way, or be late at its BMC; it is not sent again. */
const onItsWayMs = 2_500;
/** Superseded, unauthorized, revoked. */
const codes: readonly (number | undefined)[] = [4001, 4002, 4003];

export class ToldAgents {
  readonly #toldMs = new Map<string, number>();
  /** Newest operation that destroys, by "agent machine". */
  readonly #destroys = new Map<string, string>();

  /** By "agent machine": what boots was set by one that had been told. Whatever follows was asked about later. */
  readonly #bootSet = new Set<string>();
  /** What is finished on one of a pair may switch the other. */
  readonly #swapped = new Swapped();

  onFault(event: EventOf<"fault">): void {
    this.#swapped.onFault(event);
  }

  onStarted({ process }: EventOf<"started">): void {
    this.#toldMs.delete(process);
    for (const key of this.#destroys.keys()) {
      if (key.startsWith(`${process} `)) this.#destroys.delete(key);
    }
  }

  onLink({ agent, change, code, atMs }: EventOf<"link">): void {
    if (change !== "agent end closed" || !codes.includes(code) || this.#toldMs.has(agent)) return;
    this.#toldMs.set(agent, atMs);
    for (const key of this.#bootSet) if (key.startsWith(`${agent} `)) this.#bootSet.delete(key);
  }

  onFrame({ agent, to, type }: EventOf<"frame">): void {
    if (to === "agent" && type === "welcome") this.#toldMs.delete(agent);
  }

  onMessage(event: EventOf<"ramdisk-message">, truth: Truth): void {
    const { machine, direction, type, operationId = "" } = event;
    if (direction !== "to ramdisk" || type !== "go") return;
    const agent = event.agent ?? siteOfAgent(truth.machines.get(machine)?.site ?? "");
    this.#destroys.set(`${agent} ${machine}`, operationId);
  }

  /** What went before has ended by then. It may come once more itself, and so may what it came after. */
  onDelivered({ agent, what, operationId }: EventOf<"delivered">): void {
    if (what !== "operation" || operationId === undefined) return;
    const { hostUid, number } = partsOfOperation(operationId);
    for (const [key, destroying] of this.#destroys) {
      const known = partsOfOperation(destroying);
      const isIts = key.startsWith(`${agent} `) && known.hostUid === hostUid;
      if (isIts && known.number < number) this.#destroys.delete(key);
    }
  }

  /** How long ago one was told that now acts; undefined: it may. */
  toldAgoMs({
    kind,
    agent = "",
    machine,
    atMs,
  }: EventOf<"power-command"> | EventOf<"boot-device">): number | undefined {
    const key = `${agent} ${machine}`;
    const toldMs = this.#toldMs.get(agent);
    const mayFinish = this.#destroys.has(key) || this.#swapped.has(machine);
    if (toldMs === undefined || mayFinish) return undefined;
    if (kind === "boot-device") this.#bootSet.add(key);
    else if (this.#bootSet.has(key)) return atMs - toldMs;
    return atMs - toldMs > onItsWayMs ? atMs - toldMs : undefined;
  }
}
