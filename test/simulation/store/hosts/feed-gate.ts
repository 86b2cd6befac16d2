// As control-plane/store/hosts/feed-gate.ts and feed-batch.ts: whether a batch may be taken, its objects, and where
// the cursor goes.
import type { FeedOutcome, FeedSender } from "../../../../control-plane/ports.ts";
import { annotationsOf } from "../../../../control-plane/store/hosts/feed-batch.ts";
import {
  machineResource,
  type FeedBatch,
  type FeedObject,
  type FeedResource,
} from "../../../../shared/protocol/feed.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import { keyOf, type FeedRow } from "../rows.ts";
import { numericOf } from "../sql-error.ts";
import { storableText, storedJson } from "../stored-json.ts";

export interface GivenObject {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly version: bigint;
  readonly object: FeedObject;
  readonly deleted: boolean;
  /** Of each version in the batch. */
  readonly forms: readonly { readonly version: bigint; readonly names: readonly string[] }[];
}

/** A batch that may be taken. */
export interface OpenGate {
  readonly given: ReadonlyMap<string, GivenObject>;
  /** The first whole list of the resource. */
  readonly completes: boolean;
  /** A list older than what was seen: the cluster was restored. */
  readonly regressed: boolean;
  readonly last: boolean;
  readonly listId: string | null;
  readonly listVersion: bigint;
}

export interface Gate {
  readonly holds: boolean;
  /** Undefined: nothing of the batch is taken. */
  readonly open: OpenGate | undefined;
  /** Moves the cursor where it has to go; returns where it stands then. */
  move(): string;
}

export function feedGate(
  database: MemoryDatabase,
  sender: FeedSender,
  resource: FeedResource,
  batch: FeedBatch,
): Gate {
  const table = machineResource.safeParse(resource).success ? "machine_feeds" : "feeds";
  const link = database.tables.links.get(`cluster:${sender.cluster}`);
  const holds = link?.agent_id === sender.agentId && link.epoch === sender.epoch;
  const key = keyOf(sender.cluster, resource);
  const feed = database.tables[table].get(key);
  if (holds && feed === undefined && table === "machine_feeds") {
    database.write(table, key, { cluster: sender.cluster, resource, cursor: "" });
  }
  const passes =
    holds &&
    feed !== undefined &&
    feed.cursor ===
      (batch.kind === "list" ? (batch.replaces ?? feed.cursor) : batch.fromResourceVersion);
  return {
    holds,
    open: passes ? openGate(feed, batch) : undefined,
    move() {
      const to = passes ? cursorAfter(batch) : undefined;
      if (to === undefined || feed === undefined) return feed?.cursor ?? "";
      database.write(table, key, { ...feed, cursor: to });
      return to;
    },
  };
}

/** The answer when the gate is closed. */
export function refused(gate: Gate): FeedOutcome {
  return {
    kind: gate.holds ? "conflict" : "fenced",
    cursor: gate.move(),
    touched: [],
    machines: [],
    foreign: 0,
  };
}

function openGate({ cursor }: FeedRow, batch: FeedBatch): OpenGate {
  const isList = batch.kind === "list";
  const listVersion = isList ? numericOf(batch.resourceVersion) : 0n;
  const last = isList && batch.last;
  return {
    given: givenObjects(batch),
    completes: last && cursor === "",
    regressed: isList && cursor !== "" && listVersion < numericOf(cursor),
    last,
    listId: isList ? batch.listId : null,
    listVersion,
  };
}

function cursorAfter(batch: FeedBatch): string | undefined {
  if (batch.kind === "watch") return batch.toResourceVersion;
  return batch.last ? batch.resourceVersion : undefined;
}

/** One entry an object: the last of several events decides. */
function givenObjects(batch: FeedBatch): ReadonlyMap<string, GivenObject> {
  const given = new Map<string, GivenObject>();
  const add = (object: FeedObject, deleted: boolean): void => {
    const { uid, namespace = "", name, resourceVersion } = object.metadata;
    const names = Object.keys(annotationsOf(object.metadata));
    const form = { version: numericOf(resourceVersion), names };
    given.set(storableText(uid), {
      forms: [...(given.get(storableText(uid))?.forms ?? []), form],
      uid: storableText(uid),
      namespace: storableText(namespace),
      name: storableText(name),
      version: numericOf(resourceVersion),
      object,
      deleted,
    });
  };
  if (batch.kind === "list") for (const object of batch.items) add(object, false);
  else for (const { type, object } of batch.events) add(object, type === "DELETED");
  return given;
}

/** Columns that every followed object has. */
export function columnsOf({ uid, namespace, name, version, object }: GivenObject) {
  return { uid, namespace, name, object: storedJson(object), resource_version: version };
}
