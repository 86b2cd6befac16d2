// As control-plane/store/admin/list-machines.ts.
import type { AdminStore, ListedMachine } from "../../../../control-plane/ports.ts";
import { claimedHost } from "../machines/claimed-host.ts";
import { fieldOf, textAt } from "../machines/looked-at.ts";
import { takesHosts } from "../machines/wake-machines.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import type { StoredHostRow, StoredMachineRow } from "../rows.ts";
import { byPlace, most } from "./listings.ts";

export function listMachines(
  database: MemoryDatabase,
  { cluster, afterUid }: Parameters<AdminStore["listMachines"]>[0],
): readonly ListedMachine[] {
  const { machines } = database.tables;
  const after = afterUid === undefined ? undefined : machines.get(afterUid);
  if (afterUid !== undefined && after === undefined) return [];
  return [...machines.values()]
    .filter((row) => takesHosts(row) && (cluster === undefined || row.cluster === cluster))
    .filter((row) => after === undefined || byPlace(row, after) > 0)
    .sort(byPlace)
    .slice(0, most)
    .map((row) => listed(database, row));
}

function listed(database: MemoryDatabase, row: StoredMachineRow): ListedMachine {
  const { uid, cluster, resource, namespace, name, deleted, object, memory } = row;
  const conditions = memory?.status["conditions"];
  return {
    uid,
    cluster,
    resource,
    namespace,
    name,
    isDeleting: deleted || fieldOf(object.metadata, "deletionTimestamp") !== null,
    wakeAtMs: row.wake_at,
    host: hostOf(claimedHost(database, uid)),
    unmet: (Array.isArray(conditions) ? conditions : []).filter(isUnmet).map(shown),
  };
}

function hostOf(row: StoredHostRow | undefined): ListedMachine["host"] {
  if (row === undefined) return null;
  const status = row.memory?.status;
  const operation = status?.conditions?.find(({ type }) => type === "farrier.dev/Operation");
  const state = status?.provisioning.state ?? null;
  return { name: row.name, state, operation: operation?.message ?? null };
}

function isUnmet(condition: unknown): boolean {
  const type = textAt(condition, "type");
  return textAt(condition, "status") === "False" && type !== "Paused" && type !== "Ready";
}

function shown(condition: unknown): ListedMachine["unmet"][number] {
  const text = (field: string) => textAt(condition, field) ?? "";
  return {
    type: text("type"),
    reason: text("reason"),
    message: text("message"),
    lastTransitionTime: text("lastTransitionTime"),
  };
}
