// Admission of hosts as kube-apiserver asks for it: the envelope, refusals with all problems at once, warnings
// with the plan of what will be erased. Rows in brackets: W upstream's rules, B the bad-input catalogue.
import { expect, test } from "vitest";
import { hardware, image, makeHost, makeHostWorld } from "../../test/support/host-world.ts";
import type { BareMetalHost } from "../../shared/metal3/bare-metal-host.ts";
import type { FleetView } from "./fleet-facts.ts";
import { reviewAdmission } from "./review.ts";

const calm: FleetView = {
  site: { kind: "site", name: "lab", connection: "connected", lastSeenMs: 1 },
  claimants: [],
  secrets: [],
  memory: undefined,
  hardware: undefined,
};

interface Ask {
  readonly object?: unknown;
  readonly oldObject?: unknown;
  readonly operation?: string;
  readonly request?: object;
  readonly view?: FleetView | undefined;
}

const review = async ({ object, oldObject, operation = "CREATE", request, ...rest }: Ask) => {
  const asked: unknown[] = [];
  const answer = await reviewAdmission(
    {
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: {
        uid: "review-1",
        kind: { group: "metal3.io", version: "v1alpha1", kind: "BareMetalHost" },
        resource: { group: "metal3.io", version: "v1alpha1", resource: "baremetalhosts" },
        operation,
        name: "metal-0",
        namespace: "metal",
        object,
        oldObject: oldObject ?? null,
        ...request,
      },
    },
    {
      cluster: "east",
      fleet: {
        lookUp: async (question) => {
          asked.push(question);
          return "view" in rest ? rest.view : calm;
        },
      },
    },
  );
  if (!answer.ok) throw new Error(answer.error.message);
  const { response } = answer.value;
  return {
    allowed: response.allowed,
    message: response.status?.message ?? "",
    warnings: (response.warnings ?? []).join("\n"),
    uid: response.uid,
    asked,
  };
};

const update = (object: unknown, oldObject: unknown, view?: FleetView) =>
  review({ object, oldObject, operation: "UPDATE", ...(view === undefined ? {} : { view }) });

const provisioned = (): BareMetalHost => {
  const world = makeHostWorld(makeHost({ image }));
  world.reach("provisioned");
  return world.host;
};

const bad = makeHost({ image: { url: "file:///x" }, bootMode: "UEFISecureBoot" });

test("admission refuses with every problem at once and names the fields", async () => {
  const { allowed, message, uid } = await review({ object: bad });
  expect(allowed).toBe(false);
  expect(uid).toBe("review-1");
  expect(message).toContain("spec.image.url");
  expect(message).toContain("spec.image.checksum");
  expect(message).toContain("spec.bootMode");
});

test("admission accepts a created object that has neither uid nor resourceVersion yet", async () => {
  const { uid: _, resourceVersion: __, namespace: ___, ...metadata } = makeHost().metadata;
  const { allowed, asked } = await review({ object: { ...makeHost(), metadata } });
  expect(allowed).toBe(true);
  expect(asked).toMatchObject([{ cluster: "east", namespace: "metal", uid: undefined }]);
});

test("admission warns on creation that cleaning erases all disks", async () => {
  expect((await review({ object: makeHost() })).warnings).toContain("ALL disks");
  const kept = makeHost({ automatedCleaningMode: "disabled" });
  expect((await review({ object: kept })).warnings).toBe("");
  const external = makeHost({ externallyProvisioned: true });
  expect((await review({ object: external })).warnings).toBe("");
});

test("admission names disk, size and serial when a change will erase and write, on dry runs too", async () => {
  const old = provisioned();
  const object = { ...old, spec: { ...old.spec, image: { ...image, url: "http://h/new.img" } } };
  const { allowed, warnings } = await review({
    object,
    oldObject: old,
    operation: "UPDATE",
    request: { dryRun: true },
    view: { ...calm, hardware },
  });
  expect(allowed).toBe(true);
  expect(warnings).toContain("erases /dev/sda (serial D-1, 20.0 GiB)");
  expect(warnings).toContain("erases /dev/sdb (serial D-2, 40.0 GiB)");
  expect(warnings).toContain("http://h/new.img will be written over /dev/sda (serial D-1");
});

test("admission plans nothing when a change erases nothing", async () => {
  const old = provisioned();
  const object = { ...old, metadata: { ...old.metadata, labels: { rack: "7" } } };
  expect((await update(object, old)).warnings).toBe("");
});

test("admission refuses changes that the table forbids [W23 W24 W25]", async () => {
  const old = provisioned();
  const bmc = { address: "ipmi://192.0.2.99", credentialsName: "c" };
  const spec = {
    ...old.spec,
    bmc,
    bootMACAddress: "52:54:00:00:00:02",
    externallyProvisioned: true,
  };
  const { allowed, message } = await update({ ...old, spec }, old);
  expect(allowed).toBe(false);
  expect(message).toContain("detach the host first");
  expect(message).toContain("bootMACAddress can not be changed once it is set");
  expect(message).toContain("spec.externallyProvisioned");
});

