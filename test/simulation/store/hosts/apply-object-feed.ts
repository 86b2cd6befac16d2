// As control-plane/store/hosts/apply-object-feed.ts.
import type { FeedOutcome, FeedSender } from "../../../../control-plane/ports.ts";
import type { FeedBatch, FeedResource } from "../../../../shared/protocol/feed.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import { keyOf, type ObjectRow } from "../rows.ts";
import { columnsOf, feedGate, type GivenObject, type OpenGate } from "./feed-gate.ts";
import { wakeHost } from "./wake-host.ts";

type Resource = Exclude<FeedResource, "baremetalhosts">;
interface Place {
  readonly namespace: string;
  readonly name: string;
}

export function applyObjectFeed(
  database: MemoryDatabase,
  sender: FeedSender,
  batch: { readonly resource: Resource; readonly batch: FeedBatch },
  wakeAtMs: number,
): FeedOutcome {
  const { resource } = batch;
  const gate = feedGate(database, sender, resource, batch.batch);
  if (gate.open === undefined) {
    return {
      kind: gate.holds ? "conflict" : "fenced",
      cursor: gate.move(),
      touched: [],
      foreign: 0,
    };
  }
  const changed = applyObjects(database, { cluster: sender.cluster, resource }, gate.open);
  const concerned = concernedBy(resource, changed);
  const touched: string[] = [];
  for (const host of database.tables.hosts.values()) {
    if (host.cluster !== sender.cluster) continue;
    if (!gate.open.completes && !concerned(host)) continue;
    wakeHost(database, host.uid, wakeAtMs);
    touched.push(host.uid);
  }
  return { kind: "stored", touched, foreign: 0, cursor: gate.move() };
}

interface Feed {
  readonly cluster: string;
  readonly resource: Resource;
}

/** Where objects were stored or removed. */
function applyObjects(database: MemoryDatabase, feed: Feed, gate: OpenGate): readonly Place[] {
  const changed = [...gate.given.values()].flatMap(
    (given) => applyObject(database, { feed, given }, gate) ?? [],
  );
  if (!gate.last) return changed;
  for (const [key, object] of database.tables.objects) {
    if (object.cluster !== feed.cluster || object.resource !== feed.resource) continue;
    if (!isMissing(object, gate)) continue;
    database.write("objects", key, undefined);
    changed.push(object);
  }
  return changed;
}

/** Undefined: nothing changed that a host could be about. */
function applyObject(
  database: MemoryDatabase,
  { feed, given }: { readonly feed: Feed; readonly given: GivenObject },
  { listId, regressed }: OpenGate,
): Place | undefined {
  const key = keyOf(feed.cluster, feed.resource, given.uid);
  const object = database.tables.objects.get(key);
  if (object !== undefined && given.version <= object.resource_version && !regressed) {
    if (listId !== null) database.write("objects", key, { ...object, list_id: listId });
    return undefined;
  }
  if (given.deleted) {
    if (object !== undefined) database.write("objects", key, undefined);
    return object;
  }
  const list_id = listId ?? object?.list_id ?? null;
  database.write("objects", key, { ...feed, ...columnsOf(given), list_id });
  return given;
}

function isMissing(object: ObjectRow, gate: OpenGate): boolean {
  const isOld = object.resource_version <= gate.listVersion || gate.regressed;
  return object.list_id !== gate.listId && isOld && !gate.given.has(object.uid);
}

/** Which hosts the objects at these places are about. */
function concernedBy(resource: Resource, places: readonly Place[]): (host: Place) => boolean {
  if (resource === "namespaces") {
    const names = new Set(places.map(({ name }) => name));
    return ({ namespace }) => names.has(namespace);
  }
  const names = new Set(places.map(({ namespace, name }) => keyOf(namespace, name)));
  return ({ namespace, name }) => names.has(keyOf(namespace, name));
}
