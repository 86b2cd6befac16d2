// Hop 1 of 8: an AdmissionReview of a kube-apiserver; next: the apiserver stores the object, and hop 2
// (site-agent/cluster/watch) brings it here. Finds out whose it is; what is answered is the reviewer's.
import type { Context } from "hono";
import type { Metrics } from "../app/metrics.ts";
import type { AdminStore, Crypto, Log } from "../ports.ts";
import { reviewAdmission } from "../admission/review.ts";
import type { FleetFacts } from "../admission/fleet-facts.ts";

export interface AdmissionDeps {
  readonly store: Pick<AdminStore, "clusterOfAdmissionToken">;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly fleet: FleetFacts;
}

export function postAdmission(deps: AdmissionDeps) {
  return async (c: Context): Promise<Response> => {
    const hash = await deps.crypto.sha256Hex(c.req.param("token") ?? "");
    const cluster = await deps.store.clusterOfAdmissionToken(hash);
    if (cluster === undefined) return count(deps, "unauthorized", c.json({}, 401));
    let body: unknown;
    try {
      body = await c.req.json();
    } catch {
      return count(deps, "malformed", c.json({ error: "the body is not JSON" }, 400));
    }
    const reviewed = await reviewAdmission(body, { cluster, fleet: deps.fleet });
    if (!reviewed.ok) {
      return count(deps, "malformed", c.json({ error: reviewed.error.message }, 400));
    }
    return count(deps, "answered", c.json(reviewed.value));
  };
}

function count(deps: AdmissionDeps, answer: string, response: Response): Response {
  deps.metrics.count("farrier_admission_total", { answer });
  return response;
}
