// As control-plane/store/hosts/apply-host-feed.ts.
import type { FeedOutcome, FeedSender } from "../../../../control-plane/ports.ts";
import type { FeedBatch } from "../../../../shared/protocol/feed.ts";
import { wakeMachines, choosingMachines } from "../machines/wake-machines.ts";
import { isAnother } from "../machines/looked-at.ts";
import type { MemoryDatabase } from "../memory-database.ts";
import { keyOf, type StoredHostRow } from "../rows.ts";
import { columnsOf, feedGate, refused, type GivenObject } from "./feed-gate.ts";
import { feedRows, type FedRows } from "./feed-rows.ts";
import { dropRemoved } from "./outbox-rows.ts";
import { isEcho } from "../is-echo.ts";
import { unknownHost } from "./unknown-host.ts";

export function applyHostFeed(
  database: MemoryDatabase,
  sender: FeedSender,
  batch: FeedBatch,
  wakeAtMs: number,
): FeedOutcome {
  const gate = feedGate(database, sender, "baremetalhosts", batch);
  if (gate.open === undefined) return refused(gate);
  const { cluster } = sender;
  const fed = feedRows(
    database,
    {
      table: "hosts",
      isOwn: (row) => row.cluster === cluster,
      named: ({ namespace, name }) => database.hostsByName.keys(keyOf(cluster, namespace, name)),
      newRow: (given) => newHost(cluster, given),
      changes(before, given) {
        const since = given.forms.filter(({ version }) => version > before.resource_version);
        dropRemoved(database, before, since);
        return { memory: memoryAfter(before, since) };
      },
      isIdle: (before, after) => isEcho(database, before, after),
    },
    gate.open,
    wakeAtMs,
  );
  const concerned = gate.open.completes
    ? [...database.tables.machines.values()].filter((row) => row.cluster === cluster)
    : [];
  const uids = [...concerned.map(({ uid }) => uid), ...concernedMachines(database, cluster, fed)];
  return {
    kind: "stored",
    touched: fed.decided,
    machines: wakeMachines(database, uids, wakeAtMs),
    foreign: fed.foreign,
    cursor: gate.move(),
  };
}

/** What was acted on, and was gone in a version since, may be asked for again. */
function memoryAfter(
  { memory }: StoredHostRow,
  since: GivenObject["forms"],
): StoredHostRow["memory"] {
  if (memory?.taken === undefined) return memory;
  const taken = memory.taken.filter((name) => since.every(({ names }) => names.includes(name)));
  return { ...memory, taken };
}

/** Machines for which a host is another: the one that has claimed it, or those that wait for one. */
function* concernedMachines(
  database: MemoryDatabase,
  cluster: string,
  { altered }: FedRows<"hosts">,
): Iterable<string> {
  if (database.tables.machines.size === 0) return;
  for (const { before, after } of altered) {
    if (before?.deleted === after.deleted && !isAnother(before.object, after.object)) continue;
    if (after.machine_uid !== null) yield after.machine_uid;
    else yield* choosingMachines(database, { cluster, namespace: after.namespace });
  }
}

function newHost(cluster: string, given: GivenObject) {
  return {
    ...columnsOf(given),
    cluster,
    version: 0,
    deleted: false,
    list_id: null,
    site: null,
    ...unknownHost,
    wake_at: null,
  };
}
