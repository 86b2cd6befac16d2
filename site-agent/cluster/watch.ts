// Hop 2 of 8, next: control-plane/app/record-desired. Follows one resource and posts each committed change
// with a cursor. The control plane owns the cursor: after a restart of either end the watch goes on from there.
// A list happens only when the cursor is empty or too old (410). The machine side's resources need not be defined.
import { z } from "zod";
import {
  machineResource,
  type FeedBatch,
  type FeedObject,
  type FeedResource,
} from "../../shared/protocol/feed.ts";
import type { Clock, Crypto, Log } from "../ports.ts";
import type { Hub } from "./hub.ts";
import type { NewestSeen } from "./newest-seen.ts";
import type { KubernetesApi, WatchEvent } from "./port.ts";
import { WaitingEvents } from "./waiting-events.ts";

const paths: Readonly<Record<FeedResource, string>> = {
  baremetalhosts: "/apis/metal3.io/v1alpha1/baremetalhosts",
  "clusters.cluster.x-k8s.io": "/apis/cluster.x-k8s.io/v1beta2/clusters",
  hardwaredata: "/apis/metal3.io/v1alpha1/hardwaredata",
  "machines.cluster.x-k8s.io": "/apis/cluster.x-k8s.io/v1beta2/machines",
  "machines.machine.openshift.io": "/apis/machine.openshift.io/v1beta1/machines",
  "machinesets.machine.openshift.io": "/apis/machine.openshift.io/v1beta1/machinesets",
  metal3clusters: "/apis/infrastructure.cluster.x-k8s.io/v1beta2/metal3clusters",
  metal3machines: "/apis/infrastructure.cluster.x-k8s.io/v1beta2/metal3machines",
  metal3machinetemplates: "/apis/infrastructure.cluster.x-k8s.io/v1beta2/metal3machinetemplates",
  namespaces: "/api/v1/namespaces",
};

const listed = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.looseObject({})),
});
/** Who wrote which field is half of an object, and nobody's business here. */
const versioned = z.looseObject({
  metadata: z
    .looseObject({
      name: z.string(),
      namespace: z.string().optional(),
      uid: z.string(),
      resourceVersion: z.string(),
    })
    .transform(({ managedFields: _fields, ...metadata }) => metadata),
});
const bookmark = z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) });
const statusObject = z.looseObject({ code: z.number().optional(), message: z.string().optional() });

const pageSize = 200;
const batchSize = 100;
const retryMs = 1_000;
/** How long after it was not there for us a resource is looked for again: longer each time that it is not defined. */
const absentMs = 15_000;
const longAbsentMs = 60_000;

/** What the link itself remembers of the objects, on disk, so that a restart needs no list. */
export interface ObjectMemory {
  /** Whether a whole list of this resource was taken in once. */
  isComplete(resource: FeedResource): boolean;
  /** A whole list begins: until it is taken in, none was, whatever becomes of this process. */
  listing(resource: FeedResource): void;
  /**
   * It was taken in: what it does not name is gone.
   * @param hadLost whether the control plane knew nothing, or less than it had taken in before
   */
  listed(resource: FeedResource, uids: readonly string[], hadLost: boolean): void;
  changed(resource: FeedResource, objects: readonly FeedObject[], gone: readonly string[]): void;
  /** The control plane has taken in what there was up to this version. */
  reach(resource: FeedResource, version: string): void;
  /** "": nothing yet. */
  reached(resource: FeedResource): string;
}

export interface FollowDeps {
  readonly api: KubernetesApi;
  readonly hub: Hub;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly memory: ObjectMemory;
  /** Of the API server, over all sessions. */
  readonly newest: NewestSeen;
}

/** Runs until the signal aborts (a new session starts a new one). */
export async function followResource(
  deps: FollowDeps,
  resource: FeedResource,
  signal: AbortSignal,
): Promise<void> {
  let stored = await storedCursor(deps, resource, signal);
  // Another process of this agent may have told of more than this one has seen.
  deps.newest.note(resource, stored);
  // A link that lost its own memory lists once more, though the control plane has the objects.
  let cursor = mayGoOn(deps, resource, stored) ? deps.memory.reached(resource) : "";
  let pauseMs = 0;
  while (!signal.aborted) {
    if (cursor === "") {
      const after = await listAll(deps, resource, stored, signal);
      pauseMs = pauseAfter(after, pauseMs);
      if (after === "not-defined" && pauseMs === absentMs)
        deps.log.info("not defined here", { resource });
      if (typeof after === "object") cursor = after.cursor;
      else await deps.clock.sleep(pauseMs, signal);
      // It may have been taken, or refused for another that was.
      if (after === "failed") stored = await storedCursor(deps, resource, signal);
      continue;
    }
    cursor = await watchFrom(deps, resource, cursor, signal);
    if (cursor === "") stored = await storedCursor(deps, resource, signal);
  }
}

