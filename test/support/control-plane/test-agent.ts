// An agent as the other end of a link, by the protocol's text alone: real keys, real sockets, no code of the
// site-agent. Keeps what it hears; answers nothing by itself.
import { generateKeyPairSync, randomUUID, sign, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { WebSocket } from "ws";
import type { Instance } from "./instances.ts";
import { adminToken } from "./instances.ts";
import { emptyDigest } from "./store-world.ts";

type Frame = Record<string, unknown> & { readonly type: string };

export interface Hello {
  readonly versions?: readonly number[];
  readonly origin?: string;
  readonly nonce?: string;
  readonly counter?: number;
  readonly bootId?: string;
  readonly documentsDigest?: string;
  readonly key?: KeyObject;
}

export class TestAgent {
  readonly id: string;
  readonly state: string;
  private readonly key: KeyObject;
  private counter = 0;
  readonly bootId = randomUUID();

  private constructor(id: string, state: string, key: KeyObject) {
    this.id = id;
    this.state = state;
    this.key = key;
  }

  static async enrol(
    instance: Instance,
    roles: { readonly site?: string; readonly cluster?: string; readonly approve?: boolean },
  ): Promise<TestAgent> {
    const token = await instance.ask("POST", "/admin/v1/tokens", {
      headers: { authorization: `Bearer ${adminToken}` },
      body: { approve: true, ...roles },
    });
    const signing = generateKeyPairSync("ed25519");
    const sealing = generateKeyPairSync("x25519");
    const answer = await instance.ask("POST", "/agents/enrol", {
      body: {
        token: token.json()["secret"],
        signingKey: rawKey(signing.publicKey),
        sealingKey: rawKey(sealing.publicKey),
        hostname: "test",
        programVersion: "test",
      },
    });
    if (answer.status !== 200) throw new Error(`enrolment: ${answer.status} ${answer.text}`);
    const { agentId, state } = answer.json();
    return new TestAgent(String(agentId), String(state), signing.privateKey);
  }

  async connect(instance: Instance, caPem: string): Promise<TestLink> {
    return await TestLink.open(instance, caPem);
  }

  /** Answers the challenge; the next frame is the welcome, or the link is closed. */
  async hello(link: TestLink, more: Hello = {}): Promise<void> {
    const challenge = await link.next("challenge");
    const { origin = link.origin, key = this.key, ...fields } = more;
    this.counter = fields.counter ?? this.counter + 1;
    const hello = {
      type: "hello",
      agentId: this.id,
      bootId: this.bootId,
      versions: [1],
      programVersion: "test",
      capabilities: [],
      counter: this.counter,
      nonce: String(challenge["nonce"]),
      documentsDigest: emptyDigest,
      operationsInFlight: [],
      lastSeq: 0,
      wallClockMs: Date.now(),
      ...fields,
    };
    const text = JSON.stringify([
      "farrier-hello/v1",
      origin,
      hello.nonce,
      hello.agentId,
      hello.bootId,
      hello.counter,
    ]);
    const signature = sign(null, Buffer.from(text), key).toString("base64");
    link.send({ ...hello, signature });
  }

  async session(instance: Instance, caPem: string, more: Hello = {}): Promise<TestLink> {
    const link = await this.connect(instance, caPem);
    await this.hello(link, more);
    link.welcome = await link.next("welcome");
    return link;
  }
}

export class TestLink {
  readonly origin: string;
  readonly socket: WebSocket;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  welcome: Frame = { type: "none" };
  private readonly frames: Frame[] = [];
  private wake: () => void = () => undefined;

  private constructor(origin: string, socket: WebSocket) {
    this.origin = origin;
    this.socket = socket;
    socket.on("message", (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString()) as Frame);
      this.wake();
    });
    socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once("close", (code, reason) => {
        this.wake();
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  static async open(instance: Instance, caPem: string): Promise<TestLink> {
    const url = `${instance.origin.replace("https", "wss")}/link/v1`;
    const socket = new WebSocket(url, ["farrier.v1"], { ca: caPem, perMessageDeflate: false });
    const link = new TestLink(instance.origin, socket);
    await once(socket, "open");
    return link;
  }

  get epoch(): number {
    return Number(this.welcome["epoch"]);
  }

  send(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  /** The next frame of this type, whatever else came before it. */
  async next(type: string): Promise<Frame> {
    return await this.take((frame) => frame.type === type);
  }

  /** Deliveries until one satisfies the test; all that came, in order. */
  async deliveriesUntil(
    isLast: (delivery: Record<string, unknown>) => boolean,
  ): Promise<{ id: string; delivery: Record<string, unknown> }[]> {
    const all: { id: string; delivery: Record<string, unknown> }[] = [];
    for (;;) {
      const frame = await this.next("deliveries");
      all.push(...(frame["items"] as typeof all));
      if (all.some(({ delivery }) => isLast(delivery))) return all;
    }
  }

  ack(ids: readonly string[]): void {
    this.send({ type: "ack", epoch: this.epoch, done: ids, failed: [] });
  }

  private async take(wanted: (frame: Frame) => boolean): Promise<Frame> {
    const endMs = Date.now() + 15_000;
    for (;;) {
      const at = this.frames.findIndex(wanted);
      if (at >= 0) return this.frames.splice(at, 1)[0] ?? { type: "none" };
      if (this.socket.readyState === WebSocket.CLOSED) {
        const { code, reason } = await this.closed;
        throw new Error(`the link was closed: ${code} ${reason}`);
      }
      const leftMs = endMs - Date.now();
      if (leftMs <= 0) {
        throw new Error(`not heard in time; heard ${JSON.stringify(this.frames).slice(0, 2000)}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

function rawKey(key: KeyObject): string {
  const { x } = key.export({ format: "jwk" });
  return Buffer.from(String(x), "base64url").toString("base64");
}
