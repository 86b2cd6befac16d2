// Whether this instance lives, and whether it can do its work.
import type { Context } from "hono";
import type { Bus } from "../ports.ts";

export interface HealthDeps {
  readonly bus: Pick<Bus, "mode">;
  /** Whether the database answers. */
  readonly ping: () => Promise<boolean>;
}

/** Answers fast and without the database: platforms ask here before they route to an instance. */
export function health(c: Context): Response {
  return c.json({ ok: true });
}

export function readiness(deps: HealthDeps) {
  return async (c: Context): Promise<Response> => {
    const database = await deps.ping();
    const notifications = deps.bus.mode();
    return c.json(
      { ready: database, database: database ? "answers" : "does not answer", notifications },
      database ? 200 : 503,
    );
  };
}
