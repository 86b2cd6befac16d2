// An agent that its operator revokes by mistake, perhaps in the middle of its work, and approves again.
import type { World } from "./world.ts";

const answersWithinMs = 10_000;
/** Whoever is unknown by then has another identity. */
const tries = 30;

/** Returns what approves it again. */
export function revoke(world: World, agentId: string): () => void {
  const revoked = setState(world, agentId, "revoke");
  const end = (): void => {
    world.rogues.delete(end);
    void revoked.then(() => approve(world, agentId));
  };
  world.rogues.add(end);
  return end;
}

/** A database that was restored may know of a revocation that is over. */
export function approveRevoked(world: World): void {
  for (const { id, state } of world.database.rows("agents") ?? [])
    if (state === "revoked") void approve(world, String(id));
}

async function approve(world: World, agentId: string): Promise<void> {
  for (let left = tries; left > 0; left -= 1) {
    if (await setState(world, agentId, "approve")) return;
    await world.kernel.sleep(answersWithinMs);
  }
}

async function setState(
  { hub, kernel }: World,
  agentId: string,
  verb: "approve" | "revoke",
): Promise<boolean> {
  const asked = hub.admin(`agents/${agentId}/${verb}`, {}).then(
    () => true,
    () => false,
  );
  return await Promise.race([asked, kernel.sleep(answersWithinMs).then(() => false)]);
}