/**
 * From where this link stands. A control plane that stands before that has lost more than the watch brings again: what
 * was posted about these objects, too. One that stands behind it was told by another process of this agent, or by this
 * one just before it was killed: nothing of that is remembered here, and the watch brings it again.
 */
function mayGoOn({ memory }: FollowDeps, resource: FeedResource, stored: string): boolean {
  const reached = memory.reached(resource);
  return (
    memory.isComplete(resource) && stored !== "" && reached !== "" && !isBehind(stored, reached)
  );
}

function isBehind(cursor: string, reached: string): boolean {
  return cursor !== "" && reached !== "" && BigInt(cursor) < BigInt(reached);
}

function pauseAfter(listed: Listed | Failed, lastMs: number): number {
  if (typeof listed === "object") return 0;
  if (listed === "failed") return retryMs;
  return listed === "not-defined" && lastMs >= absentMs
    ? Math.min(2 * lastMs, longAbsentMs)
    : absentMs;
}

/** Asks where the control plane stands: an empty batch from nowhere is refused with the stored cursor. */
async function storedCursor(
  deps: FollowDeps,
  resource: FeedResource,
  signal: AbortSignal,
): Promise<string> {
  while (!signal.aborted) {
    const nowhere = { fromResourceVersion: "?", toResourceVersion: "?" };
    const answer = await deps.hub.postFeed(resource, { kind: "watch", ...nowhere, events: [] });
    if (answer.ok) return answer.value.cursor;
    deps.log.warn("feed not reachable", { resource, reason: answer.error.message });
    await deps.clock.sleep(retryMs, signal);
  }
  return "";
}

type Listed = { readonly cursor: string };
type Failed = "failed" | "not-defined" | "not-allowed";

/** Lists everything in pages and posts them under one list id. */
async function listAll(
  deps: FollowDeps,
  resource: FeedResource,
  replaces: string,
  signal: AbortSignal,
): Promise<Listed | Failed> {
  const listId = deps.crypto.randomUuid();
  deps.memory.listing(resource);
  const hadLost = replaces === "" || isBehind(replaces, deps.memory.reached(resource));
  const uids: string[] = [];
  let cursor: string | undefined;
  const done = await pages(deps, resource, async ({ items, resourceVersion, last }) => {
    if (signal.aborted) return false;
    if (cursor === undefined && !deps.newest.accepts(resource, resourceVersion)) {
      deps.log.warn("list is older than what was seen", { resource, resourceVersion });
      return false;
    }
    deps.newest.note(resource, resourceVersion);
    const answer = await deps.hub.postFeed(resource, {
      kind: "list",
      listId,
      replaces,
      resourceVersion,
      items,
      last,
    });
    if (!answer.ok || !answer.value.stored) return false;
    deps.memory.changed(resource, items, []);
    uids.push(...items.map((item) => item.metadata.uid));
    cursor = answer.value.cursor;
    return true;
  });
  if (done === "not-defined") return done;
  if (done === "taken") {
    deps.memory.listed(resource, uids, hadLost);
    deps.memory.reach(resource, cursor ?? "");
  }
  deps.log.info("listed", { resource, ok: done === "taken", cursor });
  return done === "taken" ? { cursor: cursor ?? "" } : done;
}

interface Page {
  readonly items: FeedObject[];
  readonly resourceVersion: string;
  readonly last: boolean;
}

/** All pages of one consistent list; failed when one could not be read or was not taken. */
async function pages(
  deps: FollowDeps,
  resource: FeedResource,
  take: (page: Page) => Promise<boolean>,
): Promise<"taken" | Failed> {
  let next = "";
  for (;;) {
    const more = next === "" ? "" : `&continue=${encodeURIComponent(next)}`;
    const answer = await deps.api.request({
      method: "GET",
      path: `${paths[resource]}?limit=${pageSize}${more}`,
    });
    if (!answer.ok || answer.value.status !== 200) {
      const failed = answer.ok ? failureOf(resource, answer.value.status) : "failed";
      const reason = answer.ok ? `status ${answer.value.status}` : answer.error.message;
      if (failed !== "not-defined") deps.log.warn("list failed", { resource, reason });
      return failed;
    }
    const list = listed.parse(answer.value.body);
    const items = list.items.flatMap((item) => versioned.safeParse(item).data ?? []);
    next = list.metadata.continue ?? "";
    const taken = await take({
      items,
      resourceVersion: list.metadata.resourceVersion,
      last: next === "",
    });
    if (!taken) return "failed";
    if (next === "") return "taken";
  }
}

function failureOf(resource: FeedResource, status: number): Failed {
  if (!isOptional(resource)) return "failed";
  return status === 404 ? "not-defined" : status === 403 ? "not-allowed" : "failed";
}

