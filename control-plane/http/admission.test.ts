// Who may ask for admission, and what is answered while the database does not say who asks.
import { Hono } from "hono";
import { expect, test } from "vitest";
import { makeHost } from "../../test/support/host-world.ts";
import { makeSeededControlPlaneCrypto } from "../../test/support/seeded-crypto.ts";
import { makeManualClock } from "../../test/support/control-plane/manual-clock.ts";
import type { FleetView } from "../admission/fleet-facts.ts";
import { makeMetrics } from "../app/metrics.ts";
import { reviewAdmission } from "../admission/review.ts";
import { postAdmission } from "./admission.ts";

const calm: FleetView = {
  site: { kind: "site", name: "lab", connection: "connected", lastSeenMs: 1 },
  claimants: [],
  secrets: [],
  memory: undefined,
  hardware: undefined,
};
const skipped = "fleet checks were skipped: the database did not answer in time";

/** What is answered to a host that is created, when the store answers the token so; `passMs` go by meanwhile. */
async function ask(
  clusterOfAdmissionToken: () => Promise<string | undefined>,
  { passMs = 0, object = makeHost({}) as object } = {},
) {
  const clock = makeManualClock();
  const asked: string[] = [];
  const app = new Hono();
  app.post(
    "/:token",
    postAdmission(
      {
        store: { clusterOfAdmissionToken },
        clock,
        crypto: makeSeededControlPlaneCrypto("admission"),
        log: { info() {}, warn() {}, error() {} },
        metrics: makeMetrics(),
        fleet: {
          async lookUp({ cluster }) {
            asked.push(cluster);
            return calm;
          },
        },
      },
      reviewAdmission,
    ),
  );
  const kind = { group: "metal3.io", version: "v1alpha1", kind: "BareMetalHost" };
  const resource = { group: "metal3.io", version: "v1alpha1", resource: "baremetalhosts" };
  const request = { uid: "1", kind, resource, operation: "CREATE", namespace: "metal", object };
  const envelope = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request };
  const answering = app.request("/secret", { method: "POST", body: JSON.stringify(envelope) });
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(passMs);
  const answer = await answering;
  const { status } = answer;
  const body = (await answer.json()) as {
    readonly response?: { readonly allowed: boolean; readonly warnings?: readonly string[] };
  };
  const { allowed, warnings } = body.response ?? {};
  return { status, asked, allowed, warnings };
}

test("a cluster with a right token is answered with what the fleet knows", async () => {
  const { status, allowed, asked, warnings } = await ask(async () => "east");
  expect([status, allowed, asked]).toEqual([200, true, ["east"]]);
  expect(warnings ?? []).not.toContain(skipped);
});

test("a token of nobody is refused", async () => {
  expect((await ask(async () => undefined)).status).toBe(401);
});

test.each([
  ["fails", async () => Promise.reject(new Error("the database is down")), 0],
  ["hangs", () => new Promise<never>(() => {}), 900],
] as const)(
  "while the database %s the rules are applied, and nothing of the fleet is told [L9]",
  async (_, store, passMs) => {
    const { status, allowed, asked, warnings } = await ask(store, { passMs });
    expect([status, allowed, asked]).toEqual([200, true, []]);
    expect(warnings).toContain(skipped);
    const wrong = makeHost({ bmc: { address: "nonsense://", credentialsName: "x" } });
    expect(await ask(store, { passMs, object: wrong })).toMatchObject({ allowed: false });
  },
);
