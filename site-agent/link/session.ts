// One link session with the control plane: challenge → hello → welcome, then deliveries down, observations,
// acknowledgements and lease renewals up. Reconnects for ever with full jitter. Frames of an older epoch are
// dropped: they come from a session that has been fenced off.
import {
  closeCode,
  helloSigningText,
  linkPath,
  linkSubprotocol,
  toAgent,
  type Delivery,
  type FromAgent,
  type SiteKey,
  type ToAgent,
  type Welcome,
} from "../../shared/protocol/frames.ts";
import { toBase64 } from "../../shared/bytes.ts";
import type { Clock, Crypto, Duplex, DuplexClient, Log, Timer } from "../ports.ts";
import type { Documents } from "./documents.ts";
import type { Identity } from "./identity.ts";
import type { Journal } from "./journal.ts";
import type { Lease } from "./lease.ts";
import type { Observations } from "./observations.ts";

const renewEveryMs = 5_000;
const silentAfterMs = 45_000;

export interface SessionEvents {
  /** Resolves when the delivery is durable (document, operation) or done (write). */
  deliver(
    id: string,
    delivery: Delivery,
  ): Promise<{ ok: true } | { ok: false; message: string; retry: boolean }>;
  welcome(welcome: Welcome): void;
  sites(sites: readonly SiteKey[]): void;
}

export interface LinkSession {
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  connected(): boolean;
}

export interface SessionDeps {
  readonly duplex: DuplexClient;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly identity: Identity;
  readonly bootId: string;
  readonly documents: Documents;
  readonly journal: Journal;
  readonly observations: Observations;
  readonly lease: Lease;
  readonly events: SessionEvents;
  readonly hubUrl: string;
  readonly programVersion: string;
  readonly capabilities: readonly string[];
}

export function makeLinkSession(deps: SessionDeps): LinkSession {
  let connected = false;
  return {
    connected: () => connected,
    async run(signal) {
      let failures = 0;
      while (!signal.aborted) {
        const end = await runOnce(deps, signal, () => {
          connected = true;
          failures = 0;
        });
        connected = false;
        deps.lease.closed();
        if (signal.aborted) return;
        failures += 1;
        deps.log.warn("link closed", { code: end.code, reason: end.reason, attempt: failures });
        const delayMs = end.retryAfterMs ?? jitterMs(deps.crypto, failures);
        await deps.clock.sleep(delayMs, signal);
      }
    },
  };
}

/** Full jitter between 0 and 0.5, 1, 2, … 30 s. */
function jitterMs(crypto: Crypto, failures: number): number {
  const capMs = Math.min(30_000, 500 * 2 ** Math.min(failures - 1, 10));
  const [byte = 0, low = 0] = crypto.randomBytes(2);
  return Math.round((capMs * (byte * 256 + low)) / 65_536);
}

interface End {
  readonly code: number;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
}

async function runOnce(
  deps: SessionDeps,
  signal: AbortSignal,
  onWelcome: () => void,
): Promise<End> {
  const url = deps.hubUrl.replace(/^http/, "ws").replace(/\/$/, "") + linkPath;
  const opened = await deps.duplex.connect({
    url,
    protocol: linkSubprotocol,
    timeoutMs: 15_000,
    ...(deps.identity.caPem === undefined ? {} : { ca: deps.identity.caPem }),
  });
  if (!opened.ok) {
    return { code: 0, reason: opened.error.message, retryAfterMs: undefined };
  }
  return await new Promise<End>((resolve) => {
    const connection = new Connection(deps, opened.value, onWelcome);
    const abort = () => opened.value.close(1000, "agent stops");
    signal.addEventListener("abort", abort, { once: true });
    opened.value.onMessage((text) => connection.receive(text));
    opened.value.onClose((code, reason) => {
      signal.removeEventListener("abort", abort);
      connection.stop();
      resolve({ code, reason, retryAfterMs: connection.retryAfterMs });
    });
  });
}

/** One socket's lifetime. */
class Connection {
  retryAfterMs: number | undefined;
  private epoch = 0;
  private sentSeq = 0;
  private helloSentAtMs = 0;
  private lastHeardMs: number;
  private renewal: Timer | undefined;
  private writes: Promise<void> = Promise.resolve();
  private orders: Promise<void> = Promise.resolve();
  private stopped = false;
  private readonly deps: SessionDeps;
  private readonly duplex: Duplex;
  private readonly onWelcome: () => void;

  constructor(deps: SessionDeps, duplex: Duplex, onWelcome: () => void) {
    this.deps = deps;
    this.duplex = duplex;
    this.onWelcome = onWelcome;
    this.lastHeardMs = deps.clock.monotonicMs();
  }

