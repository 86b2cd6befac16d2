// How agents of the simulated fleet get their identities: by a token of the operator's, once, and anew when he has
// restored a backup of the control plane's database that was made before.
import type { AgentProcess } from "./agent-process.ts";
import { hubUrl } from "./hub.ts";
import type { Hub } from "./hub.ts";
import type { World } from "./world.ts";

const answersWithinMs = 10_000;

export interface Roles {
  readonly site: string | undefined;
  readonly cluster: string | undefined;
}

/** As `npm run admin -- token create` prints it. */
export async function makeEnrolToken(hub: Hub, { site, cluster }: Roles): Promise<string> {
  const { secret } = await hub.admin("tokens", {
    ...(site === undefined ? {} : { site }),
    ...(cluster === undefined ? {} : { cluster }),
    approve: true,
  });
  const token = Buffer.from(JSON.stringify({ url: hubUrl, secret })).toString("base64url");
  return `farrier-${token}`;
}

/** All that the database does not know, and that are nobody's copies. */
export async function enrolUnknown(world: World): Promise<void> {
  const known = new Set(world.database.rows("agents")?.map(({ id }) => id));
  const agents = [...world.agents.values()].filter(
    ({ isCopy, agentId }) => !isCopy && !known.has(agentId),
  );
  await Promise.all(agents.map((agent) => enrolAnew(world, agent)));
}

async function enrolAnew(world: World, agent: AgentProcess): Promise<void> {
  for (;;) {
    const token = await Promise.race([
      makeEnrolToken(world.hub, agent.roles).catch(() => undefined),
      world.kernel.sleep(answersWithinMs).then(() => undefined),
    ]);
    if (token !== undefined && (await agent.giveToken(token))) return;
    await world.kernel.sleep(answersWithinMs);
  }
}
