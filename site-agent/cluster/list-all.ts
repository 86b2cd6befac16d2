// One consistent list of a resource, posted page by page.
import { z } from "zod";
import type { FeedObject, FeedResource } from "../../shared/protocol/feed.ts";
import { isBehind, isOptional, paths, versioned, type FollowDeps } from "./follow-deps.ts";

const listed = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.looseObject({})),
});
const pageSize = 200;

export type Listed = { readonly cursor: string };
export type Failed = "failed" | "not-defined" | "not-allowed";

/** Lists everything in pages and posts them under one list id. */
export async function listAll(
  deps: FollowDeps,
  resource: FeedResource,
  replaces: string,
  signal: AbortSignal,
): Promise<Listed | Failed> {
  if (!(await lookAtUnanswered(deps, resource))) return "failed";
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

/** What came of own writes whose answer nobody has heard; false: it could not be read. */
async function lookAtUnanswered(
  { api, newest }: FollowDeps,
  resource: FeedResource,
): Promise<boolean> {
  for (const { path, lookedAt } of newest.unanswered(resource)) {
    const answer = await api.request({ method: "GET", path });
    if (!answer.ok || (answer.value.status !== 200 && answer.value.status !== 404)) return false;
    const object = versioned.safeParse(answer.value.body).data;
    if (object !== undefined) newest.note(resource, object.metadata.resourceVersion);
    lookedAt();
  }
  return true;
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
