// Everything between kubectl and a machine in one process and in virtual time: the real control plane on PGlite, the
// real agent with both its links, the real ramdisk program, around a Kubernetes, BMCs and machines in memory. No
// sockets. What passes at each border goes to the recorder; prints nothing.
import { compose } from "../../control-plane/compose.ts";
import type { ControlPlane } from "../../control-plane/compose.ts";
import type { Database } from "../../control-plane/store/database.ts";
import { overDatabase } from "../../control-plane/store/make-store.ts";
import { runAgent } from "../../site-agent/agent.ts";
import { startTestPglite } from "../support/control-plane/test-database.ts";
import { makeMemoryImageServer } from "../support/memory-image-server.ts";
import { makeMemoryNetwork } from "../support/memory-network.ts";
import { upgradeInMemory, webServerOf } from "../support/memory-hub.ts";
import { makeSeededControlPlaneCrypto, makeSeededCrypto } from "../support/seeded-crypto.ts";
import { makeSimulatedSite } from "../support/simulated-site.ts";
import type { SimulatedSite } from "../support/simulated-site.ts";
import { makeSimulatedTime } from "../support/simulated-time.ts";
import type { VirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import { TraceRecorder } from "./trace-record.ts";

export const clusterName = "stable";
export const siteName = "paddock";
const hubUrl = "http://hub.example";
const adminToken = "a token of the trace, no secret";
/** A message's way between two programs. */
const wayMs = 1;

export interface TraceWorld {
  readonly clock: VirtualClock;
  readonly plane: ControlPlane;
  readonly database: Database;
  readonly site: SimulatedSite;
  readonly recorder: TraceRecorder;
  /** Path of the admission webhook. */
  readonly admissionPath: string;
  /** Starts the agent; resolves when it has listed the cluster. */
  startAgent(): Promise<void>;
  stop(): Promise<void>;
}

export interface TraceWorldOptions {
  readonly startMs: number;
  /** What the image server gives for a path. */
  readonly image: (path: string) => Uint8Array | undefined;
  readonly imageOrigins: readonly string[];
  readonly writeBytesPerSecond: number;
}

export async function startTraceWorld(options: TraceWorldOptions): Promise<TraceWorld> {
  const tables = await startTestPglite();
  const { database } = tables;
  const time = makeSimulatedTime(options.startMs);
  const { clock } = time;
  const recorder = new TraceRecorder(() => clock.nowMs(), database);
  const deliver = (run: () => void): void => void clock.timer(wayMs, run);
  const plane = await clock.until(
    compose({
      ...overDatabase(database, clock),
      clock,
      crypto: makeSeededControlPlaneCrypto("control plane"),
      log: recorder.hubLog,
      upgradeWebSocket: upgradeInMemory,
      instance: "trace",
      origins: [hubUrl],
      adminToken,
    }),
  );
  const network = makeMemoryNetwork(deliver);
  network.addWebServer(hubUrl, recorder.hub(webServerOf(plane.app, deliver)));
  const images = makeMemoryImageServer(options.image);
  for (const origin of options.imageOrigins) network.addWebServer(origin, images);
  const { admissionPath, enrolToken } = await clock.until(register(plane));
  const site = await makeSimulatedSite({
    clock,
    network,
    crypto: (whose) => makeSeededCrypto(whose, time),
    log: recorder.agentLog,
    hubUrl,
    enrolToken,
    kubernetes: recorder.kubernetes,
    writeBytesPerSecond: options.writeBytesPerSecond,
  });
  const ending = new AbortController();
  let agent: Promise<unknown> = Promise.resolve();
  return {
    clock,
    plane,
    database,
    site,
    recorder,
    admissionPath,
    async startAgent() {
      agent = runAgent(site.ports, site.config, ending.signal).then((ended) => {
        if (!ended.ok) throw new Error(`The agent did not start: ${ended.error.message}`);
      });
      await clock.advance(settleMs);
    },
    async stop() {
      ending.abort();
      await clock.until(agent);
      await clock.until(plane.stop());
      await tables.stop();
    },
  };
}

/** More than a session and the first lists take. */
const settleMs = 4_000;

/** What `npm run admin` does: cluster, site, and a token for the agent that has both. */
async function register(
  plane: ControlPlane,
): Promise<{ readonly admissionPath: string; readonly enrolToken: string }> {
  const ask = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const response = await plane.app.request(`/admin/v1/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (response.status !== 201) throw new Error(`${path}: ${response.status}`);
    return (await response.json()) as Record<string, unknown>;
  };
  const cluster = await ask("clusters", { name: clusterName });
  await ask("sites", { name: siteName });
  const about = { site: siteName, cluster: clusterName, approve: true };
  const { secret } = await ask("tokens", about);
  const token = Buffer.from(JSON.stringify({ url: hubUrl, secret })).toString("base64url");
  return {
    admissionPath: String(cluster["admissionPath"]),
    enrolToken: `farrier-${token}`,
  };
}
