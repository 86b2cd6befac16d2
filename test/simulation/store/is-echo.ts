// As control-plane/store/hosts/is-echo.ts.
import type { FeedObject } from "../../../shared/protocol/feed.ts";
import { fieldOf } from "./machines/looked-at.ts";
import type { MemoryDatabase } from "./memory-database.ts";
import { keyOf, type StoredHostRow, type StoredMachineRow } from "./rows.ts";
import { sameJson } from "./stored-json.ts";

export function isEcho(database: MemoryDatabase, before: StoredHostRow, after: StoredHostRow) {
  const decided = before.memory?.status;
  return (
    decided?.lastUpdated !== undefined &&
    isSamePlace(before, after) &&
    sameJson(withState(before.object), withState(after.object)) &&
    isWritten(database, { before, after, keyEnd: `:${decided.provisioning.state}` })
  );
}

export function isMachineEcho(
  database: MemoryDatabase,
  before: StoredMachineRow,
  after: StoredMachineRow,
) {
  return (
    before.memory !== null &&
    ["metal3machines", "metal3clusters"].includes(before.resource) &&
    isSamePlace(before, after) &&
    sameJson(decidedFrom(before.object), decidedFrom(after.object)) &&
    isWritten(database, { before, after, keyEnd: "" })
  );
}

type AnyRow = StoredHostRow | StoredMachineRow;

function isSamePlace(before: AnyRow, after: AnyRow): boolean {
  return (
    before.namespace === after.namespace &&
    before.name === after.name &&
    before.deleted === after.deleted
  );
}

function withState(object: FeedObject): readonly unknown[] {
  const state = fieldOf(fieldOf(fieldOf(object, "status"), "provisioning"), "state");
  return [decidedFrom(object), state];
}

function decidedFrom(object: FeedObject): unknown {
  const {
    status: _status,
    metadata,
    ...rest
  } = object as FeedObject & {
    readonly status?: unknown;
  };
  const { resourceVersion: _version, managedFields: _fields, ...named } = metadata;
  return [rest, named];
}

interface Pair {
  readonly before: AnyRow;
  readonly after: AnyRow;
  /** Of the key that the write of a status has, after the uid. */
  readonly keyEnd: string;
}

/** The status that was decided is shown, or still to be written over the one that is. */
function isWritten(database: MemoryDatabase, { before, after, keyEnd }: Pair): boolean {
  const { cluster, uid } = before;
  const status = before.memory?.status;
  if (sameJson(fieldOf(after.object, "status"), status)) return true;
  const key = `status:${uid}${keyEnd}`;
  for (const id of database.outboxByKey.keys(keyOf(`cluster:${cluster}`, key))) {
    const delivery = database.tables.outbox.get(id)?.delivery;
    if (sameJson(fieldOf(fieldOf(delivery, "write"), "status"), status)) return true;
  }
  return false;
}
