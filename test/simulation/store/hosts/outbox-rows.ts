// The outbox's part of a commit: a row that waits already is not queued twice, a newer one takes the place of an
// older one of its key.
import type { HostCommit } from "../../../../control-plane/ports.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import { keyOf, type StoredHostRow, type StoredOutboxRow } from "../rows.ts";
import { sameJson, storedJson } from "../stored-json.ts";

/** @param drop removes what goes with the commit: whether a row waits already is told of the rows before it */
export function queueRows(
  database: MemoryDatabase,
  { outbox: given }: Pick<HostCommit, "outbox">,
  drop: () => void = () => undefined,
): void {
  const replaced = new Map<number, StoredOutboxRow>();
  const added = given.map(storedJson).filter(({ link, key, delivery }) => {
    const same =
      key === undefined ? [] : rowsAt(database, database.outboxByKey.keys(keyOf(link, key)));
    const other = same.filter((row) => !sameJson(row.delivery, delivery));
    for (const row of other) replaced.set(row.id, row);
    return other.length === same.length;
  });
  for (const row of replaced.values()) {
    remove(database, row);
    if (row.sent_epoch === 0 || !isStatus(row)) continue;
    for (const older of rowsOfHost(database, row)) {
      if (isOlderStatus(older, row)) remove(database, older);
    }
  }
  drop();
  for (const { link, key = null, hostUid, delivery } of added) {
    queueRow(database, { link, key, host_uid: hostUid, delivery });
  }
}

export function queueRow(
  database: MemoryDatabase,
  row: Pick<StoredOutboxRow, "link" | "key" | "host_uid" | "delivery">,
): void {
  const id = database.nextOutboxId();
  database.write("outbox", String(id), { id, ...row, sent_epoch: 0, tries: 0, retry_at: 0 });
}

/** In the order of their ids. */
export function rowsOfLink(database: MemoryDatabase, link: string): readonly StoredOutboxRow[] {
  return rowsAt(database, database.outboxByLink.keys(link));
}

/** What waits on the row's link for the row's host. */
export function rowsOfHost(
  database: MemoryDatabase,
  { link, host_uid: hostUid }: Pick<StoredOutboxRow, "link" | "host_uid">,
): readonly StoredOutboxRow[] {
  const rows = rowsAt(database, database.outboxByHost.keys(hostUid));
  return rows.filter((row) => row.link === link);
}

function rowsAt(database: MemoryDatabase, keys: Iterable<string>): readonly StoredOutboxRow[] {
  const rows: StoredOutboxRow[] = [];
  for (const key of keys) {
    const row = database.tables.outbox.get(key);
    if (row !== undefined) rows.push(row);
  }
  return rows.sort((left, right) => left.id - right.id);
}

export function isStatus({ key }: StoredOutboxRow): boolean {
  return key?.startsWith("status:") === true;
}

/** Whether `row` is an earlier status of the host that `newer` is a status of. */
export function isOlderStatus(row: StoredOutboxRow, newer: StoredOutboxRow): boolean {
  return isStatus(row) && row.host_uid === newer.host_uid && row.id < newer.id;
}

/** Operations of a host that is gone. */
export function dropOrders(database: MemoryDatabase, uid: string): void {
  for (const waiting of rowsAt(database, database.outboxByHost.keys(uid)))
    if (waiting.key?.startsWith("operation:") === true) remove(database, waiting);
}

/** What was still to be said about an operation. */
export function dropMoot(database: MemoryDatabase, uid: string, operationId: string): void {
  const row = database.tables.operations.get(operationId);
  if (row?.host_uid !== uid) return;
  const keys = [`operation:${operationId}`, `cancel:${operationId}`];
  for (const waiting of rowsAt(database, database.outboxByHost.keys(uid))) {
    if (keys.includes(waiting.key ?? "")) remove(database, waiting);
  }
}

/** Names of the annotations that it removes from a host. */
export function removalOf({ delivery }: StoredOutboxRow): readonly string[] | undefined {
  if (delivery.kind !== "write" || delivery.write.kind !== "metadata") return undefined;
  return delivery.write.removeAnnotations;
}

/** What was to be removed, and was gone in a form since. */
export function dropRemoved(
  database: MemoryDatabase,
  { uid, cluster }: Pick<StoredHostRow, "uid" | "cluster">,
  since: readonly { readonly names: readonly string[] }[],
): void {
  for (const waiting of rowsOfHost(database, { link: `cluster:${cluster}`, host_uid: uid })) {
    const names = removalOf(waiting);
    if (names === undefined) continue;
    const isGone = since.some((form) => names.every((name) => !form.names.includes(name)));
    if (isGone) remove(database, waiting);
  }
}

function remove(database: MemoryDatabase, { id }: StoredOutboxRow): void {
  if (database.tables.outbox.has(String(id))) database.write("outbox", String(id), undefined);
}
