// A certificate authority of one's own for programs on one machine and for labs: ECDSA P-256,
// made with the openssl program. Not for production: no revocation, and everything is valid for
// ten years.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { ensureDebianPackages } from "./debian-packages.ts";
import type { Progress } from "./progress.ts";
import { silentProgress } from "./progress.ts";
import { runProgram, tryProgram } from "./run-program.ts";

export interface CertificateRequest {
  readonly commonName: string;
  /** Kubernetes reads them as groups. */
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** What it may be used for; both when neither is given. */
  readonly server?: boolean;
  readonly client?: boolean;
}

export interface IssuedCertificate {
  readonly certPem: string;
  /** PKCS #8. It is written nowhere. */
  readonly keyPem: string;
}

export interface CertificateAuthority {
  readonly certPem: string;
  /** The paths of the authority's certificate and key, for programs that sign by themselves. */
  readonly certFile: string;
  readonly keyFile: string;
  issue(request: CertificateRequest): Promise<IssuedCertificate>;
}

const validDays = "3650";

/** The authority in the folder `dir`, made there if there is none. Installs openssl if need be. */
export async function makeCertificateAuthority(
  dir: string,
  name: string,
  progress: Progress = silentProgress,
): Promise<CertificateAuthority> {
  await ensureOpenssl(progress);
  const certFile = join(dir, "ca.crt");
  const keyFile = join(dir, "ca.key");
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if (!existsSync(certFile)) {
    const { publicPem, keyPem } = newKey();
    await writeFile(keyFile, keyPem, { mode: 0o600 });
    const certPem = await certify(dir, { subject: { commonName: name }, publicPem }, [
      "basicConstraints=critical,CA:TRUE",
      "keyUsage=critical,keyCertSign,cRLSign",
      "subjectKeyIdentifier=hash",
    ]);
    // Last and at once: its presence says that both files are whole.
    await writeFile(`${certFile}.new`, certPem);
    await rename(`${certFile}.new`, certFile);
  }
  return {
    certPem: await readFile(certFile, "utf8"),
    certFile,
    keyFile,
    async issue(request) {
      const { publicPem, keyPem } = newKey();
      const certPem = await certify(dir, { subject: request, publicPem, certFile }, [
        "basicConstraints=critical,CA:FALSE",
        "keyUsage=critical,digitalSignature",
        `extendedKeyUsage=${usages(request)}`,
        "subjectKeyIdentifier=hash",
        "authorityKeyIdentifier=keyid",
        ...alternativeNames(request),
      ]);
      return { certPem, keyPem };
    },
  };
}

async function ensureOpenssl(progress: Progress): Promise<void> {
  if ((await tryProgram("openssl", ["version"])).code === 0) return;
  await ensureDebianPackages(["openssl"], progress);
}

function newKey(): { publicPem: string; keyPem: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", {
    namedCurve: "prime256v1",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return { publicPem: publicKey, keyPem: privateKey };
}

interface Certified {
  readonly subject: Pick<CertificateRequest, "commonName" | "organizations">;
  readonly publicPem: string;
  /** The authority's certificate; without one the result is the authority's own. */
  readonly certFile?: string;
}

// `openssl x509 -new` makes a certificate out of a public key, without a signing request.
async function certify(
  dir: string,
  certified: Certified,
  extensions: readonly string[],
): Promise<string> {
  const keyFile = join(dir, "ca.key");
  const work = await mkdtemp(join(dir, "issue-"));
  try {
    await writeFile(join(work, "public.pem"), certified.publicPem);
    await writeFile(join(work, "extensions.cnf"), `${extensions.join("\n")}\n`);
    const signer =
      certified.certFile === undefined
        ? ["-key", keyFile]
        : ["-CA", certified.certFile, "-CAkey", keyFile, "-force_pubkey", join(work, "public.pem")];
    const subject = ["-subj", distinguishedName(certified.subject)];
    const serial = ["-set_serial", `0x01${randomBytes(15).toString("hex")}`];
    const files = ["-extfile", join(work, "extensions.cnf"), "-days", validDays, "-sha256"];
    const args = ["x509", "-new", ...subject, ...signer, ...serial, ...files];
    return (await runProgram("openssl", args)).stdout;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function distinguishedName(subject: Certified["subject"]): string {
  const part = (type: string, value: string): string => {
    if (value === "" || /\p{Cc}/u.test(value)) {
      throw new Error(
        `Certificate name ${JSON.stringify(value)} is empty or has control characters`,
      );
    }
    return `/${type}=${value.replaceAll(/[\\/+]/g, "\\$&")}`;
  };
  const organizations = (subject.organizations ?? []).map((name) => part("O", name));
  return [...organizations, part("CN", subject.commonName)].join("");
}

function usages(request: CertificateRequest): string {
  const neither = request.server !== true && request.client !== true;
  return [
    ...(neither || request.server === true ? ["serverAuth"] : []),
    ...(neither || request.client === true ? ["clientAuth"] : []),
  ].join(",");
}

function alternativeNames(request: CertificateRequest): string[] {
  const dnsNames = request.dnsNames ?? [];
  const ipAddresses = request.ipAddresses ?? [];
  const wrong =
    dnsNames.find((name) => !/^[A-Za-z0-9*._-]+$/.test(name)) ??
    ipAddresses.find((address) => isIP(address) === 0);
  if (wrong !== undefined) {
    throw new Error(`${JSON.stringify(wrong)} cannot stand in a certificate; check the names`);
  }
  const names = [
    ...dnsNames.map((name) => `DNS:${name}`),
    ...ipAddresses.map((address) => `IP:${address}`),
  ];
  return names.length === 0 ? [] : [`subjectAltName=${names.join(",")}`];
}
