// The welcome of a session: the answer to the hello that opened it.
import type { SiteKey, Welcome } from "../../shared/protocol/frames.ts";
import { besideAnotherMs, leaseTtlMs } from "../lease-times.table.ts";
import type { Clock, Crypto, LinkStore, OpenedSession } from "../ports.ts";
import { factsDigest } from "./facts-digest.ts";

export interface WelcomeDeps {
  readonly links: Pick<LinkStore, "knownFacts">;
  readonly clock: Clock;
  readonly crypto: Crypto;
}

export async function makeWelcome(
  deps: WelcomeDeps,
  opened: OpenedSession,
  { token, sites }: { readonly token: string; readonly sites: readonly SiteKey[] },
): Promise<Welcome> {
  const { site, cluster, resync, epoch, committedSeq, regressed, afterAnother } = opened;
  const nowMs = deps.clock.nowMs();
  return {
    type: "welcome",
    epoch,
    serverTimeMs: nowMs,
    ...(site === undefined ? {} : { site }),
    ...(cluster === undefined ? {} : { cluster }),
    regressed,
    afterAnother,
    unknownWorkMs: recentMs(opened.othersSeenAtMs, nowMs),
    ...(opened.over.length === 0 ? {} : { over: [...opened.over] }),
    resync: resync ? "full" : "none",
    committedSeq,
    leaseTtlMs,
    sessionToken: token,
    ...(cluster === undefined ? {} : { factsDigest: await factsDigest(deps, cluster) }),
    sites: [...sites],
  };
}

/** How long ago; undefined when it does not matter any more. */
function recentMs(atMs: number, nowMs: number): number | undefined {
  const agoMs = Math.max(0, nowMs - atMs);
  return agoMs < besideAnotherMs ? agoMs : undefined;
}
