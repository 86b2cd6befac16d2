// The link to the control plane: connects, and again after every end, with full jitter and for ever. What is said
// over one socket is connection.ts.
import { closeCode, linkPath, linkSubprotocol } from "../../shared/protocol/frames.ts";
import type { Crypto, DuplexClient } from "../ports.ts";
import { WriteOrder } from "./write-order.ts";
import { Connection, type ConnectionDeps, type End } from "./connection.ts";

const connectWithinMs = 15_000;
/** A session that lasted this long was a good one: the next failure is the first again. */
const goodAfterMs = 30_000;
const longestGoawayMs = 60_000;

export interface LinkSession {
  /** Runs until the signal aborts. `endWork` is done before the control plane hears of that, unless it cannot hear. */
  run(signal: AbortSignal, endWork?: () => Promise<void>): Promise<void>;
  connected(): boolean;
}

export interface SessionDeps extends Omit<ConnectionDeps, "writes"> {
  readonly duplex: DuplexClient;
  /** PEM; system roots when absent. */
  readonly caPem: string | undefined;
}

export function makeLinkSession(deps: SessionDeps): LinkSession {
  let connected = false;
  const writes = new WriteOrder(deps.clock);
  return {
    connected: () => connected,
    async run(signal, endWork = () => Promise.resolve()) {
      let failures = 0;
      while (!signal.aborted) {
        const end = await runOnce({ ...deps, writes, endWork }, signal, () => {
          connected = true;
        });
        connected = false;
        deps.lease.closed(endsLease.includes(end.code));
        if (signal.aborted) return;
        failures = end.openForMs >= goodAfterMs ? 1 : failures + 1;
        deps.log.warn("link closed", {
          code: end.code,
          reason: end.reason,
          attempt: failures,
          hint: hints[end.code],
        });
        await deps.clock.sleep(pauseMs(deps.crypto, failures, end), signal);
      }
    },
  };
}

/** Somebody else has this agent's identity, or this agent may act no more. */
const endsLease: readonly number[] = [
  closeCode.superseded,
  closeCode.unauthorized,
  closeCode.revoked,
];

const hints: Readonly<Record<number, string>> = {
  [closeCode.unauthorized]:
    "approve the agent (npm run admin -- agent approve), or enrol it anew; hub.url must be the control plane's own address",
  [closeCode.revoked]: "this agent was revoked; enrol it anew",
  [closeCode.superseded]:
    "another process uses this agent's identity, or an older session was left over",
  [closeCode.version]: "install an agent of the control plane's version",
  [closeCode.epochRegression]:
    "the control plane's database is older than what this site has seen, and it does not mend that; update the control plane, then enrol the agent anew",
};

/** What the control plane asked for, else full jitter between 0 and 0.5, 1, 2 … 30 s. */
function pauseMs(crypto: Crypto, failures: number, end: End): number {
  if (end.retryAfterMs !== undefined) {
    return Math.min(Math.max(end.retryAfterMs, 0), longestGoawayMs);
  }
  const capMs = Math.min(30_000, 500 * 2 ** Math.min(failures - 1, 10));
  const [high = 0, low = 0] = crypto.randomBytes(2);
  return Math.round((capMs * (high * 256 + low)) / 65_536);
}

async function runOnce(
  deps: ConnectionDeps &
    Pick<SessionDeps, "duplex" | "caPem"> & { readonly endWork: () => Promise<void> },
  signal: AbortSignal,
  onWelcome: () => void,
): Promise<End> {
  const url = deps.hubUrl.replace(/^http/, "ws").replace(/\/$/, "") + linkPath;
  const opened = await deps.duplex.connect({
    url,
    protocol: linkSubprotocol,
    timeoutMs: connectWithinMs,
    ...(deps.caPem === undefined ? {} : { ca: deps.caPem }),
  });
  if (!opened.ok) {
    return { code: 0, reason: opened.error.message, retryAfterMs: undefined, openForMs: 0 };
  }
  return await new Promise<End>((resolve) => {
    const connection = new Connection(deps, opened.value, onWelcome, resolve);
    const abort = () => void connection.leave(deps.endWork);
    signal.addEventListener("abort", abort, { once: true });
    opened.value.onMessage((text) => connection.receive(text));
    opened.value.onClose((code, reason) => {
      signal.removeEventListener("abort", abort);
      connection.closed(code, reason);
    });
    if (signal.aborted) abort();
  });
}
