// As control-plane/store/hosts/load-host.ts and fleet.ts: all that surrounds a host, and who holds a claim.
import type {
  Claimant,
  FleetStore,
  HostRows,
  Surroundings,
} from "../../../../control-plane/ports.ts";
import type { Claim } from "../../../../shared/host/decision.ts";
import type { OperationView } from "../../../../shared/host/snapshot.ts";
import { hostResource } from "../../../../shared/protocol/feed.ts";
import type { SecretFact } from "../../../../shared/protocol/facts/secret-fact.ts";
import { valueAt } from "../../../../shared/json.ts";
import { textAt } from "../machines/looked-at.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import { keyOf, type ObjectRow, type OperationRow, type StoredHostRow } from "../rows.ts";

type Place = Pick<StoredHostRow, "cluster" | "namespace" | "name">;

export function loadHost(database: MemoryDatabase, uid: string): HostRows | undefined {
  const host = database.tables.hosts.get(uid);
  if (host === undefined) return undefined;
  const { cluster, namespace, name, version, object, deleted } = host;
  const { power_on: on, power_at: atMs } = host;
  const named = namespaceOf(database, host);
  const operation = openOperation(database, uid);
  return {
    host: {
      uid,
      cluster,
      namespace,
      name,
      version,
      object,
      deleted,
      site: host.site ?? undefined,
      memory: host.memory ?? undefined,
      power: on === null || atMs === null ? undefined : { on, atMs },
      bmcProblem: host.bmc_problem ?? undefined,
    },
    feedsComplete: hostResource.options.every(
      (resource) => database.tables.feeds.get(keyOf(cluster, resource))?.cursor !== "",
    ),
    namespaceKnown: named !== undefined,
    hardware: hardwareOf(database, host),
    namespaceAnnotations: annotationsOf(named),
    secrets: factsOf(database, uid),
    operation: operation === undefined ? undefined : viewOf(operation),
    sites: sitesOf(database),
    clusterLink: clusterLinkOf(database, cluster),
    elders: eldersOf(database, host),
  };
}

function clusterLinkOf({ tables }: MemoryDatabase, cluster: string): HostRows["clusterLink"] {
  const link = tables.links.get(`cluster:${cluster}`);
  return link === undefined ? undefined : { lastSeenMs: link.seen_at, behind: link.behind };
}

const holdsNothing: readonly string[] = ["", "unmanaged", "registering", "deleting"];

/** Where the host holds nothing, those that show that they do, and are not adopted yet. */
function eldersOf(database: MemoryDatabase, host: StoredHostRow): HostRows["elders"] {
  if (!holdsNothing.includes(host.memory?.status.provisioning.state ?? shownState(host))) return [];
  return [...database.hostsWithoutMemory.keys("")]
    .toSorted()
    .flatMap((uid) => database.tables.hosts.get(uid) ?? [])
    .filter(
      (row) => row.uid !== host.uid && !row.deleted && !holdsNothing.includes(shownState(row)),
    )
    .map((row) => ({
      cluster: row.cluster,
      namespace: row.namespace,
      name: row.name,
      site: row.site ?? undefined,
      labels: (valueAt(row.object, ["metadata", "labels"]) ?? {}) as Readonly<
        Record<string, string>
      >,
      namespaceAnnotations: annotationsOf(namespaceOf(database, row)),
      bmcAddress: textAt(row.object, "spec", "bmc", "address") ?? "",
      bootMACAddress: textAt(row.object, "spec", "bootMACAddress") ?? "",
    }));
}

function shownState({ object }: StoredHostRow): string {
  return textAt(object, "status", "provisioning", "state") ?? "";
}

