// The TLS certificate of a server of the agent: self-signed, made once per state directory by the openssl program.
// Clients are told which it is: ramdisks by its SHA-256 on the kernel command line, an API server by the whole.
import { fromBase64, toHex } from "../shared/bytes.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { Crypto, Files, Programs } from "./ports.ts";

export interface ServerCertificate {
  readonly keyPem: string;
  readonly certPem: string;
  /** SHA-256 of the DER, hex. */
  readonly fingerprint: string;
}

export interface CertificateOptions {
  readonly directory: string;
  /** Of the files NAME.key and NAME.crt. */
  readonly name: string;
  /** "DNS:NAME" or "IP:ADDRESS" that clients look for in it; none: they know its fingerprint. */
  readonly subject?: string;
}

export async function serverCertificate(
  deps: { files: Files; programs: Programs; crypto: Crypto },
  { directory, name, subject }: CertificateOptions,
): Promise<Result<ServerCertificate, "certificate">> {
  const keyPath = `${directory}/${name}.key`;
  const certPath = `${directory}/${name}.crt`;
  const existing = await read(deps, keyPath, certPath);
  if (existing !== undefined) return ok(existing);
  const request = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
  ];
  const files = [
    "-keyout",
    keyPath,
    "-out",
    certPath,
    "-days",
    "3650",
    "-subj",
    "/CN=farrier-agent",
    ...(subject === undefined ? [] : ["-addext", `subjectAltName=${subject}`]),
  ];
  const made = await deps.programs.run(["openssl", ...request, ...files], { timeoutMs: 30_000 });
  if (!made.ok || made.value.code !== 0) {
    const why = made.ok ? made.value.stderr.slice(-300) : made.error.message;
    return err(
      "certificate",
      `The certificate ${certPath} could not be made: ${why} Install the package openssl.`,
    );
  }
  const fresh = await read(deps, keyPath, certPath);
  return fresh === undefined
    ? err("certificate", `The certificate ${certPath} cannot be read.`)
    : ok(fresh);
}

async function read(
  deps: { files: Files; crypto: Crypto },
  keyPath: string,
  certPath: string,
): Promise<ServerCertificate | undefined> {
  const [key, cert] = await Promise.all([
    deps.files.readFile(keyPath),
    deps.files.readFile(certPath),
  ]);
  if (!key.ok || !cert.ok) return undefined;
  const decoder = new TextDecoder();
  const certPem = decoder.decode(cert.value);
  const der = fromBase64(certPem.replaceAll(/-----[A-Z ]+-----|\s/g, ""));
  if (der === undefined || der.length === 0) return undefined;
  const hash = deps.crypto.hash("sha256");
  hash.update(der);
  return { keyPem: decoder.decode(key.value), certPem, fingerprint: toHex(hash.digest()) };
}
