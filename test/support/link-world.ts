// A link session with everything that it needs in memory, and a control plane that a test plays: it gets the lines
// that the agent opens and says what it wants.
import { makeVirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import {
  fromAgent,
  type Delivery,
  type FromAgent,
  type Hello,
  type ToAgent,
} from "../../shared/protocol/frames.ts";
import { err, ok } from "../../shared/result.ts";
import { makeNodeCrypto } from "../../site-agent/adapters/node-crypto.ts";
import { openNodeDatabase } from "../../site-agent/adapters/node-database.ts";
import type { DeliveryOutcome } from "../../site-agent/link/connection.ts";
import { prepareDatabase } from "../../site-agent/link/database.ts";
import { makeDocuments } from "../../site-agent/link/documents.ts";
import { loadIdentity, storeIdentity } from "../../site-agent/link/identity.ts";
import { makeJournal } from "../../site-agent/link/journal.ts";
import { makeLease } from "../../site-agent/link/lease.ts";
import { makeObservations } from "../../site-agent/link/observations.ts";
import { makeLinkSession } from "../../site-agent/link/session.ts";
import type { Crypto, DuplexClient, DuplexRequest, KeyPair } from "../../site-agent/ports.ts";
import { makeDuplexPair, type DuplexPair } from "./memory-duplex.ts";

export const hubUrl = "https://hub.example/farrier";

/** One socket as the control plane sees it. */
export class Line {
  readonly frames: FromAgent[] = [];
  closed: { code: number; reason: string } | undefined;
  readonly pair: DuplexPair;

  constructor(pair: DuplexPair) {
    this.pair = pair;
    pair.server.onMessage((text) => this.frames.push(fromAgent.parse(JSON.parse(text))));
    pair.server.onClose((code, reason) => {
      this.closed = { code, reason };
    });
  }
  say(frame: ToAgent | object): void {
    this.pair.server.send(JSON.stringify(frame));
  }
  raw(text: string): void {
    this.pair.server.send(text);
  }
  of<T extends FromAgent["type"]>(type: T): Extract<FromAgent, { type: T }>[] {
    return this.frames.filter((frame) => frame.type === type) as never;
  }
  get hello(): Hello {
    return this.of("hello")[0]!;
  }
}

export type LinkWorld = ReturnType<typeof makeLinkWorld>;

export function makeLinkWorld() {
  const clock = makeVirtualClock();
  const database = openNodeDatabase(":memory:");
  prepareDatabase(database);
  const real = makeNodeCrypto();
  const signing: KeyPair = real.makeSigningKeys();
  const sealing = real.makeSealingKeys();
  storeIdentity(database, { agentId: "agent-1", signing, sealing, caPem: undefined });
  const identity = loadIdentity(database)!;
  const lines: Line[] = [];
  const requests: (DuplexRequest & { atMs: number })[] = [];
  const random = { bytes: [255, 255] };
  const crypto: Crypto = {
    ...real,
    randomBytes: (count) => (count === 2 ? Uint8Array.from(random.bytes) : real.randomBytes(count)),
  };
  const world = {
    reachable: true,
    /** The send buffer of the agent's end. */
    fits: () => true,
    outcome: async (_delivery: Delivery): Promise<DeliveryOutcome> => ({ ok: true }),
  };
  const duplex: DuplexClient = {
    async connect(request) {
      requests.push({ ...request, atMs: clock.monotonicMs() });
      if (!world.reachable) return err("unreachable", "no route");
      const pair = makeDuplexPair();
      lines.push(new Line(pair));
      const { client } = pair;
      return ok({ ...client, send: (text) => world.fits() && client.send(text) });
    },
  };
  const delivered: { id: string; delivery: Delivery }[] = [];
  const seen: string[] = [];
  const logged: string[] = [];
  const log = (message: string, fields?: object) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`);
  const observations = makeObservations(database, clock, "boot-1");
  const lease = makeLease(clock);
  const documents = makeDocuments(database, real);
  const journal = makeJournal(database);
  const unconfirmed = new Set<string>();
  const session = makeLinkSession({
    duplex,
    caPem: "the CA",
    clock,
    crypto,
    log: { info: log, warn: log, error: log },
    identity,
    bootId: "boot-1",
    documents,
    journal,
    observations,
    lease,
    unconfirmed,
    events: {
      async deliver(id, delivery) {
        delivered.push({ id, delivery });
        return await world.outcome(delivery);
      },
      welcome: ({ epoch }) => void seen.push(`welcome ${epoch}`),
      sites: (sites) => void seen.push(`sites ${sites.length}`),
      forget: (hostUid) => void seen.push(`forget ${hostUid}`),
      giveUp: (operationId) => void seen.push(`give up ${operationId}`),
    },
    hubUrl,
    programVersion: "0.1.0",
    capabilities: ["power"],
  });
  return Object.assign(world, {
    clock,
    database,
    signing,
    random,
    lines,
    requests,
    delivered,
    seen,
    logged,
    observations,
    lease,
    unconfirmed,
    documents,
    journal,
    session,
    /** The newest line. */
    line(): Line {
      const newest = lines.at(-1);
      if (newest === undefined) throw new Error("the agent has not connected");
      return newest;
    },
  });
}

/** Challenge to welcome on the newest line. */
export async function openSession(
  world: LinkWorld,
  epoch: number,
  over: object = {},
): Promise<Line> {
  const line = world.line();
  line.say({ type: "challenge", nonce: `nonce-${epoch}`, version: 1 });
  await world.clock.advance(0);
  line.say(welcome(epoch, over));
  await world.clock.advance(0);
  return line;
}

function welcome(epoch: number, over: object = {}): ToAgent {
  return {
    type: "welcome",
    epoch,
    serverTimeMs: 1,
    site: "paddock",
    resync: "none",
    committedSeq: 0,
    leaseTtlMs: 20_000,
    sessionToken: "s".repeat(64),
    sites: [],
    ...over,
  };
}
