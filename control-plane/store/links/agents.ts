// Plain reads about agents: who one is, whose session a token is, and where secrets of a site are sealed to.
import { and, desc, eq, isNotNull, like, sql } from "drizzle-orm";
import { z } from "zod";
import type { SiteKey } from "../../../shared/protocol/frames.ts";
import type { AgentRow, FeedSender } from "../../ports.ts";
import { readRows, type Database } from "../database.ts";
import { agents, links } from "../schema.ts";

export async function loadAgent(database: Database, id: string): Promise<AgentRow | undefined> {
  const [row] = await database.drizzle
    .select({
      id: agents.id,
      state: agents.state,
      site: agents.site,
      cluster: agents.cluster,
      signingKey: agents.signingKey,
    })
    .from(agents)
    .where(eq(agents.id, id));
  return row === undefined
    ? undefined
    : { ...row, site: row.site ?? undefined, cluster: row.cluster ?? undefined };
}

/** The session whose bearer this is, if it is the agent's newest and the agent acts for a cluster. */
export async function sessionOfToken(
  database: Database,
  tokenHash: string,
): Promise<FeedSender | undefined> {
  const [row] = await readRows(
    database,
    senderRow,
    sql`
    SELECT s.agent_id, s.epoch, a.cluster FROM sessions s JOIN agents a ON a.id = s.agent_id
    WHERE s.token_hash = ${tokenHash} AND a.state = 'approved' AND a.cluster IS NOT NULL`,
  );
  return row === undefined
    ? undefined
    : { agentId: row.agent_id, epoch: row.epoch, cluster: row.cluster };
}

const senderRow = z.object({
  agent_id: z.string(),
  epoch: z.coerce.number(),
  cluster: z.string(),
});

/** One key a site: that of the agent that holds its link, else of the one enrolled last. */
export async function siteKeys(database: Database): Promise<readonly SiteKey[]> {
  const held = sql<number>`(${links.name} IS NOT NULL)::int`;
  const rows = await database.drizzle
    .selectDistinctOn([agents.site], {
      site: agents.site,
      publicKey: agents.sealingKey,
      fingerprint: agents.sealingFingerprint,
    })
    .from(agents)
    .leftJoin(links, and(eq(links.agentId, agents.id), like(links.name, "site:%")))
    .where(and(eq(agents.state, "approved"), isNotNull(agents.site)))
    .orderBy(agents.site, desc(held), desc(agents.enrolledAtMs));
  return rows.map(({ site, ...key }) => ({ site: site ?? "", ...key }));
}
