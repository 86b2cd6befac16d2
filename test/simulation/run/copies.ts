// Copies of agents, as restored virtual machines are: what ends one, and what the operator does then.
import type { AgentProcess } from "./agent-process.ts";
import type { World } from "./world.ts";

const answersWithinMs = 10_000;

/** Beside the agent that it is a copy of. */
export function startCopy(world: World, agent: AgentProcess): AgentProcess {
  const copy = agent.copy();
  world.agents.set(copy.name, copy);
  void copy.start();
  return copy;
}

/** Its identity was suspended by the clone alarm, or will be by the next session: the operator approves it anew. */
export async function endCopy(world: World, copy: AgentProcess): Promise<void> {
  copy.crash();
  const { agentId } = copy;
  if (agentId === undefined) return;
  while (!(await isApproved(world, agentId)));
}

async function isApproved({ hub, kernel }: World, agentId: string): Promise<boolean> {
  const asked = hub.admin(`agents/${agentId}/approve`, {}).then(
    () => true,
    () => kernel.sleep(answersWithinMs).then(() => false),
  );
  return await Promise.race([asked, kernel.sleep(answersWithinMs).then(() => false)]);
}
