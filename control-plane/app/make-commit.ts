// A decision → everything that its statement writes: the host document with its revision, the operation, and the
// rows for the links. Pure.
import type { Decision } from "../../shared/host/decision.ts";
import { canonicalJson, sha256Hex } from "../../shared/host/document/canonical-json.ts";
import type { HostMemory, Snapshot } from "../../shared/host/snapshot.ts";
import type { Delivery } from "../../shared/protocol/frames.ts";
import type { HostDocument } from "../../shared/protocol/host-document.ts";
import type { Operation } from "../../shared/protocol/operation.ts";
import type { WriteBack } from "../../shared/protocol/write-back.ts";
import { siteUnreachableAfterMs } from "../lease-times.table.ts";
import type { HostCommit, HostRows, LinkName, OutboxRow } from "../ports.ts";

export function makeCommit(rows: HostRows, snapshot: Snapshot, decision: Decision): HostCommit {
  const { uid, version } = rows.host;
  const site = snapshot.site.kind === "site" ? snapshot.site.name : undefined;
  const memory = withNewRevision(rows, site, decision.memory);
  const document = makeDocument(uid, memory, decision);
  const operation = makeOperation(uid, memory, decision);
  return {
    uid,
    version,
    memory,
    site,
    document,
    claims: claimsOf(snapshot, decision),
    blocked: snapshot.claimConflict !== undefined,
    operation:
      operation === undefined || site === undefined
        ? undefined
        : { site, createdAtMs: snapshot.nowMs, operation },
    cancel: decision.cancel,
    consumed: decision.consumed,
    outbox: [
      ...documentRows(rows, snapshot, { site, memory, document }),
      ...operationRows(rows, site, { operation, cancel: decision.cancel }),
      ...writeRows(rows, decision),
    ],
    wakeAtMs: wakeAtMs(decision, snapshot),
    gone: decision.next.kind === "gone",
  };
}

/** A host that is refused a claim just as it is given up is not seen to wait for it, and is woken by nobody. */
const askForClaimMs = 60_000;

