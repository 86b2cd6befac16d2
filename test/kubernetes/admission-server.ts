// The control plane's admission behind HTTPS, without the rest of it: for tests of what an API server does with it.
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import type { FleetView } from "../../control-plane/admission/fleet-facts.ts";
import { reviewDefaults } from "../../control-plane/admission/review-defaults.ts";
import { reviewAdmission } from "../../control-plane/admission/review.ts";
import { makeCertificateAuthority } from "../../infra/preparation/certificates.ts";

export interface AdmissionServer {
  readonly url: string;
  readonly caPem: string;
  /** At once. */
  close(): Promise<void>;
}

export async function startAdmission(folder: string, view: FleetView): Promise<AdmissionServer> {
  const authority = await makeCertificateAuthority(join(folder, "ca"), "webhook tests");
  const leaf = await authority.issue({
    commonName: "hub",
    ipAddresses: ["127.0.0.1"],
    server: true,
  });
  const fleet = { lookUp: async () => view };
  const server = createServer({ key: leaf.keyPem, cert: leaf.certPem }, (request, response) => {
    void (async () => {
      const body = await json(request);
      const isDefaults = (request.url ?? "").split("?", 1)[0]?.endsWith("/defaults") === true;
      const answer = isDefaults
        ? reviewDefaults(body)
        : await reviewAdmission(body, { cluster: "east", fleet });
      response.writeHead(answer.ok ? 200 : 400, { "content-type": "application/json" });
      response.end(JSON.stringify(answer.ok ? answer.value : answer.error));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}/k8s/v1/admission/token`,
    caPem: authority.certPem,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
