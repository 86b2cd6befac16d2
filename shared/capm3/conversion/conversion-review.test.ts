// The contract of apiextensions.k8s.io/v1: all objects in order, or none and why.
import { describe, expect, it } from "vitest";
import { reviewConversion } from "./conversion-review.ts";

const group = "infrastructure.cluster.x-k8s.io";
const machine = (name: string, spec: unknown = {}) => ({
  apiVersion: `${group}/v1beta1`,
  kind: "Metal3Machine",
  metadata: { name, namespace: "metal" },
  spec,
});

const ask = (objects: readonly unknown[], desiredAPIVersion = `${group}/v1beta2`) =>
  reviewConversion({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "ConversionReview",
    request: { uid: "u-1", desiredAPIVersion, objects },
  });

const response = (asked: ReturnType<typeof ask>) => {
  if (!asked.ok) throw new Error(asked.error.message);
  expect(asked.value).toMatchObject({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "ConversionReview",
    response: { uid: "u-1" },
  });
  return asked.value.response;
};

describe("a conversion review", () => {
  it("answers with all objects in their order", () => {
    const { convertedObjects, result } = response(
      ask(["c", "a", "b"].map((name) => machine(name))),
    );
    expect(result).toEqual({ status: "Success" });
    expect(convertedObjects.map(({ metadata }) => metadata)).toEqual([
      { name: "c", namespace: "metal" },
      { name: "a", namespace: "metal" },
      { name: "b", namespace: "metal" },
    ]);
    expect(response(ask([])).convertedObjects).toEqual([]);
  });

  it("converts none when one is wrong, and names it with its field", () => {
    const { convertedObjects, result } = response(ask([machine("good"), machine("bad", 7)]));
    expect(convertedObjects).toEqual([]);
    expect(result.status).toBe("Failure");
    expect(result.message).toMatch(/^Metal3Machine "metal\/bad": spec: /);
  });

  it("says what is wrong with each, and counts on when there are many", () => {
    const { result } = response(ask(Array.from({ length: 8 }, (_, at) => machine(`m${at}`, 7))));
    expect(result.message).toContain('"metal/m4"');
    expect(result.message).toMatch(/and 3 objects more$/);
  });

  it.each([
    ["a kind that is not ours", [{ ...machine("a"), kind: "Metal3Data" }], 'kind: "Metal3Data"'],
    ["another group", [{ ...machine("a"), apiVersion: "metal3.io/v1alpha1" }], "apiVersion: "],
    ["no object at all", [7], "object 0: (whole object): "],
    ["a name from the prototype", [{ ...machine("a"), kind: "toString" }], 'kind: "toString"'],
  ])("fails for %s", (_, objects, says) => {
    const { result } = response(ask(objects));
    expect(result.status).toBe("Failure");
    expect(result.message).toContain(says);
  });

  it("fails for a version that nobody knows", () => {
    const { result } = response(ask([machine("a")], `${group}/v1beta3`));
    expect(result.message).toContain('"infrastructure.cluster.x-k8s.io/v1beta3"');
  });

  it.each([
    [undefined, "the body: "],
    [{ kind: "AdmissionReview" }, "kind: "],
    [{ kind: "ConversionReview", apiVersion: "apiextensions.k8s.io/v1beta1" }, "apiVersion: "],
    [{ kind: "ConversionReview", apiVersion: "apiextensions.k8s.io/v1" }, "request: "],
  ])("is no answer to %j", (body, says) => {
    const asked = reviewConversion(body);
    expect(asked.ok ? "" : asked.error.message).toMatch(new RegExp(`^${says}`));
  });
});
