// The operators' API under /admin/v1, behind one bearer token. Clusters, sites, tokens, agents, and what hosts do.
import { Hono, type MiddlewareHandler } from "hono";
import { z } from "zod";
import type { AdminStore, Bus, Crypto, Log } from "../ports.ts";
import { readJson } from "./read-json.ts";

export interface AdminDeps {
  readonly store: AdminStore;
  readonly bus: Pick<Bus, "notify">;
  readonly crypto: Crypto;
  readonly log: Log;
  /** SHA-256 of FARRIER_ADMIN_TOKEN, hex; undefined: the API is closed. */
  readonly adminTokenHash: string | undefined;
}

const name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be lower-case letters, digits and hyphens");
const named = z.strictObject({ name });
const tokenRequest = z
  .strictObject({
    site: name.optional(),
    cluster: name.optional(),
    ttlSeconds: z.number().int().min(60).max(3600).default(3600),
    approve: z.boolean().default(false),
  })
  .refine(({ site, cluster }) => site !== undefined || cluster !== undefined, {
    message: "a token is for a site, a cluster, or both",
  });
const agentStates = { approve: "approved", revoke: "revoked" } as const;

export function adminRoutes(deps: AdminDeps): Hono {
  const { store } = deps;
  return new Hono()
    .use("*", onlyAdmins(deps))
    .get("/clusters", async (c) => c.json({ clusters: await store.listClusters() }))
    .get("/sites", async (c) => c.json({ sites: await store.listSites() }))
    .get("/agents", async (c) => c.json({ agents: await store.listAgents() }))
    .get("/hosts", async (c) => {
      const { cluster, site, after: afterUid } = c.req.query();
      return c.json({ hosts: await store.listHosts({ cluster, site, afterUid }) });
    })
    .get("/machines", async (c) => {
      const { cluster, after: afterUid } = c.req.query();
      return c.json({ machines: await store.listMachines({ cluster, afterUid }) });
    })
    .get("/operations", async (c) => {
      const { host: hostUid, open } = c.req.query();
      const operations = await store.listOperations({ hostUid, openOnly: open === "1" });
      return c.json({ operations });
    })
    .post("/clusters", async (c) => {
      const body = await readJson(c, named);
      if (!body.ok) return c.json({ error: body.error.message }, 400);
      const token = deps.crypto.randomHex(24);
      const hash = await deps.crypto.sha256Hex(token);
      if (!(await store.addCluster(body.value.name, hash))) return taken(body.value.name);
      deps.log.info("cluster added", { cluster: body.value.name });
      return c.json({ ...body.value, admissionPath: `/k8s/v1/admission/${token}` }, 201);
    })
    .post("/sites", async (c) => {
      const body = await readJson(c, named);
      if (!body.ok) return c.json({ error: body.error.message }, 400);
      if (!(await store.addSite(body.value.name))) return taken(body.value.name);
      deps.log.info("site added", { site: body.value.name });
      return c.json(body.value, 201);
    })
    .post("/tokens", async (c) => {
      const body = await readJson(c, tokenRequest);
      if (!body.ok) return c.json({ error: body.error.message }, 400);
      const { site, cluster, ttlSeconds, approve } = body.value;
      const secret = deps.crypto.randomHex(32);
      const hash = await deps.crypto.sha256Hex(secret);
      const ttlMs = ttlSeconds * 1000;
      const added = await store.addToken({ hash, site, cluster, ttlMs, autoApprove: approve });
      if (!added) return c.json({ error: "no such site or cluster; add it first" }, 404);
      deps.log.info("token created", { site, cluster, ttlSeconds, approve });
      return c.json({ secret, site, cluster, ttlSeconds, approve }, 201);
    })
    .post("/agents/:id/:verb{approve|revoke}", async (c) => {
      const { id, verb } = c.req.param();
      const state = agentStates[verb as keyof typeof agentStates];
      if (!(await store.setAgentState(id, state))) return c.json({ error: "no such agent" }, 404);
      deps.log.info("agent state set", { agent: id, state });
      deps.bus.notify([`agent:${id}`, "sites"]);
      return c.json({ id, state });
    });
}

function taken(which: string): Response {
  return Response.json({ error: `${JSON.stringify(which)} exists already` }, { status: 409 });
}

/** Hashes are compared, so the time that it takes tells nothing about the token. */
function onlyAdmins(deps: AdminDeps): MiddlewareHandler {
  return async (c, next) => {
    if (deps.adminTokenHash === undefined) {
      return c.json({ error: "set FARRIER_ADMIN_TOKEN on the control plane" }, 403);
    }
    const given = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1] ?? "";
    if ((await deps.crypto.sha256Hex(given)) !== deps.adminTokenHash) return c.json({}, 401);
    return await next();
  };
}
