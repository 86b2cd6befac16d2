// Hop 1 of 8: an AdmissionReview of a kube-apiserver; next: the apiserver stores the object, and hop 2
// (site-agent/cluster/watch) brings it here. Finds out whose it is; what is answered is the reviewer's. While the
// database is away nobody can tell whose it is: then only the rules are applied that anybody may read.
import type { Context } from "hono";
import type { Metrics } from "../app/metrics.ts";
import type { AdminStore, Clock, Crypto, Log } from "../ports.ts";
import { answerWithin } from "../app/answer-within.ts";
import type { Result } from "../../shared/result.ts";
import type { AdmissionAnswer } from "../admission/admission-review.ts";
import type { AdmissionDeps as Caller } from "../admission/review.ts";
import type { FleetFacts } from "../admission/fleet-facts.ts";

export interface AdmissionDeps {
  readonly store: Pick<AdminStore, "clusterOfAdmissionToken">;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly fleet: FleetFacts;
}

type Review = (
  body: unknown,
  caller: Caller,
) => Result<AdmissionAnswer, "envelope"> | Promise<Result<AdmissionAnswer, "envelope">>;

export function postAdmission(deps: AdmissionDeps, review: Review) {
  return async (c: Context): Promise<Response> => {
    const caller = await findCaller(deps, c.req.param("token") ?? "");
    if (caller === undefined) return count(deps, "unauthorized", c.json({}, 401));
    let body: unknown;
    try {
      body = await c.req.json();
    } catch {
      return count(deps, "malformed", c.json({ error: "the body is not JSON" }, 400));
    }
    const reviewed = await review(body, caller);
    if (!reviewed.ok) {
      return count(deps, "malformed", c.json({ error: reviewed.error.message }, 400));
    }
    return count(deps, "answered", c.json(reviewed.value));
  };
}

/** Of the token's look-up; with that of the fleet well below the webhook's 3 s. */
const withinMs = 900;
const nothingKnown: FleetFacts = { lookUp: async () => undefined };

/** Undefined: whoever asks has no right to. */
async function findCaller(
  { store, clock, crypto, log, fleet }: AdmissionDeps,
  token: string,
): Promise<Caller | undefined> {
  const asked = store.clusterOfAdmissionToken(await crypto.sha256Hex(token)).then(
    (name) => ({ name }),
    (thrown: unknown) => {
      log.error("cluster not read", { reason: String(thrown) });
      return "late" as const;
    },
  );
  const cluster = await answerWithin(clock, withinMs, asked);
  if (cluster === "late") return { cluster: "", fleet: nothingKnown };
  return cluster.name === undefined ? undefined : { cluster: cluster.name, fleet };
}

function count(deps: AdmissionDeps, answer: string, response: Response): Response {
  deps.metrics.count("farrier_admission_total", { answer });
  return response;
}
