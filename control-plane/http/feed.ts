// The watch webhooks of a cluster link. The session's bearer authorises, for its own cluster only; what is stored
// is fenced by the session's epoch.
import type { MiddlewareHandler } from "hono";
import type { Context } from "hono";
import { feedBatch, feedResource, nodesBody, secretsBody } from "../../shared/protocol/feed.ts";
import type { FeedAnswer, FeedBatch, SecretsAnswer } from "../../shared/protocol/feed.ts";
import { recordFeed, recordNodes, recordSecrets, type RecordDeps } from "../app/record-desired.ts";
import type { Crypto, FeedSender, LinkStore } from "../ports.ts";
import { readJson } from "./read-json.ts";

export interface FeedDeps extends RecordDeps {
  readonly links: Pick<LinkStore, "sessionOfToken">;
  readonly crypto: Crypto;
}

interface FeedVariables {
  Variables: { sender: FeedSender };
}

/** 401: no current session has this token. 403: it is another cluster's. */
export function sessionOfCluster(deps: FeedDeps): MiddlewareHandler<FeedVariables> {
  return async (c, next) => {
    const token = /^Bearer ([0-9a-f]{64})$/.exec(c.req.header("authorization") ?? "")?.[1];
    const sender =
      token === undefined
        ? undefined
        : await deps.links.sessionOfToken(await deps.crypto.sha256Hex(token));
    if (sender === undefined) return c.json({ error: "open a session first" }, 401);
    if (sender.cluster !== c.req.param("cluster")) {
      return c.json({ error: "this session is of another cluster" }, 403);
    }
    c.set("sender", sender);
    return await next();
  };
}

export function postFeed(deps: FeedDeps) {
  return async (c: Context<FeedVariables>): Promise<Response> => {
    const resource = feedResource.safeParse(c.req.param("resource"));
    if (!resource.success) return c.json({ error: "this resource is not followed" }, 404);
    const batch = await readJson(c, feedBatch);
    if (!batch.ok) return c.json({ error: batch.error.message }, 400);
    const odd = oddVersion(batch.value);
    if (odd !== undefined) {
      return c.json({ error: `${odd}: a resourceVersion is a decimal number` }, 400);
    }
    const outcome = await recordFeed(deps, c.get("sender"), resource.data, batch.value);
    if (outcome.kind === "fenced") {
      return c.json({ error: "another session acts for this cluster" }, 403);
    }
    const answer: FeedAnswer = { cursor: outcome.cursor };
    return c.json(answer, outcome.kind === "stored" ? 200 : 409);
  };
}

/**
 * Versions are compared as numbers (Kubernetes guarantees that within a resource since 1.35, and did it before).
 * A watch's own from and to are only compared for equality, or taken over from its events.
 */
function oddVersion(batch: FeedBatch): string | undefined {
  const isDecimal = (text: string) => /^\d{1,40}$/.test(text);
  if (batch.kind === "list" && !isDecimal(batch.resourceVersion)) return "resourceVersion";
  if (batch.kind === "watch" && batch.events.length > 0 && !isDecimal(batch.toResourceVersion)) {
    return "toResourceVersion";
  }
  const objects = batch.kind === "list" ? batch.items : batch.events.map(({ object }) => object);
  const at = objects.findIndex(({ metadata }) => !isDecimal(metadata.resourceVersion));
  return at < 0 ? undefined : `object ${at}`;
}

export function postSecrets(deps: FeedDeps) {
  return async (c: Context<FeedVariables>): Promise<Response> => {
    const body = await readJson(c, secretsBody);
    if (!body.ok) return c.json({ error: body.error.message }, 400);
    const hosts = await recordSecrets(deps, c.get("sender").cluster, body.value.facts);
    return c.json({ hosts: [...hosts] } satisfies SecretsAnswer);
  };
}

export function postNodes(deps: FeedDeps) {
  return async (c: Context<FeedVariables>): Promise<Response> => {
    const body = await readJson(c, nodesBody);
    if (!body.ok) return c.json({ error: body.error.message }, 400);
    await recordNodes(deps, c.get("sender").cluster, body.value.facts);
    return c.json({});
  };
}
