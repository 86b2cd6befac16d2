// Waits until nothing more is to come of what Kubernetes shows of a host: so a test can tell that nothing happened.
import { setTimeout as sleep } from "node:timers/promises";
import type { BareMetalHost } from "../../shared/metal3/bare-metal-host.ts";
import type { Fleet } from "./fleet.ts";

const limitMs = 30_000;
const pauseMs = 200;

/** The host once the hub has decided about its newest version, and has nothing left to say about it. */
export async function untilDecided(
  { sql, kubectl }: Pick<Fleet, "sql" | "kubectl">,
  name: string,
): Promise<BareMetalHost> {
  for (const deadline = Date.now() + limitMs; ; await sleep(pauseMs)) {
    const shown = await kubectl(["get", "bmh", name, "--output=json"]);
    const host = JSON.parse(shown) as BareMetalHost;
    const { uid, resourceVersion } = host.metadata;
    const rows = await sql`
      SELECT uid FROM hosts h
      WHERE uid = ${uid} AND resource_version = ${resourceVersion}::numeric
        AND wake_at IS NULL AND NOT EXISTS (SELECT FROM outbox WHERE host_uid = h.uid)`;
    if (rows.length === 1) return host;
    if (Date.now() > deadline) throw new Error(`${name} was not decided about: ${shown}`);
  }
}
