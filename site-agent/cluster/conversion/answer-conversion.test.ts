// What the web server says to the API server, and to whoever else comes by.
import { expect, it } from "vitest";
import { answerConversion } from "./answer-conversion.ts";

const remote = { address: "192.0.2.1", port: 1 };
const group = "infrastructure.cluster.x-k8s.io";

function ask(body: unknown, path = "/convert?timeout=30s", method = "POST") {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const { status, body: said = "" } = answerConversion({
    method,
    path,
    headers: {},
    remote,
    body: new TextEncoder().encode(text),
  });
  return { status, text: Buffer.from(said as Uint8Array).toString() };
}

it("converts what an API server asks for", () => {
  const object = {
    apiVersion: `${group}/v1beta1`,
    kind: "Metal3Cluster",
    metadata: { name: "a" },
    spec: { noCloudProvider: true },
  };
  const { status, text } = ask({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "ConversionReview",
    request: { uid: "u", desiredAPIVersion: `${group}/v1beta2`, objects: [object] },
  });
  expect(status).toBe(200);
  expect(JSON.parse(text)).toMatchObject({
    response: {
      uid: "u",
      convertedObjects: [{ spec: { cloudProviderEnabled: false } }],
      result: { status: "Success" },
    },
  });
});

it.each(["", "{", "{}", "7"])("answers %j with what is wrong", (body) => {
  const { status, text } = ask(body);
  expect(status).toBe(400);
  expect(text).toContain("This is no ConversionReview: ");
});

it("has no other path and no other method", () => {
  expect(ask({}, "/").status).toBe(404);
  expect(ask({}, "/convert", "GET").status).toBe(405);
});
