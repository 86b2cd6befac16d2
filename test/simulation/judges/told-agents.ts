// Agents that the control plane has told that another process has their identity, or that they may act no more: from
// then until they are welcomed they leave their machines alone, but for what is past its point of no return.
import type { WorldEvent } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";
import { partsOfOperation, siteOfAgent } from "./operations.ts";

type EventOf<K extends WorldEvent["kind"]> = Extract<WorldEvent, { readonly kind: K }>;

/** What was sent before may still be on its way. */
const onItsWayMs = 1_000;
/** And is repeated to a bad BMC, or over a bad network. */
const repeatedMs = 30_000;
const bad = /^(bmc|network)-/;
/** Superseded, unauthorized, revoked. */
const codes: readonly (number | undefined)[] = [4001, 4002, 4003];

export class ToldAgents {
  readonly #toldMs = new Map<string, number>();
  /** Newest operation that destroys, by "agent machine". */
  readonly #destroys = new Map<string, string>();

  /** Machines and sites. */
  readonly #bad = new Set<string>();

  onFault({ fault, target }: EventOf<"fault">): void {
    if (bad.test(fault)) this.#bad.add(target);
  }

  onStarted({ process }: EventOf<"started">): void {
    this.#toldMs.delete(process);
    for (const key of this.#destroys.keys()) {
      if (key.startsWith(`${process} `)) this.#destroys.delete(key);
    }
  }

  onLink({ agent, change, code, atMs }: EventOf<"link">): void {
    if (change === "agent end closed" && codes.includes(code) && !this.#toldMs.has(agent))
      this.#toldMs.set(agent, atMs);
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

  /** What went before has ended by then. */
  onDelivered({ agent, what, hostUid }: EventOf<"delivered">): void {
    if (what !== "operation") return;
    for (const [key, operationId] of this.#destroys) {
      const isIts =
        key.startsWith(`${agent} `) && partsOfOperation(operationId).hostUid === hostUid;
      if (isIts) this.#destroys.delete(key);
    }
  }

  /** How long ago one was told that now acts; undefined: it may. */
  toldAgoMs(
    { agent = "", machine, atMs }: EventOf<"power-command"> | EventOf<"boot-device">,
    truth: Truth,
  ): number | undefined {
    const toldMs = this.#toldMs.get(agent);
    if (toldMs === undefined || this.#destroys.has(`${agent} ${machine}`)) return undefined;
    const { quirks = [], site = "" } = truth.machines.get(machine) ?? {};
    const isBad =
      quirks.some((quirk) => quirk !== "unhurried-bmc") ||
      this.#bad.has(machine) ||
      this.#bad.has(site);
    return atMs - toldMs > (isBad ? repeatedMs : onItsWayMs) ? atMs - toldMs : undefined;
  }
}
