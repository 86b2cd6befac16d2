// Hop 2 of 8, next: control-plane/app/record-desired. Follows one resource and posts each committed change
// with a cursor. The control plane owns the cursor: after a restart of either end the watch goes on from there.
// A list happens only when the cursor is empty or too old (410). The machine side's resources need not be defined.
import { z } from "zod";
import type { FeedBatch, FeedObject, FeedResource } from "../../shared/protocol/feed.ts";
import { catchUp } from "./events/catch-up.ts";
import { idleChanges } from "./events/idle-changes.ts";
import { WaitingEvents } from "./events/waiting-events.ts";
import { isBehind, isOptional, paths, versioned, type FollowDeps } from "./follow-deps.ts";
import { listAll, type Failed, type Listed } from "./list-all.ts";
import type { WatchEvent } from "./port.ts";

const bookmark = z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) });
const statusObject = z.looseObject({ code: z.number().optional(), message: z.string().optional() });

const batchSize = 100;
const retryMs = 1_000;
/** How long after it was not there for us a resource is looked for again: longer each time that it is not defined. */
const absentMs = 15_000;
const longAbsentMs = 60_000;

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
  const told: Told = { isAll: false };
  let pauseMs = 0;
  while (!signal.aborted) {
    if (cursor === "") {
      const after = await listAll(deps, resource, stored, signal);
      pauseMs = pauseAfter(after, pauseMs);
      if (after === "not-defined" && pauseMs === absentMs)
        deps.log.info("not defined here", { resource });
      if (typeof after === "object") {
        cursor = after.cursor;
        told.isAll = true;
      } else await deps.clock.sleep(pauseMs, signal);
      // It may have been taken, or refused for another that was.
      if (after === "failed") stored = await storedCursor(deps, resource, signal);
      continue;
    }
    cursor = await watchFrom({ ...deps, told }, resource, cursor, signal);
    if (cursor === "") stored = await storedCursor(deps, resource, signal);
  }
}

/** Nothing is ordered for these until a link that was away has told all that changed meanwhile. */
const awaited: FeedResource = "baremetalhosts";

/** Whether this session has told all that had changed before it. */
interface Told {
  isAll: boolean;
}
type WatchDeps = FollowDeps & { readonly told: Told };

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

/** Follows until the stream ends; the cursor to go on from, "" when it is too old. */
async function watchFrom(
  deps: WatchDeps,
  resource: FeedResource,
  from: string,
  signal: AbortSignal,
): Promise<string> {
  const startedAtMs = deps.clock.monotonicMs();
  const stream = new WaitingEvents(deps.clock, idleChanges(resource));
  const stop = new AbortController();
  const abort = () => stop.abort();
  signal.addEventListener("abort", abort, { once: true });
  const query = `allowWatchBookmarks=true&resourceVersion=${from}&timeoutSeconds=300`;
  const ended = deps.api
    .watch(`${paths[resource]}?${query}`, (event) => stream.push(event), stop.signal)
    .finally(() => stream.end());
  // Of each watch: a database that went back in time knows nothing of what was told during the last one.
  if (resource === awaited) void catchUp(deps, stream, stop.signal);
  let cursor = from;
  for (;;) {
    const events = await stream.take(batchSize);
    if (events === undefined) break;
    const moved = await tellOf(deps, resource, cursor, events);
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

/** No events: there was nothing more to come. */
async function tellOf(...told: Parameters<typeof postEvents>): Promise<Moved> {
  const [deps, resource, cursor, events] = told;
  return events.length === 0 ? await tellAll(deps, resource, cursor) : await postEvents(...told);
}

async function postEvents(
  deps: WatchDeps,
  resource: FeedResource,
  cursor: string,
  events: readonly WatchEvent[],
): Promise<Moved> {
  const batch = toBatch(cursor, events);
  if (batch.tooOld) return { cursor: "", restart: true };
  // Again with each bookmark: an older instance of the control plane has not heeded it.
  const isAgain = deps.told.isAll && resource === awaited && batch.body.events.length === 0;
  if (isAgain && !batch.broken) batch.body.caughtUp = true;
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

/** Where the control plane stands, which another process of this agent may have told of more. */
async function tellAll(deps: WatchDeps, resource: FeedResource, cursor: string): Promise<Moved> {
  let at = cursor;
  for (;;) {
    const moves = { fromResourceVersion: at, toResourceVersion: at };
    const batch: FeedBatch = { kind: "watch", ...moves, events: [], caughtUp: true };
    const posted = await deps.hub.postFeed(resource, batch);
    if (!posted.ok) return { cursor: undefined, restart: true };
    const { stored, cursor: taken } = posted.value;
    if (taken === "" || isBehind(taken, cursor)) return { cursor: "", restart: true };
    if (stored) break;
    at = taken;
  }
  deps.told.isAll = true;
  return { cursor, restart: false };
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
