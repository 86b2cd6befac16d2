// Random statements about agents, sessions and the outbox.
import { createHash } from "node:crypto";
import { factsText } from "../../../../shared/protocol/facts/facts-digest.ts";
import type { LinkName } from "../../../../control-plane/ports.ts";
import type { SessionRow, StoredAgentRow } from "../../../simulation/store/rows.ts";
import { agents, clusters, rowOf, sessionOf, sites, type Draw, type Statement } from "./draw.ts";

export function addCluster({ random }: Draw): Statement {
  const [name, hash] = [random.pick([...clusters, "north", "north"]), `hash-${random.below(4)}`];
  return {
    name: "addCluster",
    given: { name, hash },
    run: (store) => store.addCluster(name, hash),
  };
}

export function addSite({ random }: Draw): Statement {
  const name = random.pick([...sites, ...sites, "barn"]);
  return { name: "addSite", given: { name }, run: (store) => store.addSite(name) };
}

export function addToken(draw: Draw): Statement {
  const { random } = draw;
  const known = rowOf(draw, draw.tables.tokens)?.hash;
  const token = {
    hash: (random.chance(0.2) ? known : undefined) ?? `token-${draw.next()}`,
    site: random.chance(0.8) ? random.pick([...sites, ...sites, "nowhere"]) : undefined,
    cluster: random.chance(0.5) ? random.pick([...clusters, ...clusters, "nowhere"]) : undefined,
    ttlMs: random.pick([1, 60_000, 3_600_000]),
    autoApprove: random.chance(0.8),
  };
  return { name: "addToken", given: token, run: (store) => store.addToken(token) };
}

export function enrol(draw: Draw): Statement {
  const { random } = draw;
  const name = random.pick(agents);
  const agent = {
    tokenHash: rowOf(draw, draw.tables.tokens)?.hash ?? "unknown",
    id: random.chance(0.9) ? name : `${name}-again`,
    signingKey: `signing-${name}`,
    sealingKey: `sealing-${name}`,
    sealingFingerprint: `fingerprint-${name}`,
    hostname: name,
    programVersion: "1",
  };
  return { name: "enrol", given: agent, run: (store) => store.enrol(agent) };
}

export function setAgentState(draw: Draw): Statement {
  const { random } = draw;
  const id = random.chance(0.9) ? (rowOf(draw, draw.tables.agents)?.id ?? "nobody") : "nobody";
  const state = random.chance(0.85) ? "approved" : "revoked";
  return {
    name: "setAgentState",
    given: { id, state },
    run: (store) => store.setAgentState(id, state),
  };
}

export function openSession(draw: Draw): Statement {
  const { random, tables } = draw;
  const agent = rowOf(draw, tables.agents);
  const session = {
    agentId: agent?.id ?? "nobody",
    ...bootOf(draw, agent),
    instance: `instance-${random.below(2)}`,
    tokenHash: tokenOf(draw),
    programVersion: `${random.below(3)}`,
    documentsDigest: random.chance(0.6) ? digestOf(draw, agent?.site ?? null) : "another",
    inFlight: inFlightOf(draw, agent),
    heard: heardOf(draw, agent),
    tellsCaughtUp: random.chance(0.8),
  };
  return { name: "openSession", given: session, run: (store) => store.openSession(session) };
}

/** Mostly what it has accepted; sometimes it knows nothing of some. */
function inFlightOf(
  { random, tables }: Draw,
  agent: StoredAgentRow | undefined,
): readonly string[] | undefined {
  if (random.chance(0.1)) return undefined;
  return [...tables.operations.values()]
    .filter(({ agent_id: agentId }) => agentId === agent?.id && random.chance(0.9))
    .map(({ id }) => id);
}

/** What the database knows, or less; rarely more, as after a restored backup. */
function heardOf({ random, tables }: Draw, agent: StoredAgentRow | undefined) {
  const session = agent === undefined ? undefined : tables.sessions.get(agent.id);
  const { epoch, turn } = session ?? { epoch: 0, turn: 0 };
  if (random.chance(0.1)) return undefined;
  if (random.chance(0.03)) return { epoch: epoch + random.below(9), turn: turn + random.below(2) };
  return { epoch: Math.max(0, epoch - random.below(2)), turn: Math.max(0, turn - random.below(2)) };
}

/** Mostly the next hello of the same boot; sometimes a late one, or a clone's. */
function bootOf({ random }: Draw, agent: StoredAgentRow | undefined) {
  const { counter = 0, boot_id: bootId = "" } = agent ?? {};
  return {
    bootId: random.chance(0.8) && bootId !== "" ? bootId : `boot-${random.below(3)}`,
    counter: random.chance(0.85) ? counter + 1 : Math.max(1, counter - random.below(2)),
  };
}

