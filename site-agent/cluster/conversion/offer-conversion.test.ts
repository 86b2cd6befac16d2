// What the link writes into which definition, and what it leaves alone.
import { beforeEach, describe, expect, it } from "vitest";
import {
  conversionPlaceholder,
  convertedDefinitions,
} from "../../../shared/capm3/conversion/webhook.ts";
import { FakeKubernetes } from "../../../test/support/fake-kubernetes.ts";
import { makeSimulatedTime } from "../../../test/support/simulated-time.ts";
import { offerConversion } from "./offer-conversion.ts";

const url = "https://192.0.2.1:9443/convert";
const certPem = "-----BEGIN CERTIFICATE-----";
const caBundle = Buffer.from(certPem).toString("base64");
const pathOf = (name: string) => `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
const [cluster = "", machine = "", template = ""] = convertedDefinitions;

let api: FakeKubernetes;
let logged: string[];
let time: ReturnType<typeof makeSimulatedTime>;

beforeEach(() => {
  api = new FakeKubernetes();
  logged = [];
  time = makeSimulatedTime(0);
  for (const name of convertedDefinitions) install(name, { url: conversionPlaceholder });
});

function install(name: string, clientConfig: object | undefined): void {
  const webhook = { clientConfig, conversionReviewVersions: ["v1"] };
  const conversion =
    clientConfig === undefined ? { strategy: "None" } : { strategy: "Webhook", webhook };
  api.put(pathOf(name), { metadata: { name }, spec: { conversion, group: "kept" } });
}

const specOf = (name: string) => api.objects.get(pathOf(name))?.["spec"];

async function start(): Promise<void> {
  const say = (message: string, fields?: object) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`);
  const log = { info: say, warn: say, error: say };
  const stop = new AbortController();
  void offerConversion({ api, clock: time.clock, log }, { url, certPem }, stop.signal);
  await time.clock.advance(1);
}

describe("the offer of conversion", () => {
  it("puts URL and certificate into each definition, and keeps the rest", async () => {
    await start();
    for (const name of convertedDefinitions) {
      const webhook = { clientConfig: { url, caBundle }, conversionReviewVersions: ["v1"] };
      expect(specOf(name)).toEqual({ conversion: { strategy: "Webhook", webhook }, group: "kept" });
    }
  });

  it("takes over from the agent of before, and writes nothing when all is as it should be", async () => {
    install(machine, { url: "https://old:9443/convert", caBundle: "eA==" });
    await start();
    expect(specOf(machine)).toMatchObject({ conversion: { webhook: { clientConfig: { url } } } });
    await time.clock.advance(600_000);
    expect(api.requests.filter(({ method }) => method === "PATCH")).toHaveLength(3);
  });

  it("comes again when the definition was applied anew, and not when another agent took over", async () => {
    await start();
    install(cluster, { url: conversionPlaceholder });
    install(template, { url: "https://next:9443/convert", caBundle: "eA==" });
    await time.clock.advance(15_000);
    expect(specOf(cluster)).toMatchObject({ conversion: { webhook: { clientConfig: { url } } } });
    expect(specOf(template)).toMatchObject({
      conversion: { webhook: { clientConfig: { url: "https://next:9443/convert" } } },
    });
    expect(logged.at(-1)).toContain("elsewhere");
  });

  it.each([
    [{ service: { name: "capm3-webhook-service", namespace: "capm3-system" } }],
    [undefined],
  ])("leaves the definition of another provider alone: %j", async (clientConfig) => {
    install(machine, clientConfig);
    const before = specOf(machine);
    await start();
    expect(specOf(machine)).toEqual(before);
    expect(logged.join()).toContain("Its conversion is not Farrier's");
  });

  it("tells once what is in the way, and goes on when it is gone", async () => {
    api.refuse = ({ method }) => (method === "PATCH" ? 403 : undefined);
    await start();
    await time.clock.advance(20_000);
    expect(logged).toHaveLength(3);
    expect(logged[0]).toContain("It cannot be written (403).");
    api.refuse = () => "unreachable";
    await time.clock.advance(5_000);
    expect(logged[3]).toContain("the API server cannot be reached");
    api.refuse = () => undefined;
    api.remove(pathOf(template));
    await time.clock.advance(5_000);
    expect(logged.at(-1)).toContain("It is not installed");
    expect(specOf(machine)).toMatchObject({ conversion: { webhook: { clientConfig: { url } } } });
  });
});
