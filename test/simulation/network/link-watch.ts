// What passes on the links between agents and the hub, told to the world: connections, frames as they arrive at a
// process that lives, and of some frames what is in them. Changes nothing.
import type { Happened } from "../world/events.ts";

type Tell = (happened: Happened) => void;
type Side = "agent" | "hub";

/** Of one end of a connection. */
export interface EndWatch {
  arrived(text: string): void;
  /** It is closed, or its process has ended. */
  ended(): void;
}

export class LinkWatch {
  readonly #agent: string;
  readonly #tell: Tell;
  #connections = 0;

  constructor(agent: string, tell: Tell) {
    this.#agent = agent;
    this.#tell = tell;
  }

  /** A connection to an instance of the control plane. */
  open(instance: string): Readonly<Record<Side, EndWatch>> {
    this.#connections += 1;
    const about = { agent: this.#agent, instance, connection: this.#connections };
    this.#tell({ kind: "link", ...about, change: "opened" });
    const end = (to: Side): EndWatch => ({
      arrived: (text) => {
        const frame = readFrame(text);
        this.#tell({ kind: "frame", ...about, to, type: frame.type });
        for (const told of frame.told(this.#agent)) this.#tell(told);
      },
      ended: () => this.#tell({ kind: "link", ...about, change: `${to} end closed` }),
    });
    return { agent: end("agent"), hub: end("hub") };
  }
}

interface Frame {
  readonly type: string;
  told(agent: string): readonly Happened[];
}

interface Wire {
  readonly type?: string;
  readonly bootId?: string;
  readonly capabilities?: readonly string[];
  readonly items?: readonly { readonly seq?: number; readonly delivery?: Delivery; body?: Body }[];
}

interface Delivery {
  readonly kind: string;
  readonly hostUid?: string;
  readonly operationId?: string;
  readonly document?: { readonly hostUid: string; readonly spec: Document };
  readonly operation?: {
    readonly id: string;
    readonly hostUid: string;
    readonly payload: { readonly kind: string; readonly image?: { readonly url: string } };
  };
}

type Document = NonNullable<Extract<Happened, { readonly kind: "delivered" }>["document"]>;

interface Body {
  readonly kind: string;
  readonly hostUid?: string;
  readonly operationId?: string;
  readonly failure?: { readonly kind: string };
}

const nothing = (): readonly Happened[] => [];

function readFrame(text: string): Frame {
  const type = /^\{"type":"([\w-]+)"/.exec(text)?.[1] ?? "garbled";
  if (type !== "deliveries" && type !== "observations" && type !== "hello") {
    return { type, told: nothing };
  }
  const wire = parse(text);
  if (wire === undefined) return { type: "garbled", told: nothing };
  return { type, told: (agent) => toldOf(wire, agent) };
}

function parse(text: string): Wire | undefined {
  try {
    return JSON.parse(text) as Wire;
  } catch {
    return undefined;
  }
}

function toldOf({ type, bootId = "", capabilities = [], items = [] }: Wire, agent: string) {
  if (type === "hello") return [{ kind: "hello", agent, boot: bootId, capabilities }] as const;
  return items.flatMap(({ seq = 0, delivery, body }): readonly Happened[] => {
    if (delivery !== undefined) return delivered(agent, delivery);
    return body === undefined ? [] : reported(agent, seq, body);
  });
}

function delivered(agent: string, delivery: Delivery): readonly Happened[] {
  const { kind: what, document, operation, hostUid, operationId } = delivery;
  const about = { kind: "delivered", agent } as const;
  if (what === "document" && document !== undefined) {
    const { bmcAddress, bootMACAddress, hold } = document.spec;
    const told = { bmcAddress, bootMACAddress, hold };
    return [{ ...about, what, hostUid: document.hostUid, document: told }];
  }
  if (what === "operation" && operation !== undefined) {
    const { id, payload } = operation;
    const order = { operationId: id, work: payload.kind, image: payload.image?.url };
    return [{ ...about, what, hostUid: operation.hostUid, ...order }];
  }
  if ((what !== "remove-document" && what !== "cancel") || hostUid === undefined) return [];
  return [{ ...about, what, hostUid, operationId }];
}

/** Progress is told by the ramdisk's own messages. */
function reported(agent: string, seq: number, body: Body): readonly Happened[] {
  const { kind: what, hostUid, operationId, failure } = body;
  if (what === "operation-progress") return [];
  return [{ kind: "reported", agent, seq, what, hostUid, operationId, failure: failure?.kind }];
}