/** Rarely one that a session has already. */
function tokenOf(draw: Draw): string {
  const other = rowOf(draw, draw.tables.sessions)?.token_hash;
  return other === undefined || draw.random.chance(0.9) ? `session-${draw.next()}` : other;
}

/** hello.documentsDigest of an agent that holds what it should. */
function digestOf({ tables }: Draw, site: string | null): string {
  const lines = [...tables.hosts.values()].flatMap((host) =>
    host.site !== site || host.document === null
      ? []
      : [`${host.uid} ${host.document.revision} ${host.document.hash}\n`],
  );
  return createHash("sha256").update(lines.toSorted().join("")).digest("hex");
}

export function renewLease(draw: Draw): Statement {
  const session = sessionOf(draw);
  const { agent_id: agentId, epoch } = session;
  const turn = turnOf(draw, session);
  const renewal = { agentId, epoch, turn, links: draw.random.between(1, 2) };
  return { name: "renewLease", given: renewal, run: (store) => store.renewLease(renewal) };
}

export function endSession(draw: Draw): Statement {
  const { agent_id: agentId, epoch } = sessionOf(draw);
  const session = { agentId, epoch };
  return { name: "endSession", given: session, run: (store) => store.endSession(session) };
}

export function catchUp(draw: Draw): Statement {
  const { agent_id: agentId, epoch } = sessionOf(draw);
  const cluster = draw.random.pick(clusters);
  const sender = { agentId, epoch, cluster };
  return { name: "catchUp", given: sender, run: (store) => store.catchUp(sender) };
}

/** Mostly the present one; sometimes one that the database lost. */
export function turnOf({ random }: Draw, { turn }: Pick<SessionRow, "turn">): number | undefined {
  if (random.chance(0.3)) return undefined;
  return random.chance(0.9) ? turn : turn + 1;
}

/** A session with links that it holds, or should. */
function delivering(draw: Draw): { readonly epoch: number; readonly links: readonly LinkName[] } {
  const { random, tables } = draw;
  const link = rowOf(draw, tables.links);
  if (link === undefined) return { epoch: 1, links: ["site:lab"] };
  const held = [...tables.links.values()].filter((each) => each.epoch === link.epoch);
  const more = random.chance(0.05) ? ["site:lab"] : [];
  const names = new Set([...held.map(({ name }) => name), ...more]);
  return {
    epoch: link.epoch - Number(random.chance(0.03)),
    links: [...names].toSorted() as LinkName[],
  };
}

export function takeOutbox(draw: Draw): Statement {
  const given = delivering(draw);
  const current = [...draw.tables.sessions.values()].find(({ epoch }) => epoch === given.epoch);
  const count = current === undefined ? undefined : turnOf(draw, current);
  const session = {
    ...given,
    ...(current === undefined || count === undefined
      ? {}
      : { turn: { agentId: current.agent_id, count } }),
  };
  const limit = draw.random.between(1, 6);
  const only = draw.random.chance(0.2)
    ? draw.random.pick(["urgent", "but-events"] as const)
    : undefined;
  return {
    name: "takeOutbox",
    given: { session, limit, only },
    run: (store) => store.takeOutbox(session, limit, only),
  };
}

export function ackOutbox(draw: Draw): Statement {
  const { random, tables } = draw;
  const session = delivering(draw);
  const [done, retry]: [string[], string[]] = [[], []];
  for (const row of tables.outbox.values()) {
    const isSent = row.sent_epoch === session.epoch;
    if (!random.chance(isSent ? 0.7 : 0.05)) continue;
    (random.chance(0.6) ? done : retry).push(String(row.id));
  }
  if (random.chance(0.1)) done.push(...retry);
  if (random.chance(0.1)) done.push("nonsense", "0", "999999999999999999", "9999999999999999999");
  return {
    name: "ackOutbox",
    given: { session, done, retry },
    run: (store, idOf) =>
      store.ackOutbox(session, { done: done.map(idOf), retry: retry.map(idOf) }),
  };
}

export function readLinks(draw: Draw): Statement {
  const agentId = draw.random.pick(agents);
  const tokenHash = rowOf(draw, draw.tables.sessions)?.token_hash ?? "none";
  const admission = `hash-${draw.random.below(4)}`;
  const cluster = draw.random.pick(clusters);
  return {
    name: "reads of links",
    given: { agentId, tokenHash, admission, cluster },
    run: async (store) => [
      await store.loadAgent(agentId),
      await store.sessionOfToken(tokenHash),
      await store.siteKeys(),
      factsText(await store.knownFacts(cluster)),
      await store.clusterOfAdmissionToken(admission),
      await store.listClusters(),
      await store.listSites(),
      await store.listAgents(),
    ],
  };
}

export function prune(_draw: Draw): Statement {
  return { name: "prune", given: {}, run: (store) => store.prune() };
}
