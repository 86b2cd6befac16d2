// What passes on the links between agents and the hub, told to the world: connections, frames as they arrive at a
// process that lives, and of some frames what is in them. Changes nothing.
import type { Happened } from "../world/events.ts";

type Tell = (happened: Happened) => void;
type Side = "agent" | "hub";

/** Of one end of a connection. */
export interface EndWatch {
  /** Its process sends it; told of agents only. */
  sent(text: string): void;
  arrived(text: string): void;
  /** It is closed, or its process has ended, which learns no code. */
  ended(code?: number): void;
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
      sent: (text) => {
        const { agent, connection } = about;
        if (to === "agent") this.#tell({ kind: "sent", agent, connection, ...readSent(text) });
      },
      arrived: (text) => {
        const frame = readFrame(text);
        const { told, ...head } = frame;
        this.#tell({ kind: "frame", ...about, to, ...head });
        for (const each of told(this.#agent)) this.#tell(each);
      },
      ended: (code) =>
        this.#tell({
          kind: "link",
          ...about,
          change: `${to} end closed`,
          ...(code === undefined ? {} : { code }),
        }),
    });
    return { agent: end("agent"), hub: end("hub") };
  }

  /** It was given an identity. */
  enrolled(): void {
    this.#tell({ kind: "enrolled", agent: this.#agent });
  }
}

interface Head {
  readonly type: string;
  readonly epoch: number | undefined;
  readonly sequence: number | undefined;
  readonly turn?: number | undefined;
  readonly regressed?: true;
}

interface Frame extends Head {
  /** Of observations: the first and the last. */
  readonly seqs: readonly [number, number] | undefined;
  readonly told: (agent: string) => readonly Happened[];
}

interface Wire {
  readonly type?: string;
  readonly bootId?: string;
  readonly capabilities?: readonly string[];
  readonly done?: readonly string[];
  readonly items?: readonly Item[];
}

interface Item {
  readonly id?: string;
  readonly seq?: number;
  readonly delivery?: Delivery;
  readonly body?: Body;
}

interface Delivery {
  readonly kind: string;
  readonly hostUid?: string;
  readonly revision?: number;
  readonly operationId?: string;
  readonly document?: {
    readonly hostUid: string;
    readonly revision: number;
    readonly spec: Document;
  };
  readonly operation?: {
    readonly id: string;
    readonly hostUid: string;
    readonly revision: number;
    readonly validForMs: number;
    readonly payload: { readonly kind: string; readonly image?: { readonly url: string } };
  };
}

type Document = NonNullable<Extract<Happened, { readonly kind: "delivered" }>["document"]>;

interface Body {
  readonly kind: string;
  readonly hostUid?: string;
  readonly operationId?: string;
  readonly failure?: { readonly kind: string; readonly destroyed: boolean };
}

const nothing = (): readonly Happened[] => [];

function readFrame(text: string): Frame {
  const head = readHead(text);
  const { type } = head;
  if (type !== "deliveries" && type !== "observations" && type !== "hello") {
    return { ...head, seqs: undefined, told: nothing };
  }
  const wire = parse(text);
  if (wire === undefined) return { ...head, type: "garbled", seqs: undefined, told: nothing };
  return { ...head, seqs: seqsOf(wire), told: (agent) => toldOf(wire, agent) };
}

function readSent(text: string): Head & { readonly stored?: readonly string[] | undefined } {
  const head = readHead(text);
  return head.type === "ack" ? { ...head, stored: parse(text)?.done } : head;
}

const ofSession = ["lease", "ack", "welcome", "observations", "deliveries"];

/** Longer than what stands before the items of a frame. */
const headCharacters = 200;

function readHead(text: string): Head {
  const head = text.slice(0, headCharacters);
  const type = /^\{"type":"([\w-]+)"/.exec(head)?.[1] ?? "garbled";
  const number = (field: RegExp): number | undefined => {
    const found = field.exec(head)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  if (!ofSession.includes(type)) return { type, epoch: undefined, sequence: undefined };
  const read = { type, epoch: number(/"epoch":(\d+)/), sequence: number(/"sequence":(\d+)/) };
  if (type === "deliveries") return { ...read, turn: number(/"turn":(\d+)/) };
  const isRegressed = type === "welcome" && head.includes('"regressed":true');
  return isRegressed ? { ...read, regressed: true } : read;
}

function parse(text: string): Wire | undefined {
  try {
    return JSON.parse(text) as Wire;
  } catch {
    return undefined;
  }
}

function seqsOf({ type, items = [] }: Wire): Frame["seqs"] {
  const [first, last] = [items.at(0)?.seq, items.at(-1)?.seq];
  if (type !== "observations" || first === undefined || last === undefined) return undefined;
  return [first, last];
}

function toldOf({ type, bootId = "", capabilities = [], items = [] }: Wire, agent: string) {
  if (type === "hello") return [{ kind: "hello", agent, boot: bootId, capabilities }] as const;
  return items.flatMap(({ id = "", seq = 0, delivery, body }): readonly Happened[] => {
    if (delivery !== undefined) return delivered({ agent, id }, delivery);
    return body === undefined ? [] : reported(agent, seq, body);
  });
}

function delivered(
  place: { readonly agent: string; readonly id: string },
  delivery: Delivery,
): readonly Happened[] {
  const { kind: what, document, operation, hostUid, operationId, revision } = delivery;
  const about = { kind: "delivered", ...place } as const;
  if (what === "document" && document !== undefined) {
    const { bmcAddress, bootMACAddress, hold } = document.spec;
    const told = { bmcAddress, bootMACAddress, hold };
    const { hostUid: uid, revision: own } = document;
    return [{ ...about, what, hostUid: uid, revision: own, document: told }];
  }
  if (what === "operation" && operation !== undefined) return [ordered(about, operation)];
  if ((what !== "remove-document" && what !== "cancel") || hostUid === undefined) return [];
  return [{ ...about, what, hostUid, operationId, revision }];
}

type Delivered = Extract<Happened, { readonly kind: "delivered" }>;

function ordered(
  about: Pick<Delivered, "kind" | "agent" | "id">,
  { id: operationId, hostUid, revision, validForMs, payload }: NonNullable<Delivery["operation"]>,
): Delivered {
  const order = { operationId, revision, validForMs };
  const { kind: work, image } = payload;
  return { ...about, what: "operation", hostUid, ...order, work, image: image?.url };
}

/** Progress is told by the ramdisk's own messages. */
function reported(agent: string, seq: number, body: Body): readonly Happened[] {
  const { kind: what, hostUid, operationId, failure } = body;
  if (what === "operation-progress") return [];
  const about = { kind: "reported", agent, seq, what, hostUid, operationId } as const;
  if (failure === undefined) return [{ ...about, failure }];
  return [{ ...about, failure: failure.kind, destroyed: failure.destroyed }];
}