/** A site that falls silent wakes nobody: whoever waits for an operation there looks when it would be unreachable. */
function wakeAtMs({ next }: Decision, { site, nowMs }: Snapshot): number | undefined {
  if (next.kind !== "wait") return undefined;
  const awaited: readonly string[] = next.awaited;
  const isHeard = site.kind === "site" && site.connection !== "unreachable";
  const times = [
    next.wakeAtMs,
    awaited.includes("claim") ? nowMs + askForClaimMs : undefined,
    isHeard && awaited.includes("operation") ? site.lastSeenMs + siteUnreachableAfterMs : undefined,
  ].filter((each) => each !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/**
 * An agent refuses a revision that it knows with another content, and a removal counts as content: a host that
 * changes its site gets a new revision although its document is the same.
 */
function withNewRevision(rows: HostRows, site: string | undefined, memory: HostMemory): HostMemory {
  const moved = rows.host.site !== undefined && rows.host.site !== site;
  const isNew = memory.revision !== rows.host.memory?.revision;
  return moved && !isNew ? { ...memory, revision: memory.revision + 1 } : memory;
}

function makeDocument(
  uid: string,
  memory: HostMemory,
  decision: Decision,
): HostDocument | undefined {
  if (decision.document === undefined) return undefined;
  return {
    hostUid: uid,
    revision: memory.revision,
    hash: memory.documentHash,
    spec: decision.document,
  };
}

function makeOperation(
  uid: string,
  memory: HostMemory,
  { command }: Decision,
): Operation | undefined {
  if (command === undefined) return undefined;
  return {
    id: `${uid}.${memory.operationCount}`,
    hostUid: uid,
    revision: memory.revision,
    attempt: memory.attempt + 1,
    validForMs: command.validForMs,
    class: command.class,
    allocation: memory.allocation,
    payload: command.payload,
  };
}

/** What another host holds cannot be claimed; until that is settled a managed host keeps what it has. */
function claimsOf(snapshot: Snapshot, decision: Decision): HostCommit["claims"] {
  if (snapshot.claimConflict === undefined) return decision.claims;
  return decision.document === undefined ? [] : undefined;
}

interface Placed {
  readonly site: string | undefined;
  readonly memory: HostMemory;
  readonly document: HostDocument | undefined;
}

function documentRows(rows: HostRows, snapshot: Snapshot, placed: Placed): OutboxRow[] {
  const { uid, site: oldSite, memory: before } = rows.host;
  const { site, memory, document } = placed;
  const isNew = memory.revision !== before?.revision || oldSite !== site;
  if (!isNew) return [];
  const removal: Delivery = { kind: "remove-document", hostUid: uid, revision: memory.revision };
  const holder = holderOf(rows, snapshot, placed);
  // The old site, or the present one, holds a document that it should not hold any more.
  const isOver = holder !== site || document === undefined;
  const list: OutboxRow[] = [];
  if (holder !== undefined && isOver) list.push(siteRow(holder, uid, removal));
  if (site !== undefined && document !== undefined) {
    list.push(siteRow(site, uid, { kind: "document", document }));
  }
  return list;
}

/** The site that may hold a document of the host. */
function holderOf(
  { host }: HostRows,
  { host: object }: Snapshot,
  { site, memory }: Placed,
): string | undefined {
  if (host.memory !== undefined) return host.memory.documentHash === "" ? undefined : host.site;
  // Whoever shows a status was decided about by a database that is lost.
  const isOver = object.status !== undefined && memory.documentHash === "";
  return host.site ?? (isOver ? site : undefined);
}

function siteRow(site: string, uid: string, delivery: Delivery): OutboxRow {
  return { link: `site:${site}`, key: `document:${uid}`, hostUid: uid, delivery };
}

/** A cancelled operation belongs to the site that it was given to. */
function operationRows(
  rows: HostRows,
  site: string | undefined,
  { operation, cancel }: { operation: Operation | undefined; cancel: string | undefined },
): OutboxRow[] {
  const { uid } = rows.host;
  const list: OutboxRow[] = [];
  const oldSite = rows.host.site ?? site;
  if (cancel !== undefined && oldSite !== undefined) {
    list.push({
      link: `site:${oldSite}`,
      key: `cancel:${cancel}`,
      hostUid: uid,
      delivery: { kind: "cancel", hostUid: uid, operationId: cancel },
    });
  }
  if (operation !== undefined && site !== undefined) {
    list.push({
      link: `site:${site}`,
      key: `operation:${operation.id}`,
      hostUid: uid,
      delivery: { kind: "operation", operation },
    });
  }
  return list;
}

function writeRows(rows: HostRows, decision: Decision): OutboxRow[] {
  const { uid, cluster, namespace, name } = rows.host;
  const writes: WriteBack[] = [...decision.writes];
  if (decision.status !== undefined) {
    const { status, memory } = decision;
    writes.unshift({ kind: "status", namespace, name, uid, status, over: memory.over });
  }
  const link: LinkName = `cluster:${cluster}`;
  return writes.map((write) => ({
    link,
    key: writeKey(uid, write),
    hostUid: uid,
    delivery: { kind: "write", write },
  }));
}

/**
 * A newer status replaces a waiting one of the same state only, so that a watcher sees every state; other writes
 * are replaced by nothing but themselves.
 */
function writeKey(uid: string, write: WriteBack): string {
  if (write.kind === "status") return `status:${uid}:${write.status.provisioning.state}`;
  if (write.kind === "hardware-data") return `hardware-data:${uid}`;
  if (write.kind === "event") return `event:${uid}:${write.eventName}`;
  return `write:${uid}:${sha256Hex(canonicalJson(write)).slice(0, 16)}`;
}
