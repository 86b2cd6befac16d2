// Admission of the cluster-api provider kinds, each row of the behaviour by its number; a template is judged as what
// is made from it.
import { describe, expect, it } from "vitest";
import { infrastructureGroup } from "../../shared/capm3/provider.ts";
import { reviewAdmission } from "./review.ts";

const image = { url: "http://images.example/a.qcow2", checksum: "0".repeat(64) };
const oci = { url: "oci://registry.example/a:1" };
const elsewhere = { name: "x", namespace: "kube-system" };

interface Ask {
  readonly kind: string;
  readonly spec?: unknown;
  readonly before?: unknown;
  readonly metadata?: object;
}

async function review({ kind, spec, before, metadata = {} }: Ask) {
  const version = { group: infrastructureGroup, version: "v1beta2" };
  const make = (given: unknown) => ({
    apiVersion: `${infrastructureGroup}/v1beta2`,
    kind,
    metadata: { name: "a", namespace: "metal", ...metadata },
    ...(given === undefined ? {} : { spec: given }),
  });
  const answer = await reviewAdmission(
    {
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: {
        uid: "r",
        kind: { ...version, kind },
        resource: { ...version, resource: `${kind.toLowerCase()}s` },
        operation: before === undefined ? "CREATE" : "UPDATE",
        namespace: "metal",
        object: make(spec),
        oldObject: before === undefined ? null : make(before),
      },
    },
    {
      cluster: "east",
      fleet: {
        lookUp: async () => {
          throw new Error("the fleet is not asked about these kinds");
        },
      },
    },
  );
  if (!answer.ok) throw new Error(answer.error.message);
  const { allowed, status, warnings = [] } = answer.value.response;
  return { allowed, message: status?.message ?? "", warnings: warnings.join("\n") };
}

const machine = (spec: unknown) => review({ kind: "Metal3Machine", spec });
const template = (spec: unknown) =>
  review({ kind: "Metal3MachineTemplate", spec: { template: { spec } } });

describe("a machine and a template are refused", () => {
  it.each([
    ["M09", "without checksum", { image: { url: image.url } }, "image.checksum: is missing"],
    [
      "M09",
      "with an empty one",
      { image: { ...image, checksum: "" } },
      "image.checksum: is missing",
    ],
    [
      "M09",
      "with a checksum URL that is none",
      { image: { ...image, checksum: "http://a b/" } },
      'image.checksum: "http://a b/" is not a URL',
    ],
    [
      "M10",
      "with a checksum for an OCI image",
      { image: { ...oci, checksum: "0" } },
      "image.checksum: must not be given",
    ],
    [
      "M10",
      "with a checksum type for an OCI image",
      { image: { ...oci, checksumType: "md5" } },
      "image.checksumType: must not be given",
    ],
    ["M11", "with neither image nor customDeploy", {}, "image: is required, or customDeploy"],
    ["M12", "userData", { image, userData: elsewhere }, "userData.namespace: Forbidden"],
    ["M12", "metaData", { image, metaData: elsewhere }, "metaData.namespace: Forbidden"],
    ["M12", "networkData", { image, networkData: elsewhere }, "networkData.namespace: Forbidden"],
    [
      "M12",
      "dataTemplate",
      { image, dataTemplate: elsewhere },
      "dataTemplate.namespace: Forbidden",
    ],
  ])("[%s] %s", async (_row, _what, spec, says) => {
    expect((await machine(spec)).message).toContain(`spec.${says}`);
    expect((await template(spec)).message).toContain(`spec.template.spec.${says}`);
  });

  it("with all problems at once", async () => {
    const spec = { image: { ...oci, checksum: "0" }, userData: elsewhere, metaData: elsewhere };
    const { message } = await machine(spec);
    for (const field of ["image.checksum", "userData", "metaData"]) {
      expect(message).toContain(`spec.${field}`);
    }
  });

  it.each([
    [{ image: { checksum: "0" } }, "spec.image.url: "],
    [
      { image, hostSelector: { matchExpressions: [{ key: "a" }] } },
      "matchExpressions.0.operator: ",
    ],
    [{ image, failureDomain: "x".repeat(257) }, "spec.failureDomain: "],
  ])("when it has not the form: %j", async (spec, says) => {
    const { allowed, message } = await machine(spec);
    expect(allowed).toBe(false);
    expect(message).toContain(says);
  });
});

describe("a machine and a template are accepted", () => {
  it.each([
    ["M09", "a live ISO without checksum", { image: { url: image.url, diskFormat: "live-iso" } }],
    ["M09", "an OCI image without checksum", { image: oci }],
    ["M09", "the URL of a checksum file", { image: { ...image, checksum: "https://sums/a" } }],
    ["M11", "customDeploy alone", { customDeploy: { method: "mine" } }],
    ["M11", "customDeploy, whatever the image", { customDeploy: { method: "m" }, image: oci }],
    ["M12", "its own namespace", { image, userData: { name: "x", namespace: "metal" } }],
    ["M12", "no namespace", { image, dataTemplate: { name: "x" } }],
  ])("[%s] %s", async (_row, _what, spec) => {
    expect(await machine(spec)).toEqual({ allowed: true, message: "", warnings: "" });
    expect(await template(spec)).toEqual({ allowed: true, message: "", warnings: "" });
  });
});

describe("a cluster", () => {
  const cluster = (spec: unknown) => review({ kind: "Metal3Cluster", spec });
  const form = (spec: unknown) =>
    review({ kind: "Metal3ClusterTemplate", spec: { template: { spec } } });
  const host = { host: "api.example" };

  it("is refused without a host [M06]", async () => {
    for (const spec of [undefined, {}, { controlPlaneEndpoint: { port: 6443 } }]) {
      const { allowed, message } = await cluster(spec);
      expect(allowed).toBe(false);
      expect(message).toContain("spec.controlPlaneEndpoint.host: is required");
    }
    expect((await cluster({ controlPlaneEndpoint: host })).allowed).toBe(true);
  });

  it("needs host and port in a template, which gets no default [M06]", async () => {
    expect((await form({ controlPlaneEndpoint: host })).message).toContain(
      "spec.template.spec.controlPlaneEndpoint.port: is required in a template",
    );
    expect((await form({})).message).toContain("controlPlaneEndpoint.host: is required");
    expect((await form({ controlPlaneEndpoint: { ...host, port: 1 } })).allowed).toBe(true);
  });
});

describe("what was there before", () => {
  const kind = "Metal3Machine";
  const wrong = { image: { url: image.url } };

  it("is a warning at a later change, and a new problem is a refusal", async () => {
    const labelled = await review({ kind, spec: wrong, before: wrong });
    expect(labelled).toMatchObject({ allowed: true });
    expect(labelled.warnings).toContain("spec.image.checksum: is missing");
    const worse = await review({ kind, spec: { ...wrong, userData: elsewhere }, before: wrong });
    expect(worse).toMatchObject({ allowed: false });
    expect(worse.message).not.toContain("checksum");
  });

  it("is never refused while it is being deleted", async () => {
    const metadata = { deletionTimestamp: "2026-01-01T00:00:00Z" };
    expect((await review({ kind, spec: 7, before: {}, metadata })).allowed).toBe(true);
  });
});