export function surroundings(
  database: MemoryDatabase,
  place: Parameters<FleetStore["surroundings"]>[0],
): Surroundings {
  const { uid } = place;
  const found = uid === undefined ? undefined : database.tables.hosts.get(uid);
  const host = found?.cluster === place.cluster ? found : undefined;
  return {
    namespaceAnnotations: annotationsOf(namespaceOf(database, place)),
    site: host?.site ?? undefined,
    sites: sitesOf(database),
    secrets: host === undefined ? [] : factsOf(database, host.uid),
    memory: host?.memory ?? undefined,
    hardware: hardwareOf(database, place),
  };
}

export function claimants(
  database: MemoryDatabase,
  wanted: { readonly site: string; readonly claims: readonly Claim[] },
  exceptUid: string | undefined,
): readonly Claimant[] {
  const found = wanted.claims.flatMap((claim): Claimant[] => {
    const held = database.tables.claims.get(keyOf(wanted.site, claim.kind, claim.value));
    const host = held === undefined ? undefined : database.tables.hosts.get(held.host_uid);
    if (held === undefined || host === undefined || host.uid === exceptUid) return [];
    const { cluster, namespace, name } = host;
    return [{ claim: { kind: held.kind, value: held.value }, cluster, namespace, name }];
  });
  return found.toSorted((left, right) => inOrder(left.claim, right.claim));
}

/** Of claims: by kind, then value. */
export function inOrder(left: Claim, right: Claim): number {
  const [a, b] = [keyOf(left.kind, left.value), keyOf(right.kind, right.value)];
  return a < b ? -1 : Number(a > b);
}

export function openOperation(database: MemoryDatabase, hostUid: string): OperationRow | undefined {
  const [id] = database.openOperations.keys(hostUid);
  return id === undefined ? undefined : database.tables.operations.get(id);
}

/** Absent fields are left out. */
export function viewOf(row: OperationRow): OperationView {
  const { revision, allocation, attempt } = row.operation;
  return {
    id: row.id,
    kind: row.kind,
    revision,
    allocation,
    attempt,
    state: row.state,
    createdAtMs: row.created_at,
    ...(row.started_at === null ? {} : { startedAtMs: row.started_at }),
    ...(row.ended_at === null ? {} : { endedAtMs: row.ended_at }),
    cancelled: row.cancelled,
    ...(row.progress === null ? {} : { progress: row.progress }),
    ...(row.result === null ? {} : { result: row.result }),
    ...(row.failure === null ? {} : { failure: row.failure }),
  };
}

export function sitesOf(database: MemoryDatabase): HostRows["sites"] {
  const { links } = database.tables;
  return database.siteNames.map((name) => ({
    name,
    lastSeenMs: links.get(`site:${name}`)?.seen_at,
  }));
}

function factsOf(database: MemoryDatabase, uid: string): readonly SecretFact[] {
  const keys = [...database.factsByHost.keys(uid)].toSorted();
  return keys.flatMap((key) => database.tables.secret_facts.get(key)?.fact ?? []);
}

function hardwareOf(database: MemoryDatabase, place: Place): unknown {
  const named = newestObject(
    database,
    keyOf(place.cluster, "hardwaredata", place.name),
    place.namespace,
  );
  return named?.object;
}

function namespaceOf(database: MemoryDatabase, place: Place): ObjectRow | undefined {
  return newestObject(database, keyOf(place.cluster, "namespaces", place.namespace), undefined);
}

/** Of the objects at a key of objectsByName. */
export function newestObject(
  database: MemoryDatabase,
  name: string,
  namespace: string | undefined,
): ObjectRow | undefined {
  let found: ObjectRow | undefined;
  for (const key of database.objectsByName.keys(name)) {
    const row = database.tables.objects.get(key);
    if (row === undefined || (namespace !== undefined && row.namespace !== namespace)) continue;
    if (found === undefined || row.resource_version > found.resource_version) found = row;
  }
  return found;
}

function annotationsOf(row: ObjectRow | undefined): Readonly<Record<string, string>> {
  const annotations = row?.object.metadata["annotations"];
  return (annotations ?? {}) as Readonly<Record<string, string>>;
}
