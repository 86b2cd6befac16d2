// What is filled in and taken out, and that nothing else is touched.
import { describe, expect, it } from "vitest";
import { reviewDefaults } from "./review-defaults.ts";

const group = "infrastructure.cluster.x-k8s.io";

function ask(resource: string, object: unknown, more: object = {}): unknown {
  const version = { group: resource === "baremetalhosts" ? "metal3.io" : group, version: "v1" };
  const answer = reviewDefaults({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "r",
      kind: { ...version, kind: "Any" },
      resource: { ...version, resource },
      operation: "CREATE",
      object,
      ...more,
    },
  });
  if (!answer.ok) throw new Error(answer.error.message);
  const { allowed, patch, patchType } = answer.value.response;
  expect(allowed).toBe(true);
  expect(patchType).toBe(patch === undefined ? undefined : "JSONPatch");
  return patch === undefined ? [] : JSON.parse(Buffer.from(patch, "base64").toString("utf8"));
}

describe("a cluster gets", () => {
  const port = { op: "add", path: "/spec/controlPlaneEndpoint/port", value: 6443 };
  const enabled = { op: "add", path: "/spec/cloudProviderEnabled", value: false };

  it.each([
    ["both", { controlPlaneEndpoint: { host: "h" } }, [enabled, port]],
    ["no port without an endpoint", {}, [enabled]],
    ["what it has", { cloudProviderEnabled: true, controlPlaneEndpoint: { port: 1 } }, []],
    ["a value for null", { cloudProviderEnabled: null }, [enabled]],
    ["nothing where nothing is to be judged", undefined, []],
    ["nothing where it is no object", 7, []],
  ])("[M05] %s", (_, spec, patch) => {
    expect(ask("metal3clusters", { metadata: {}, spec })).toEqual(patch);
  });

  it("nothing while it is being deleted, in its status, or as a template", () => {
    const spec = { controlPlaneEndpoint: { host: "h" } };
    const metadata = { deletionTimestamp: "2026-01-01T00:00:00Z" };
    expect(ask("metal3clusters", { metadata, spec })).toEqual([]);
    expect(ask("metal3clusters", { spec }, { subResource: "status" })).toEqual([]);
    expect(ask("metal3clustertemplates", { spec: { template: { spec } } })).toEqual([]);
  });
});

describe("an empty text is taken out of", () => {
  it("the image of a host [M81]", () => {
    const image = { url: "http://a", format: "", checksum: "" };
    expect(ask("baremetalhosts", { spec: { image } })).toEqual([
      { op: "remove", path: "/spec/image/format" },
    ]);
    expect(ask("baremetalhosts", { spec: { image: { ...image, format: "raw" } } })).toEqual([]);
  });

  it("the image of a machine and of a template", () => {
    const spec = { image: { diskFormat: "", checksumType: "" } };
    expect(ask("metal3machines", { spec })).toEqual([
      { op: "remove", path: "/spec/image/diskFormat" },
      { op: "remove", path: "/spec/image/checksumType" },
    ]);
    expect(ask("metal3machinetemplates", { spec: { template: { spec } } })).toContainEqual({
      op: "remove",
      path: "/spec/template/spec/image/diskFormat",
    });
  });
});

it("what is no AdmissionReview is no question", () => {
  expect(reviewDefaults({ kind: "ConversionReview" })).toMatchObject({ ok: false });
});
