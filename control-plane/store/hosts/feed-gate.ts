// The first and the last part of all feed statements: the cursor's row, locked, if the batch may be taken; the answer.
import { sql, type SQL } from "drizzle-orm";
import { machineResource, type FeedResource } from "../../../shared/protocol/feed.ts";
import type { FeedSender } from "../../ports.ts";
import type { FoldedBatch } from "./feed-batch.ts";

/**
 * CTEs `holds` (the session acts for the cluster), `gate` (and the cursor stands where the batch begins) and
 * `given` (the objects). Two batches of one feed follow each other at the lock of gate.
 * regressed: the list is older than what was seen: the cluster was restored from a backup, so its word counts
 * though its versions are smaller. completes: the first whole list.
 */
export function feedGate(sender: FeedSender, resource: FeedResource, batch: FoldedBatch): SQL {
  return sql`
    holds AS (
      SELECT name FROM links
      WHERE name = ${`cluster:${sender.cluster}`}
        AND agent_id = ${sender.agentId} AND epoch = ${sender.epoch}::bigint
    ),
    gate AS (
      SELECT f.cursor,
        ${batch.last}::boolean AND f.cursor = '' AS completes,
        CASE WHEN ${batch.listVersion}::numeric IS NULL OR f.cursor = '' THEN false
             ELSE ${batch.listVersion}::numeric < f.cursor::numeric END AS regressed
      FROM ${feedsOf(resource)} f, holds
      WHERE f.cluster = ${sender.cluster} AND f.resource = ${resource}
        AND f.cursor = coalesce(${batch.from}::text, ${batch.replaces}::text, f.cursor)
      FOR UPDATE OF f
    ),
    ${isOfMachineSide(resource) ? addedFeed(sender, resource) : sql``}
    given AS (
      SELECT g.* FROM gate, (
        SELECT * FROM jsonb_to_recordset(${batch.items}::jsonb)
          AS i(uid text, namespace text, name text, rv numeric, object jsonb, deleted boolean, forms jsonb)
        ${batch.few ? sql`LIMIT 4` : sql``}
      ) g
    )`;
}

/** A cluster need not have the resource: the first word about it adds the row, and is refused as not from the cursor. */
function addedFeed(sender: FeedSender, resource: FeedResource): SQL {
  return sql`
    added AS (
      INSERT INTO machine_feeds (cluster, resource)
      SELECT ${sender.cluster}, ${resource} FROM holds
      ON CONFLICT DO NOTHING
    ),`;
}

/**
 * The last part: moves the cursor, and answers. hosts, machines: queries of the uids to decide about.
 */
export function feedAnswer(
  sender: FeedSender,
  resource: FeedResource,
  batch: FoldedBatch,
  decide: { readonly hosts: SQL; readonly machines: SQL },
): { moved: SQL; answer: SQL } {
  const feeds = feedsOf(resource);
  return {
    moved: sql`
    moved AS (
      UPDATE ${feeds} f SET cursor = ${batch.to} FROM gate
      WHERE f.cluster = ${sender.cluster} AND f.resource = ${resource}
        AND (${batch.from}::text IS NOT NULL OR ${batch.last}::boolean)
      RETURNING f.cursor
    )`,
    answer: sql`
      EXISTS (SELECT FROM holds) AS holds,
      EXISTS (SELECT FROM gate) AS passed,
      coalesce(
        (SELECT cursor FROM moved),
        (SELECT cursor FROM ${feeds} WHERE cluster = ${sender.cluster} AND resource = ${resource}),
        '') AS cursor,
      (SELECT coalesce(json_agg(uid), '[]') FROM (${decide.hosts}) d) AS touched,
      (SELECT coalesce(json_agg(uid), '[]') FROM (${decide.machines}) d) AS machines`,
  };
}

function feedsOf(resource: FeedResource): SQL {
  return isOfMachineSide(resource) ? sql`machine_feeds` : sql`feeds`;
}

function isOfMachineSide(resource: FeedResource): boolean {
  return machineResource.safeParse(resource).success;
}
