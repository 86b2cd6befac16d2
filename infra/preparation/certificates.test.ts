// Judged by Node's own TLS stack: a server and a client that trust nothing but the authority.

import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeCertificateAuthority } from "./certificates.ts";
import type { CertificateAuthority, IssuedCertificate } from "./certificates.ts";

let folder: string;
let authority: CertificateAuthority;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-ca-"));
  authority = await makeCertificateAuthority(join(folder, "ca"), "test authority");
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Connects with a client certificate; returns what the server saw as its subject. */
async function handshake(
  server: IssuedCertificate,
  client: IssuedCertificate,
  ca: string,
): Promise<string> {
  const listener = createServer(
    {
      cert: server.certPem,
      key: server.keyPem,
      ca: authority.certPem,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket) => {
      const { subject } = socket.getPeerCertificate();
      socket.end(JSON.stringify(subject));
    },
  );
  listener.on("tlsClientError", () => {});
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  try {
    const { port } = listener.address() as AddressInfo;
    const socket = connect({
      port,
      host: "127.0.0.1",
      ca,
      cert: client.certPem,
      key: client.keyPem,
    });
    let said = "";
    socket.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
    });
    await once(socket, "end");
    return said;
  } finally {
    listener.close();
  }
}

describe("a certificate authority", () => {
  it("issues certificates that both ends of a connection accept when they trust it", async () => {
    const server = await authority.issue({
      commonName: "server",
      ipAddresses: ["127.0.0.1"],
      server: true,
    });
    const client = await authority.issue({
      commonName: "system:masters/admin+1",
      organizations: ["one", "two, three"],
      client: true,
    });
    const subject = JSON.parse(await handshake(server, client, authority.certPem)) as unknown;
    expect(subject).toEqual({ O: ["one", "two, three"], CN: "system:masters/admin+1" });
  });

  it("is refused when the other end trusts another authority", async () => {
    const other = await makeCertificateAuthority(join(folder, "other"), "test authority");
    const server = await authority.issue({ commonName: "s", ipAddresses: ["127.0.0.1"] });
    await expect(handshake(server, server, other.certPem)).rejects.toThrow(
      /self-signed|unable to verify|signature/i,
    );
  });

  it("issues no server certificate when a client one is asked for", async () => {
    const client = await authority.issue({
      commonName: "c",
      ipAddresses: ["127.0.0.1"],
      client: true,
    });
    await expect(handshake(client, client, authority.certPem)).rejects.toThrow(/purpose/);
  });

  it("names every DNS name and address", async () => {
    const { certPem } = await authority.issue({
      commonName: "s",
      dnsNames: ["localhost", "*.site.example"],
      ipAddresses: ["::1"],
    });
    const certificate = new X509Certificate(certPem);
    expect(certificate.subjectAltName).toBe(
      "DNS:localhost, DNS:*.site.example, IP Address:0:0:0:0:0:0:0:1",
    );
    expect(certificate.ca).toBe(false);
  });

  it("is the same one when it is asked for again", async () => {
    const again = await makeCertificateAuthority(join(folder, "ca"), "another name");
    expect(again.certPem).toBe(authority.certPem);
  });

  it("keeps its key from others and leaves no other file behind", async () => {
    expect((await stat(authority.keyFile)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, "ca"))).toEqual(["ca.crt", "ca.key"]);
  });

  it("refuses a name that would add another extension", async () => {
    const request = { commonName: "s", dnsNames: ["a\nbasicConstraints=CA:TRUE"] };
    await expect(authority.issue(request)).rejects.toThrow("cannot stand in a certificate");
  });
});
