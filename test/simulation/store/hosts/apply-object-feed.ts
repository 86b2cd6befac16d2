// As control-plane/store/hosts/apply-object-feed.ts.
import type { FeedOutcome, FeedSender } from "../../../../control-plane/ports.ts";
import type { ObjectResource } from "../../../../control-plane/store/hosts/apply-object-feed.ts";
import type { FeedBatch } from "../../../../shared/protocol/feed.ts";
import { concernedMachines, type ChangedObject } from "../machines/concerned-machines.ts";
import { wakeMachines } from "../machines/wake-machines.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import { keyOf, type ObjectRow } from "../rows.ts";
import { storedJson } from "../stored-json.ts";
import { columnsOf, feedGate, refused, type GivenObject, type OpenGate } from "./feed-gate.ts";
import { wakeHost } from "./wake-row.ts";

interface Place {
  readonly namespace: string;
  readonly name: string;
}

export function applyObjectFeed(
  database: MemoryDatabase,
  sender: FeedSender,
  { resource, batch }: { readonly resource: ObjectResource; readonly batch: FeedBatch },
  wakeAtMs: number,
): FeedOutcome {
  const { cluster } = sender;
  const gate = feedGate(database, sender, resource, batch);
  if (gate.open === undefined) return refused(gate);
  const { completes } = gate.open;
  const changed = applyObjects(database, { cluster, resource }, gate.open);
  const isConcerned = concernedBy(resource, changed);
  const touched: string[] = [];
  for (const host of isConcerned === undefined ? [] : database.tables.hosts.values()) {
    if (host.cluster !== cluster) continue;
    if (!completes && isConcerned?.(host) !== true) continue;
    wakeHost(database, host.uid, wakeAtMs);
    touched.push(host.uid);
  }
  const machines = completes
    ? [...database.tables.machines.values()]
        .filter((row) => row.cluster === cluster)
        .map(({ uid }) => uid)
    : concernedMachines(database, { cluster, resource }, changed);
  return {
    kind: "stored",
    touched,
    machines: wakeMachines(database, machines, wakeAtMs),
    foreign: 0,
    cursor: gate.move(),
  };
}

interface Feed {
  readonly cluster: string;
  readonly resource: ObjectResource;
}

/** What was stored or removed. */
function applyObjects(
  database: MemoryDatabase,
  feed: Feed,
  gate: OpenGate,
): readonly ChangedObject[] {
  const changed = [...gate.given.values()].flatMap(
    (given) => applyObject(database, { feed, given }, gate) ?? [],
  );
  if (!gate.last) return changed;
  for (const [key, object] of database.tables.objects) {
    if (object.cluster !== feed.cluster || object.resource !== feed.resource) continue;
    if (!isMissing(object, gate)) continue;
    database.write("objects", key, undefined);
    changed.push(gone(object));
  }
  return changed;
}

/** Undefined: nothing changed that a host could be about. */
function applyObject(
  database: MemoryDatabase,
  { feed, given }: { readonly feed: Feed; readonly given: GivenObject },
  { listId, regressed }: OpenGate,
): ChangedObject | undefined {
  const key = keyOf(feed.cluster, feed.resource, given.uid);
  const object = database.tables.objects.get(key);
  if (object !== undefined && given.version <= object.resource_version && !regressed) {
    if (listId !== null) database.write("objects", key, { ...object, list_id: listId });
    return undefined;
  }
  if (given.deleted) {
    if (object !== undefined) database.write("objects", key, undefined);
    return object === undefined ? undefined : gone(object);
  }
  const list_id = listId ?? object?.list_id ?? null;
  database.write("objects", key, { ...feed, ...columnsOf(given), list_id });
  return { ...given, object: storedJson(given.object), before: object?.object };
}

function gone(row: ObjectRow): ChangedObject {
  return { ...row, object: undefined, before: row.object };
}

function isMissing(object: ObjectRow, gate: OpenGate): boolean {
  const isOld = object.resource_version <= gate.listVersion || gate.regressed;
  return object.list_id !== gate.listId && isOld && !gate.given.has(object.uid);
}

/** Which hosts the objects at these places are about; undefined: none of core's is. */
function concernedBy(
  resource: ObjectResource,
  places: readonly Place[],
): ((host: Place) => boolean) | undefined {
  if (resource === "namespaces") {
    const names = new Set(places.map(({ name }) => name));
    return ({ namespace }) => names.has(namespace);
  }
  if (resource !== "hardwaredata") return undefined;
  const names = new Set(places.map(({ namespace, name }) => keyOf(namespace, name)));
  return ({ namespace, name }) => names.has(keyOf(namespace, name));
}
