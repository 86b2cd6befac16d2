// As control-plane/store/admin/listings.ts: what operators see.
import type {
  AdminStore,
  ListedAgent,
  ListedHost,
  ListedOperation,
} from "../../../../control-plane/ports.ts";
import { viewOf } from "../hosts/reads.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import type { OperationRow, StoredHostRow } from "../rows.ts";

export const most = 1_000;

export function listNames(
  { tables }: MemoryDatabase,
  kind: "cluster" | "site",
): readonly { readonly name: string; readonly lastSeenMs: number | null }[] {
  const names = [...(kind === "cluster" ? tables.clusters : tables.sites).keys()].toSorted();
  return names.map((name) => ({
    name,
    lastSeenMs: tables.links.get(`${kind}:${name}`)?.seen_at ?? null,
  }));
}

export function listAgents({ tables }: MemoryDatabase): readonly ListedAgent[] {
  const agents = [...tables.agents.values()].sort(
    (left, right) => left.enrolled_at - right.enrolled_at || compare(left.id, right.id),
  );
  const links = [...tables.links.values()];
  return agents.map(({ id, state, site, cluster, hostname, ...agent }) => {
    const session = tables.sessions.get(id);
    const held = links.filter((link) => link.agent_id === id).map(({ name }) => name);
    return {
      id,
      state,
      site,
      cluster,
      hostname,
      programVersion: session?.program_version ?? agent.program_version,
      sealingFingerprint: agent.sealing_fingerprint,
      lastSeenMs: session?.seen_at ?? null,
      holds: held.toSorted(),
    };
  });
}

export function listHosts(
  database: MemoryDatabase,
  filter: Parameters<AdminStore["listHosts"]>[0],
): readonly ListedHost[] {
  const { hosts } = database.tables;
  const { cluster, site, afterUid } = filter;
  const after = afterUid === undefined ? undefined : hosts.get(afterUid);
  if (afterUid !== undefined && after === undefined) return [];
  return [...hosts.values()]
    .filter((host) => cluster === undefined || host.cluster === cluster)
    .filter((host) => site === undefined || host.site === site)
    .filter((host) => after === undefined || byPlace(host, after) > 0)
    .sort(byPlace)
    .slice(0, most)
    .map((host) => listed(database, host));
}

type Place = Pick<StoredHostRow, "cluster" | "namespace" | "name" | "uid">;

export function byPlace(left: Place, right: Place): number {
  return (
    compare(left.cluster, right.cluster) ||
    compare(left.namespace, right.namespace) ||
    compare(left.name, right.name) ||
    compare(left.uid, right.uid)
  );
}

function listed(database: MemoryDatabase, host: StoredHostRow): ListedHost {
  const { uid, cluster, namespace, name, site } = host;
  const status = host.memory?.status;
  const rows = [...database.operationsByHost.keys(uid)].flatMap(
    (id) => database.tables.operations.get(id) ?? [],
  );
  const [newest] = rows.sort(newestFirst);
  return {
    uid,
    cluster,
    namespace,
    name,
    site,
    state: status?.provisioning.state ?? null,
    operationalStatus: status?.operationalStatus ?? null,
    errorMessage: status?.errorMessage ?? null,
    poweredOn: host.power_on ?? status?.poweredOn ?? null,
    wakeAtMs: host.wake_at,
    operation: newest === undefined ? null : viewOf(newest),
  };
}

export function listOperations(
  { tables }: MemoryDatabase,
  { hostUid, openOnly }: Parameters<AdminStore["listOperations"]>[0],
): readonly ListedOperation[] {
  return [...tables.operations.values()]
    .filter((row) => hostUid === undefined || row.host_uid === hostUid)
    .filter((row) => !openOnly || !row.consumed)
    .sort(newestFirst)
    .slice(0, most)
    .flatMap((row) => {
      const host = tables.hosts.get(row.host_uid);
      if (host === undefined) return [];
      const { cluster, namespace, name } = host;
      const { site, consumed } = row;
      return [{ cluster, namespace, name, site, consumed, operation: viewOf(row) }];
    });
}

function newestFirst(left: OperationRow, right: OperationRow): number {
  return right.created_at - left.created_at || compare(right.id, left.id);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}