/** A resource of the machine side need not be defined (yet, or any more), and older rights do not name it. */
function isOptional(resource: FeedResource): boolean {
  return machineResource.safeParse(resource).success;
}

/** Follows until the stream ends; the cursor to go on from, "" when it is too old. */
async function watchFrom(
  deps: FollowDeps,
  resource: FeedResource,
  from: string,
  signal: AbortSignal,
): Promise<string> {
  const startedAtMs = deps.clock.monotonicMs();
  const stream = new WaitingEvents();
  const stop = new AbortController();
  const abort = () => stop.abort();
  signal.addEventListener("abort", abort, { once: true });
  const query = `allowWatchBookmarks=true&resourceVersion=${from}&timeoutSeconds=300`;
  const ended = deps.api
    .watch(`${paths[resource]}?${query}`, (event) => stream.push(event), stop.signal)
    .finally(() => stream.end());
  let cursor = from;
  for (;;) {
    const events = await stream.take(batchSize);
    if (events === undefined) break;
    const moved = await postEvents(deps, resource, cursor, events);
    if (moved.cursor === undefined) {
      await deps.clock.sleep(retryMs, signal);
      break;
    }
    cursor = moved.cursor;
    if (moved.restart) break;
  }
  stop.abort();
  signal.removeEventListener("abort", abort);
  const end = await ended;
  // A server that ends every watch at once must not be asked without pause.
  if (deps.clock.monotonicMs() - startedAtMs < retryMs) await deps.clock.sleep(retryMs, signal);
  if (end.status === serverIsOlder) deps.newest.forget(resource);
  const isGone = end.status === 404 && isOptional(resource);
  return isLost(end.status) || isGone ? "" : cursor;
}

const serverIsOlder = 504;

/**
 * 410: the cursor is too old. 504: it is newer than the server itself, as after a restored etcd (a server answers
 * so when its own version does not come up to it in time).
 */
function isLost(status: number | undefined): boolean {
  return status === 410 || status === serverIsOlder;
}

interface Moved {
  /** Undefined: not stored; take the stored cursor again later. */
  readonly cursor: string | undefined;
  readonly restart: boolean;
}

async function postEvents(
  deps: FollowDeps,
  resource: FeedResource,
  cursor: string,
  events: readonly WatchEvent[],
): Promise<Moved> {
  const batch = toBatch(cursor, events);
  if (batch.tooOld) return { cursor: "", restart: true };
  deps.newest.note(resource, batch.body.toResourceVersion);
  const posted = await deps.hub.postFeed(resource, batch.body);
  if (!posted.ok) {
    deps.log.warn("feed not reachable", { resource, reason: posted.error.message });
    return { cursor: undefined, restart: true };
  }
  const { stored, cursor: taken } = posted.value;
  if (isBehind(taken, deps.memory.reached(resource))) return { cursor: "", restart: true };
  // Not stored may mean: it was before, and the answer was lost; then more may have been than comes here again.
  const known = batch.body.events.filter(({ object }) => stored || isUpTo(object, taken));
  deps.memory.changed(
    resource,
    known.filter((event) => event.type !== "DELETED").map((event) => event.object),
    known.filter((event) => event.type === "DELETED").map((event) => event.object.metadata.uid),
  );
  const isAhead = isBehind(batch.body.toResourceVersion, taken);
  const reached = isAhead ? batch.body.toResourceVersion : taken;
  deps.memory.reach(resource, reached);
  return { cursor: reached, restart: (!stored && !isAhead) || batch.broken };
}

function isUpTo({ metadata }: FeedObject, cursor: string): boolean {
  return cursor !== "" && BigInt(metadata.resourceVersion) <= BigInt(cursor);
}

/** An ERROR event inside a 200 stream carries a Status; code 410 means that the cursor is too old. */
function toBatch(from: string, events: readonly WatchEvent[]) {
  const moves = { fromResourceVersion: from, toResourceVersion: from };
  const body: Extract<FeedBatch, { kind: "watch" }> = { kind: "watch", ...moves, events: [] };
  for (const event of events) {
    if (event.type === "ERROR") {
      return {
        body,
        tooOld: isLost(statusObject.safeParse(event.object).data?.code),
        broken: true,
      };
    }
    if (event.type === "BOOKMARK") {
      body.toResourceVersion =
        bookmark.safeParse(event.object).data?.metadata.resourceVersion ?? body.toResourceVersion;
      continue;
    }
    const object = versioned.safeParse(event.object);
    if (!object.success || !isChange(event.type)) return { body, tooOld: false, broken: true };
    body.events.push({ type: event.type, object: object.data });
    body.toResourceVersion = object.data.metadata.resourceVersion;
  }
  return { body, tooOld: false, broken: false };
}

function isChange(type: string): type is "ADDED" | "MODIFIED" | "DELETED" {
  return type === "ADDED" || type === "MODIFIED" || type === "DELETED";
}
