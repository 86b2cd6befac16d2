// As control-plane/store/hosts/is-echo.ts.
import type { FeedObject } from "../../../shared/protocol/feed.ts";
import { fieldOf } from "./machines/looked-at.ts";
import type { MemoryDatabase } from "./memory-database.ts";
import { keyOf, type StoredHostRow } from "./rows.ts";
import { sameJson } from "./stored-json.ts";

export function isEcho(database: MemoryDatabase, before: StoredHostRow, after: StoredHostRow) {
  const decided = before.memory?.status;
  return (
    decided?.lastUpdated !== undefined &&
    before.namespace === after.namespace &&
    before.name === after.name &&
    before.deleted === after.deleted &&
    sameJson(decidedFrom(before.object), decidedFrom(after.object)) &&
    (sameJson(fieldOf(after.object, "status"), decided) || isToBeWritten(database, before))
  );
}

function decidedFrom(object: FeedObject): readonly unknown[] {
  const { status, metadata, ...rest } = object as FeedObject & { readonly status?: unknown };
  const { resourceVersion: _version, managedFields: _fields, ...named } = metadata;
  return [rest, named, fieldOf(fieldOf(status, "provisioning"), "state")];
}

function isToBeWritten(database: MemoryDatabase, { cluster, uid, memory }: StoredHostRow): boolean {
  const status = memory?.status;
  const key = `status:${uid}:${status?.provisioning.state}`;
  for (const id of database.outboxByKey.keys(keyOf(`cluster:${cluster}`, key))) {
    const delivery = database.tables.outbox.get(id)?.delivery;
    if (sameJson(fieldOf(fieldOf(delivery, "write"), "status"), status)) return true;
  }
  return false;
}
