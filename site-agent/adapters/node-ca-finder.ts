// Finds the private CA that an enrolment token names: looks at the chain that the server shows and takes the
// certificate whose SHA-256 is the token's. Nothing is sent over this connection.
import { connect, type DetailedPeerCertificate } from "node:tls";
import { err, ok, type Result } from "../../shared/result.ts";

const timeoutMs = 15_000;

/** The CA as PEM. `fingerprint`: SHA-256 of its DER, lower-case hex. */
export function findCa(
  url: string,
  fingerprint: string,
): Promise<Result<string, "tls" | "unreachable">> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve) => {
    // The chain is not trusted here: it is only searched for the one certificate that the token names.
    const socket = connect(
      { host, port: Number(port || 443), rejectUnauthorized: false, timeout: timeoutMs },
      () => {
        const found = search(socket.getPeerCertificate(true), fingerprint);
        socket.end();
        resolve(
          found === undefined
            ? err(
                "tls",
                `The server at ${url} does not show the CA that the token names: wrong server, or its certificate file lacks the CA.`,
              )
            : ok(found),
        );
      },
    );
    socket.once("timeout", () => socket.destroy(new Error("no answer")));
    socket.once("error", (error) =>
      resolve(err("unreachable", `${url} cannot be reached: ${error.message}`)),
    );
  });
}

function search(leaf: DetailedPeerCertificate, fingerprint: string): string | undefined {
  const seen = new Set<string>();
  for (let each = leaf; !seen.has(each.fingerprint256); each = each.issuerCertificate) {
    if (each.fingerprint256.replaceAll(":", "").toLowerCase() === fingerprint.toLowerCase()) {
      const lines = each.raw.toString("base64").match(/.{1,64}/g) ?? [];
      return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
    }
    seen.add(each.fingerprint256);
    if (each.issuerCertificate === undefined) return undefined;
  }
  return undefined;
}
