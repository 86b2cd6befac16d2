// POST /agents/enrol: a token for an identity.
import type { Context } from "hono";
import { enrolRequest } from "../../shared/protocol/enrolment.ts";
import { enrolAgent, type EnrolDeps } from "../app/enrol-agent.ts";
import { readJson } from "./read-json.ts";

export type EnrolmentDeps = EnrolDeps;

/** Who shows a token that never was learns nothing; the holder of a real one learns what is wrong with it. */
const statuses = { unknown: 401, used: 409, expired: 410, key: 400 } as const;

export function postEnrolment(deps: EnrolmentDeps) {
  return async (c: Context): Promise<Response> => {
    const request = await readJson(c, enrolRequest);
    if (!request.ok) return c.json({ error: request.error.message }, 400);
    const answer = await enrolAgent(deps, request.value);
    if (answer.ok) return c.json(answer.value);
    return c.json({ error: answer.error.message }, statuses[answer.error.kind]);
  };
}
