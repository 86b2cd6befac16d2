// As control-plane/store/links/agents.ts, renew-lease.ts and end-session.ts.
import { besideAnotherMs, leaseTtlMs } from "../../../../control-plane/lease-times.table.ts";
import type { AgentRow, FeedSender, LinkStore } from "../../../../control-plane/ports.ts";
import type { SiteKey } from "../../../../shared/protocol/frames.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import type { StoredAgentRow } from "../rows.ts";

export function loadAgent({ tables }: MemoryDatabase, id: string): AgentRow | undefined {
  const row = tables.agents.get(id);
  return row === undefined ? undefined : agentOf(row);
}

export function agentOf(row: StoredAgentRow): AgentRow {
  const { id, state, signing_key: signingKey } = row;
  return { id, state, site: row.site ?? undefined, cluster: row.cluster ?? undefined, signingKey };
}

type Renewal = Parameters<LinkStore["renewLease"]>[0];

export function renewLease(
  database: MemoryDatabase,
  { agentId, epoch, turn, links: count }: Renewal,
  nowMs: number,
): Awaited<ReturnType<LinkStore["renewLease"]>> {
  const { agents, sessions, links } = database.tables;
  if (agents.get(agentId)?.state !== "approved") return "revoked";
  const session = sessions.get(agentId);
  if (session?.epoch !== epoch || (turn ?? session.turn) !== session.turn) return "fenced";
  database.write("sessions", agentId, { ...session, turn: session.turn + 1, seen_at: nowMs });
  let held = 0;
  for (const link of links.values()) {
    if (link.agent_id !== agentId || link.epoch !== epoch) continue;
    database.write("links", link.name, { ...link, seen_at: nowMs });
    held += 1;
  }
  if (held < count) return "lost";
  return session.other_seen_at >= nowMs - besideAnotherMs ? "beside" : "held";
}

export function endSession(
  database: MemoryDatabase,
  { agentId, epoch }: Pick<Renewal, "agentId" | "epoch">,
  nowMs: number,
): void {
  const session = database.tables.sessions.get(agentId);
  if (session?.epoch !== epoch) return;
  const seen_at = Math.min(session.seen_at, nowMs - leaseTtlMs - 1);
  database.write("sessions", agentId, { ...session, boot_id: "", seen_at });
}

export function sessionOfToken(
  database: MemoryDatabase,
  tokenHash: string,
): FeedSender | undefined {
  const [agentId] = database.sessionsByToken.keys(tokenHash);
  if (agentId === undefined) return undefined;
  const epoch = database.tables.sessions.get(agentId)?.epoch;
  const agent = database.tables.agents.get(agentId);
  if (epoch === undefined || agent?.state !== "approved" || agent.cluster === null)
    return undefined;
  return { agentId, epoch, cluster: agent.cluster };
}

/** One key a site: that of the agent that holds its link, else of the one enrolled last. */
export function siteKeys({ tables }: MemoryDatabase): readonly SiteKey[] {
  const holders = new Set<string>();
  for (const { name, agent_id } of tables.links.values()) {
    if (name.startsWith("site:")) holders.add(agent_id);
  }
  const isBefore = (left: StoredAgentRow, right: StoredAgentRow): boolean => {
    const [a, b] = [holders.has(left.id), holders.has(right.id)];
    if (a !== b) return a;
    if (left.enrolled_at !== right.enrolled_at) return left.enrolled_at > right.enrolled_at;
    return left.id < right.id;
  };
  const best = new Map<string, StoredAgentRow>();
  for (const agent of tables.agents.values()) {
    if (agent.state !== "approved" || agent.site === null) continue;
    const other = best.get(agent.site);
    if (other === undefined || isBefore(agent, other)) best.set(agent.site, agent);
  }
  return [...best.keys()].toSorted().flatMap((site) => {
    const agent = best.get(site);
    if (agent === undefined) return [];
    return [{ site, publicKey: agent.sealing_key, fingerprint: agent.sealing_fingerprint }];
  });
}