  receive(text: string): void {
    this.lastHeardMs = this.deps.clock.monotonicMs();
    const frame = parseFrame(text);
    if (frame === undefined) {
      this.duplex.close(closeCode.badFrame, "frame not understood");
      return;
    }
    if (frame.type === "challenge") this.hello(frame.nonce);
    else if (frame.type === "welcome") this.welcomed(frame);
    else if (frame.type === "goaway") this.retryAfterMs = frame.retryAfterMs;
    else if (frame.epoch === this.epoch) this.current(frame);
  }

  stop(): void {
    this.stopped = true;
    this.renewal?.cancel();
  }

  private current(frame: Exclude<ToAgent, { type: "challenge" | "welcome" | "goaway" }>): void {
    switch (frame.type) {
      case "sites":
        this.deps.events.sites(frame.sites);
        return;
      case "committed":
        this.deps.observations.trim(frame.seq);
        return;
      case "lease":
        this.deps.lease.answered(frame.sequence);
        return;
      case "deliveries":
        // A slow Kubernetes API must not hold up documents and operations.
        this.writes = this.writes.then(() => this.deliver(frame.items.filter(isWrite)));
        this.orders = this.orders.then(() =>
          this.deliver(frame.items.filter((item) => !isWrite(item))),
        );
        return;
    }
  }

  private hello(nonce: string): void {
    const { identity, crypto, clock } = this.deps;
    const unsigned = {
      type: "hello" as const,
      agentId: identity.agentId,
      bootId: this.deps.bootId,
      versions: [1],
      programVersion: this.deps.programVersion,
      capabilities: [...this.deps.capabilities],
      counter: identity.nextCounter(),
      nonce,
      documentsDigest: this.deps.documents.digest(),
      operationsInFlight: this.deps.journal.unfinished().map((entry) => ({
        id: entry.operation.id,
        state: entry.state === "accepted" ? ("accepted" as const) : ("started" as const),
      })),
      lastSeq: this.deps.observations.lastSeq(),
      wallClockMs: clock.nowMs(),
    };
    const signature = crypto.sign(
      identity.signingPrivateKey,
      helloSigningText(new URL(this.deps.hubUrl).origin, unsigned),
    );
    this.helloSentAtMs = clock.monotonicMs();
    this.send({ ...unsigned, signature: toBase64(signature) });
  }

  private welcomed(welcome: Welcome): void {
    if (!this.deps.identity.acceptEpoch(welcome.epoch)) {
      this.deps.log.error(
        "epoch went back: the control plane's database is older than this site has seen",
        {
          epoch: welcome.epoch,
        },
      );
      this.duplex.close(closeCode.epochRegression, "epoch regression: enrol this agent anew");
      return;
    }
    this.epoch = welcome.epoch;
    this.sentSeq = welcome.committedSeq;
    this.deps.lease.opened(this.helloSentAtMs);
    this.deps.observations.trim(welcome.committedSeq);
    this.deps.observations.onAdd(() => this.sendObservations());
    this.onWelcome();
    this.deps.log.info("link open", {
      epoch: welcome.epoch,
      site: welcome.site,
      cluster: welcome.cluster,
    });
    this.deps.events.welcome(welcome);
    this.sendObservations();
    this.renew();
  }

  private renew(): void {
    this.renewal = this.deps.clock.timer(renewEveryMs, () => {
      if (this.stopped) return;
      if (this.deps.clock.monotonicMs() - this.lastHeardMs > silentAfterMs) {
        this.duplex.close(closeCode.silent, "nothing heard");
        return;
      }
      this.send({ type: "lease", epoch: this.epoch, sequence: this.deps.lease.sent() });
      this.renew();
    });
  }

  private sendObservations(): void {
    if (this.stopped || this.epoch === 0) return;
    for (;;) {
      const items = this.deps.observations.after(this.sentSeq, 20);
      const last = items.at(-1);
      if (last === undefined) return;
      if (!this.send({ type: "observations", epoch: this.epoch, items: [...items] })) return;
      this.sentSeq = last.seq;
    }
  }

  private async deliver(items: readonly Item[]): Promise<void> {
    for (const { id, delivery } of items) {
      if (this.stopped) return;
      const outcome = await this.deps.events.deliver(id, delivery).catch((error: unknown) => {
        this.deps.log.error("delivery broke", { id, reason: String(error) });
        return { ok: false as const, message: "the agent has a bug, see its log", retry: false };
      });
      const { epoch } = this;
      this.send(
        outcome.ok
          ? { type: "ack", epoch, done: [id], failed: [] }
          : {
              type: "ack",
              epoch,
              done: [],
              failed: [{ id, message: outcome.message, retry: outcome.retry }],
            },
      );
    }
  }

  private send(frame: FromAgent): boolean {
    return this.duplex.send(JSON.stringify(frame));
  }
}

interface Item {
  readonly id: string;
  readonly delivery: Delivery;
}

function isWrite(item: Item): boolean {
  return item.delivery.kind === "write";
}

function parseFrame(text: string): ToAgent | undefined {
  try {
    const parsed = toAgent.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
