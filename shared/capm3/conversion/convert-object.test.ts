// Converting there and back gives the object of before, for each kind and in both directions; and the single moves.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { v1beta1Objects, v1beta2Objects } from "../../../test/support/capm3-objects.ts";
import { infrastructureGroup } from "../provider.ts";
import { convertObject } from "./convert-object.ts";

const v1beta1 = `${infrastructureGroup}/v1beta1`;
const v1beta2 = `${infrastructureGroup}/v1beta2`;

function convert(object: unknown, to: string): Record<string, unknown> {
  const result = convertObject(object, to);
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

function make(apiVersion: string, kind: string, parts: object): Record<string, unknown> {
  return { apiVersion, kind, metadata: { name: "a", namespace: "metal" }, ...parts };
}

/** What kubectl shows of the object in the other version. */
function read(object: Record<string, unknown>): Record<string, unknown> {
  return convert(object, object["apiVersion"] === v1beta1 ? v1beta2 : v1beta1);
}

describe("there and back loses nothing [M13]", () => {
  const rows = [
    ...Object.entries(v1beta1Objects).map(([kind, objects]) => [kind, v1beta1, v1beta2, objects]),
    ...Object.entries(v1beta2Objects).map(([kind, objects]) => [kind, v1beta2, v1beta1, objects]),
  ] as [string, string, string, fc.Arbitrary<Record<string, unknown>>][];

  it.each(rows)("%s from %s by way of %s", (_, from, to, objects) => {
    fc.assert(
      fc.property(objects, (object) => {
        const there = convert(object, to);
        expect(there).toMatchObject({ apiVersion: to, kind: object["kind"] });
        expect(convert(there, from)).toStrictEqual(object);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a Metal3Cluster", () => {
  const cluster = (spec: object, version = v1beta1) => make(version, "Metal3Cluster", { spec });

  it("has noCloudProvider as the opposite of cloudProviderEnabled [M13]", () => {
    expect(read(cluster({ noCloudProvider: true }))["spec"]).toEqual({
      cloudProviderEnabled: false,
    });
    expect(read(cluster({ cloudProviderEnabled: true }, v1beta2))["spec"]).toEqual({
      cloudProviderEnabled: true,
      noCloudProvider: false,
    });
  });

  it("is refused when the two contradict each other", () => {
    const both = cluster({ noCloudProvider: true, cloudProviderEnabled: true });
    expect(convertObject(both, v1beta2)).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining("spec.noCloudProvider: contradicts") },
    });
  });

  it("has its failure domains as a map, then as a list by name", () => {
    const failureDomains = { b: { controlPlane: true }, a: { attributes: { row: "1" } } };
    expect(read(cluster({ failureDomains }))["spec"]).toEqual({
      failureDomains: [
        { name: "a", attributes: { row: "1" } },
        { name: "b", controlPlane: true },
      ],
    });
  });

  it("has no endpoint in v1beta2 when v1beta1 has an empty one, and no empty list of domains", () => {
    const spec = { controlPlaneEndpoint: { host: "", port: 0 }, failureDomains: {} };
    expect(read(cluster(spec))["spec"]).toEqual({});
  });

  it("has both parts of the endpoint in v1beta1, which requires them", () => {
    const object = cluster({ controlPlaneEndpoint: { host: "api" } }, v1beta2);
    expect(read(object)["spec"]).toEqual({ controlPlaneEndpoint: { host: "api", port: 0 } });
  });

  it("has ready as initialization.provisioned, and the failure where it is deprecated", () => {
    const status = { ready: true, failureReason: "Broken", failureMessage: "for good" };
    expect(read(make(v1beta1, "Metal3Cluster", { status }))["status"]).toEqual({
      initialization: { provisioned: true },
      deprecated: { v1beta1: { failureReason: "Broken", failureMessage: "for good" } },
    });
  });
});

describe("a Metal3Machine", () => {
  const image = { url: "http://images/a", checksum: "0" };
  const machine = (parts: object, version = v1beta1) => make(version, "Metal3Machine", parts);

  it("has image.format as image.diskFormat [M13]", () => {
    const old = machine({ spec: { image: { ...image, format: "qcow2" } } });
    expect(read(old)["spec"]).toEqual({ image: { ...image, diskFormat: "qcow2" } });
    const fresh = machine({ spec: { image: { ...image, diskFormat: "raw" } } }, v1beta2);
    expect(read(fresh)["spec"]).toEqual({ image: { ...image, format: "raw" } });
  });

  it("takes what v1beta1 writes as empty for unset", () => {
    const spec = {
      providerID: "",
      failureDomain: "",
      dataTemplate: { name: "" },
      hostSelector: { matchExpressions: [] },
      image: { ...image, format: "" },
    };
    expect(read(machine({ spec }))["spec"]).toEqual({ hostSelector: {}, image });
  });

  it("has each version's conditions at the other's side place", () => {
    const [old, fresh] = [[{ type: "Old" }], [{ type: "New" }]];
    const status = { conditions: old, v1beta2: { conditions: fresh } };
    expect(read(machine({ status }))["status"]).toEqual({
      conditions: fresh,
      deprecated: { v1beta1: { conditions: old } },
    });
  });

  it("loses the phase that was kept once its status has changed, and the uid of another reference", () => {
    const dataTemplate = { name: "data", uid: "u" };
    const status = { phase: "Running", lastUpdated: "2026-01-01T00:00:00Z" };
    const stored = read(machine({ spec: { dataTemplate }, status }));
    expect(stored["spec"]).toEqual({ dataTemplate: { name: "data" } });
    expect(stored["status"]).toEqual({ lastUpdated: "2026-01-01T00:00:00Z" });
    const changed = {
      ...stored,
      spec: { dataTemplate: { name: "other" } },
      status: { lastUpdated: "2026-01-02T00:00:00Z" },
    };
    expect(read(changed)).toEqual(machine({ spec: changed.spec, status: changed.status }));
  });

  it("is handed on with fields that nobody knows", () => {
    const parts = {
      spec: { image, novel: { deep: [1] } },
      status: { observedGeneration: 3 },
      more: 1,
    };
    expect(read(machine(parts))).toEqual(machine(parts, v1beta2));
  });

  it.each(["{", "7", '{"spec.dataTemplate":7}', '{"status.phase":{"phase":1}}'])(
    "takes no harm from the annotation %s",
    (text) => {
      const object = machine({ spec: { image } }, v1beta2);
      const metadata = {
        name: "a",
        annotations: { "farrier.dev/only-in-v1beta1": text, own: "1" },
      };
      expect(read({ ...object, metadata })).toEqual({
        ...machine({ spec: { image } }),
        metadata: { name: "a", annotations: { own: "1" } },
      });
    },
  );

  it.each([
    [{ spec: 7 }, "spec: "],
    [{ spec: { image: [] } }, "spec.image: "],
    [{ status: { conditions: "x" } }, "status.conditions: "],
  ])("is refused with the field when it is %j", (parts, says) => {
    const result = convertObject(machine(parts), v1beta2);
    expect(result.ok ? "" : result.error.message).toContain(says);
  });
});
