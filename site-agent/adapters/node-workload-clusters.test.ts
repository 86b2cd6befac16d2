// Connections to workload clusters against real HTTPS servers: whom they trust, what they send, and what is kept.
import { once } from "node:events";
import type { IncomingMessage, RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { certPem, keyPem } from "../../test/support/test-certificate.ts";
import type { ClusterAccess } from "../cluster/port.ts";
import { makeNodeConnectCluster } from "./node-workload-clusters.ts";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<ClusterAccess> {
  const tls = {
    cert: certPem,
    key: keyPem,
    ca: certPem,
    requestCert: true,
    rejectUnauthorized: false,
  };
  const server = createServer(tls, listener);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    server: `https://127.0.0.1:${port}`,
    serverName: undefined,
    caPem: certPem,
    certificate: undefined,
    token: "t0ken",
  };
}

const list = { method: "GET", path: "/api/v1/nodes?limit=1" } as const;

test("the token and the client certificate are shown, to a server of the given authority only", async () => {
  const seen: (readonly [IncomingMessage["headers"], boolean])[] = [];
  const access = await serve((request, response) => {
    seen.push([request.headers, (request.socket as TLSSocket).authorized]);
    response.end('{"items":[]}');
  });
  const connect = makeNodeConnectCluster();
  const certificate = { certPem, keyPem };
  expect(await connect({ ...access, certificate }).request(list)).toEqual({
    ok: true,
    value: { status: 200, body: { items: [] } },
  });
  expect(seen).toMatchObject([[{ authorization: "Bearer t0ken" }, true]]);
  for (const refused of [{ caPem: undefined }, { serverName: "elsewhere.example" }])
    expect(await connect({ ...access, ...refused }).request(list)).toMatchObject({ ok: false });
  expect(seen).toHaveLength(1);
});

test("equal access shares its connection, other access does not", async () => {
  const ports = new Set<number | undefined>();
  const access = await serve((request, response) => {
    ports.add(request.socket.remotePort);
    response.end("{}");
  });
  const connect = makeNodeConnectCluster();
  for (let at = 0; at < 3; at += 1) await connect({ ...access }).request(list);
  expect(ports.size).toBe(1);
  await connect({ ...access, token: "other" }).request(list);
  expect(ports.size).toBe(2);
});

test("the connections of clusters beyond the bound are closed", async () => {
  const ports: (number | undefined)[] = [];
  const access = await serve((request, response) => {
    ports.push(request.socket.remotePort);
    response.end("{}");
  });
  const connect = makeNodeConnectCluster({ timeoutMs: 5_000, maxBytes: 1_000, maxClusters: 2 });
  await connect(access).request(list);
  for (const token of ["a", "b"]) connect({ ...access, token });
  await connect(access).request(list);
  expect(new Set(ports).size).toBe(2);
});

test("a certificate that is none, and a server that hangs up, are answers and no crash", async () => {
  const access = await serve((request) => request.socket.destroy());
  const connect = makeNodeConnectCluster();
  const pem = "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n";
  for (const odd of [{}, { caPem: pem }, { certificate: { certPem: pem, keyPem: pem } }])
    expect(await connect({ ...access, ...odd }).request(list)).toMatchObject({
      ok: false,
      error: { kind: "unreachable" },
    });
});

test("an answer that is too long, or does not come, counts as none", async () => {
  const connect = makeNodeConnectCluster({ timeoutMs: 300, maxBytes: 1_000, maxClusters: 2 });
  const long = await serve((_request, response) => response.end(" ".repeat(1_001)));
  expect(await connect(long).request(list)).toMatchObject({
    error: { message: expect.stringContaining("longer than 1000 bytes") },
  });
  const silent = await serve(() => undefined);
  const halfway = await serve((_request, response) => response.write("{"));
  for (const access of [silent, halfway])
    expect(await connect(access).request(list)).toMatchObject({ ok: false });
});
