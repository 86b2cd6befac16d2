// The client of the Kubernetes API against a real HTTPS server: which connections it keeps.
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { certPem, keyPem } from "../../test/support/test-certificate.ts";
import type { KubernetesApi } from "../cluster/port.ts";
import { makeNodeKubernetes } from "./node-kubernetes.ts";

let server: Server;
let directory: string;
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true });
});

const base64 = (text: string) => Buffer.from(text).toString("base64");

/** An API that notes the ports from which it was asked. */
async function connect(ports: (number | undefined)[]): Promise<KubernetesApi> {
  server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    ports.push(request.socket.remotePort);
    response.end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  directory = await mkdtemp(join(tmpdir(), "farrier-kubeconfig-"));
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    clusters: [
      {
        name: "c",
        cluster: {
          server: `https://127.0.0.1:${port}`,
          "certificate-authority-data": base64(certPem),
        },
      },
    ],
    users: [
      {
        name: "u",
        user: { "client-certificate-data": base64(certPem), "client-key-data": base64(keyPem) },
      },
    ],
  };
  const file = join(directory, "kubeconfig");
  await writeFile(file, JSON.stringify(kubeconfig));
  return makeNodeKubernetes(file);
}

const read = { method: "GET", path: "/api/v1/namespaces" } as const;

test("requests that follow each other share a connection, and go on when the server has closed it", async () => {
  const ports: (number | undefined)[] = [];
  const api = await connect(ports);
  const answer = { ok: true, value: { status: 200, body: {} } };
  for (let at = 0; at < 3; at += 1) expect(await api.request(read)).toEqual(answer);
  expect(new Set(ports).size).toBe(1);
  server.closeAllConnections();
  // The end of the connection is to arrive here before the next request goes out.
  await new Promise((resolve) => setImmediate(resolve));
  await expect.poll(() => api.request(read)).toEqual(answer);
  expect(new Set(ports).size).toBe(2);
});
