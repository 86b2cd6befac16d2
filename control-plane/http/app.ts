// The route table. Each group is a file of this folder; WebSocket upgrade, store and time come in. Paths with a
// token in them are never logged.
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Metrics } from "../app/metrics.ts";
import { reviewDefaults } from "../admission/review-defaults.ts";
import { reviewAdmission } from "../admission/review.ts";
import { postAdmission, type AdmissionDeps } from "./admission.ts";
import { adminRoutes, type AdminDeps } from "./admin.ts";
import { postEnrolment, type EnrolmentDeps } from "./enrolment.ts";
import { postFeed, postNodes, postSecrets, sessionOfCluster, type FeedDeps } from "./feed.ts";
import { health, readiness, type HealthDeps } from "./health.ts";
import { checkLinkRequest, linkEvents, type LinkDeps, type UpgradeWebSocket } from "./link.ts";

export type AppDeps = AdmissionDeps &
  AdminDeps &
  EnrolmentDeps &
  FeedDeps &
  HealthDeps &
  LinkDeps & {
    readonly metrics: Metrics;
    readonly upgradeWebSocket: UpgradeWebSocket;
  };

const mebibyte = 1024 * 1024;
const upTo = (maxSize: number) =>
  bodyLimit({ maxSize, onError: (c) => c.json({ error: `body over ${maxSize} bytes` }, 413) });

export function createApp(deps: AppDeps): Hono {
  const app = new Hono();
  app.get("/", (c) => c.text("Farrier control plane\n"));
  app.get("/healthz", health);
  app.get("/readyz", readiness(deps));
  app.get("/metrics", (c) => c.text(deps.metrics.text()));
  // An AdmissionReview may carry two objects of 3 MiB, which is what kube-apiserver takes.
  const review = upTo(8 * mebibyte);
  app.post("/k8s/v1/admission/:token", review, postAdmission(deps, reviewAdmission));
  app.post("/k8s/v1/admission/:token/defaults", review, postAdmission(deps, reviewDefaults));
  app.use("/clusters/:cluster/*", sessionOfCluster(deps));
  app.post("/clusters/:cluster/feed/:resource", upTo(32 * mebibyte), postFeed(deps));
  app.post("/clusters/:cluster/secrets", upTo(32 * mebibyte), postSecrets(deps));
  app.post("/clusters/:cluster/nodes", upTo(mebibyte), postNodes(deps));
  app.post("/agents/enrol", upTo(16 * 1024), postEnrolment(deps));
  app.get("/link/v1", checkLinkRequest, deps.upgradeWebSocket(linkEvents(deps)));
  app.route("/admin/v1", adminRoutes(deps));
  app.notFound((c) => c.json({ error: "no such path" }, 404));
  app.onError((thrown, c) => {
    const { method } = c.req;
    deps.log.error("request failed", { method, reason: String(thrown).slice(0, 500) });
    return c.json({ error: "try again" }, 503, { "retry-after": "2" });
  });
  return app;
}
