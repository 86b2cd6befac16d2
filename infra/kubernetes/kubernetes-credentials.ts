// The keys and certificates of one Kubernetes API and the kubeconfig files of its users. One
// authority signs the server and the users, as kubeadm's does. Starts nothing.

import { generateKeyPairSync } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { makeCertificateAuthority } from "../preparation/certificates.ts";
import type { CertificateAuthority, IssuedCertificate } from "../preparation/certificates.ts";
import type { Progress } from "../preparation/progress.ts";

/** The first address of the service range, which the API server claims for itself. */
export const serviceRange = { cidr: "10.0.0.0/24", apiServer: "10.0.0.1" };

export interface KubernetesCredentials {
  readonly authority: CertificateAuthority;
  readonly serverCertFile: string;
  readonly serverKeyFile: string;
  /** Signs and verifies the tokens of service accounts. */
  readonly serviceAccountKeyFile: string;
  /** The user that may do everything (group system:masters). */
  readonly admin: IssuedCertificate;
}

/** Makes what is missing in `directory`/pki; the authority and the token key stay as they are. */
export async function prepareCredentials(
  directory: string,
  address: string,
  progress: Progress,
): Promise<KubernetesCredentials> {
  const folder = join(directory, "pki");
  const authority = await makeCertificateAuthority(folder, "kubernetes", progress);
  const [server, admin] = await Promise.all([
    authority.issue({
      commonName: "kube-apiserver",
      dnsNames: ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"],
      ipAddresses: [...new Set(["127.0.0.1", serviceRange.apiServer, address])],
      server: true,
    }),
    userCertificate(authority, "admin", ["system:masters"]),
  ]);
  const credentials = {
    authority,
    serverCertFile: join(folder, "server.crt"),
    serverKeyFile: join(folder, "server.key"),
    serviceAccountKeyFile: join(folder, "service-account.key"),
    admin,
  };
  await writeFile(credentials.serverCertFile, server.certPem);
  await writeFile(credentials.serverKeyFile, server.keyPem, { mode: 0o600 });
  if (!existsSync(credentials.serviceAccountKeyFile)) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    // SEC 1: kube-apiserver finds no public key in a PKCS #8 file.
    const pem = privateKey.export({ type: "sec1", format: "pem" });
    await writeFile(credentials.serviceAccountKeyFile, pem, { mode: 0o600 });
  }
  return credentials;
}

/** A client certificate is a user: the common name is its name, the organizations its groups. */
export function userCertificate(
  authority: CertificateAuthority,
  name: string,
  groups: readonly string[],
): Promise<IssuedCertificate> {
  return authority.issue({ commonName: name, organizations: groups, client: true });
}

export interface KubeconfigUser {
  readonly name: string;
  readonly proof: IssuedCertificate | { readonly token: string };
}

/** Writes a kubeconfig with nothing outside the file, readable by us only. */
export async function writeKubeconfig(
  file: string,
  api: { readonly url: string; readonly caPem: string },
  user: KubeconfigUser,
): Promise<void> {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const { proof } = user;
  const text = stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "farrier",
    clusters: [
      {
        name: "farrier",
        cluster: { server: api.url, "certificate-authority-data": base64(api.caPem) },
      },
    ],
    users: [
      {
        name: user.name,
        user:
          "token" in proof
            ? { token: proof.token }
            : {
                "client-certificate-data": base64(proof.certPem),
                "client-key-data": base64(proof.keyPem),
              },
      },
    ],
    contexts: [{ name: "farrier", context: { cluster: "farrier", user: user.name } }],
  });
  await mkdir(join(file, ".."), { recursive: true, mode: 0o700 });
  await writeFile(file, text, { mode: 0o600 });
}