test("admission lets an object be edited that broke a rule before, and warns", async () => {
  const labelled = { ...bad, metadata: { ...bad.metadata, labels: { rack: "7" } } };
  const { allowed, warnings } = await update(labelled, bad);
  expect(allowed).toBe(true);
  expect(warnings).toContain("spec.image.url");
});

test("admission never refuses an object that is being deleted", async () => {
  const metadata = { ...bad.metadata, deletionTimestamp: "2026-11-01T12:00:00Z" };
  expect((await update({ ...bad, metadata }, makeHost())).allowed).toBe(true);
  expect((await review({ object: null, oldObject: bad, operation: "DELETE" })).allowed).toBe(true);
});

const claimant = (namespace: string) => ({
  claim: { kind: "mac" as const, value: "52:54:00:00:00:01" },
  cluster: "east",
  namespace,
  name: "twin",
});

test("admission refuses a MAC that a host of the namespace has, and names it [B11]", async () => {
  const view = { ...calm, claimants: [claimant("metal")] };
  const { allowed, message } = await review({ object: makeHost(), view });
  expect(allowed).toBe(false);
  expect(message).toContain('"twin"');
});

test("admission tells of a twin in another namespace without its name [S43]", async () => {
  const view = { ...calm, claimants: [claimant("secret-tenant")] };
  const { allowed, warnings } = await review({ object: makeHost(), view });
  expect(allowed).toBe(true);
  expect(warnings).toContain("is used by another host");
  expect(warnings).not.toMatch(/twin|secret-tenant/);
});

test.each(["baremetalhost.metal3.io/paused", "baremetalhost.metal3.io/status"])(
  "admission accepts a twin that carries %s, because it is being moved",
  async (key) => {
    const status = JSON.stringify(provisioned().status);
    const object = makeHost({}, { annotations: { [key]: status } });
    const view = { ...calm, claimants: [claimant("metal")] };
    const { allowed, warnings } = await review({ object, view });
    expect(allowed).toBe(true);
    expect(warnings).toBe("");
  },
);

test("admission accepts an edit of a host whose twin exists already", async () => {
  const view = { ...calm, claimants: [claimant("metal")] };
  const { allowed, warnings } = await update(makeHost({ online: false }), makeHost(), view);
  expect(allowed).toBe(true);
  expect(warnings).toContain('used by host "twin"');
});

test("admission warns of a site that is not heard and of a missing Secret", async () => {
  const view: FleetView = {
    ...calm,
    site: { kind: "site", name: "lab", connection: "unreachable", lastSeenMs: 1 },
    secrets: [{ hostUid: "u", purpose: "userData", name: "cloud", found: false }],
  };
  const { allowed, warnings } = await review({ object: makeHost(), view });
  expect(allowed).toBe(true);
  expect(warnings).toContain("site lab is unreachable");
  expect(warnings).toContain('Secret "cloud" for userData does not exist');
});

test("admission allows with a warning when the fleet cannot be asked in time [L9]", async () => {
  const { allowed, warnings } = await review({ object: makeHost(), view: undefined });
  expect(allowed).toBe(true);
  expect(warnings).toContain("fleet checks were skipped");
});

test("admission refuses a form that the schema does not have, and names the field", async () => {
  const object = { ...makeHost(), spec: { ...makeHost().spec, bootMode: "BIOS" } };
  const { allowed, message } = await review({ object });
  expect(allowed).toBe(false);
  expect(message).toContain("spec.bootMode");
});

test("admission allows what no rule is about [B58]", async () => {
  const status = await review({ object: bad, request: { subResource: "status" } });
  expect(status).toMatchObject({ allowed: true, asked: [] });
  const resource = { group: "metal3.io", version: "v1alpha1", resource: "hardwaredata" };
  expect((await review({ object: bad, request: { resource } })).allowed).toBe(true);
});

test.each([
  [null, "not a JSON object"], // B55
  [[], "not a JSON object"],
  [{ apiVersion: "admission.k8s.io/v1beta1", kind: "AdmissionReview" }, '["v1"]'], // B67
  [{ apiVersion: "admission.k8s.io/v1", kind: "Pod" }, "AdmissionReview"], // B56
  [{ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" }, "request"],
  [{ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request: {} }, "request.uid"],
])("admission cannot answer %j", async (body, says) => {
  const fleet = { lookUp: async () => calm };
  const answer = await reviewAdmission(body, { cluster: "east", fleet });
  expect(answer).toMatchObject({ ok: false, error: { kind: "envelope" } });
  expect(answer.ok ? "" : answer.error.message).toContain(says);
});
