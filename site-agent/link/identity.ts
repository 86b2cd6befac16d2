// Who this agent is: keys made here once, traded at enrolment for an agent id. The private keys never leave
// the state directory; without a stored identity the agent needs a single-use token.
import { z } from "zod";
import { fromBase64, toBase64 } from "../../shared/bytes.ts";
import { enrolAnswer, enrolToken, type EnrolToken } from "../../shared/protocol/enrolment.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import type { AgentDatabase, Crypto, HttpClient, HttpResponse } from "../ports.ts";
import { readSetting, writeSetting } from "./database.ts";

export interface Identity {
  readonly agentId: string;
  readonly signingPrivateKey: Uint8Array;
  readonly sealingPrivateKey: Uint8Array;
  readonly sealingPublicKey: Uint8Array;
  /** The private CA of the control plane, PEM; absent: system roots. */
  readonly caPem: string | undefined;
  /** Grows by one with every session, on disk before it is used. */
  nextCounter(): number;
  /** Remembers the highest epoch, on disk. False for one that was seen before or is lower. */
  acceptEpoch(epoch: number): boolean;
}

const storedIdentity = z.object({
  agentId: z.string(),
  signingPrivateKey: z.string(),
  sealingPrivateKey: z.string(),
  sealingPublicKey: z.string(),
  caPem: z.string().optional(),
});

export function loadIdentity(database: AgentDatabase): Identity | undefined {
  const text = readSetting(database, "identity");
  if (text === undefined) return undefined;
  const stored = storedIdentity.parse(JSON.parse(text));
  const bytes = (name: "signingPrivateKey" | "sealingPrivateKey" | "sealingPublicKey") => {
    const value = fromBase64(stored[name]);
    if (value === undefined)
      throw new Error(`The stored ${name} is damaged: enrol this agent anew.`);
    return value;
  };
  return {
    agentId: stored.agentId,
    signingPrivateKey: bytes("signingPrivateKey"),
    sealingPrivateKey: bytes("sealingPrivateKey"),
    sealingPublicKey: bytes("sealingPublicKey"),
    caPem: stored.caPem,
    nextCounter() {
      const next = Number(readSetting(database, "counter") ?? "0") + 1;
      writeSetting(database, "counter", String(next));
      return next;
    },
    acceptEpoch(epoch) {
      if (epoch <= Number(readSetting(database, "epoch") ?? "0")) return false;
      writeSetting(database, "epoch", String(epoch));
      return true;
    },
  };
}

/** Reads `farrier-<base64url JSON>`; what a person may have got wrong is said. */
export function parseEnrolToken(text: string): Result<EnrolToken, "token"> {
  const bad = (why: string) =>
    err(
      "token",
      `The enrolment token ${why}. Copy it whole, as "npm run admin -- token create" printed it.`,
    );
  const trimmed = text.trim().replace(/^["']|["']$/g, "");
  if (!trimmed.startsWith("farrier-")) return bad('does not begin with "farrier-"');
  const bytes = fromBase64(trimmed.slice("farrier-".length));
  if (bytes === undefined) return bad("has characters that do not belong there");
  try {
    const parsed = enrolToken.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    return parsed.success ? ok(parsed.data) : bad("is cut off or damaged");
  } catch {
    return bad("is cut off or damaged");
  }
}

export type EnrolError = "token" | "refused" | "unreachable";

/** Trades the token for an identity and stores it. The token is used up even if the answer is lost. */
export async function enrol(
  deps: { database: AgentDatabase; crypto: Crypto; http: HttpClient },
  token: EnrolToken,
  about: {
    hostname: string;
    programVersion: string;
    caPem: string | undefined;
    tokenDigest: string;
  },
): Promise<Result<Identity, EnrolError>> {
  const signing = deps.crypto.makeSigningKeys();
  const sealing = deps.crypto.makeSealingKeys();
  const body = {
    token: token.secret,
    signingKey: toBase64(signing.publicKey),
    sealingKey: toBase64(sealing.publicKey),
    hostname: about.hostname,
    programVersion: about.programVersion,
  };
  const answer = await deps.http.request({
    method: "POST",
    url: `${token.url.replace(/\/$/, "")}/agents/enrol`,
    headers: { "content-type": "application/json" },
    body: new TextEncoder().encode(JSON.stringify(body)),
    timeoutMs: 30_000,
    ...(about.caPem === undefined ? {} : { ca: about.caPem }),
  });
  if (!answer.ok) {
    return err(
      "unreachable",
      `The control plane at ${token.url} cannot be reached: ${answer.error.message}`,
    );
  }
  const text = await readText(answer.value);
  if (answer.value.status !== 200) {
    return err(
      "refused",
      `The control plane refused the enrolment (${answer.value.status}): ${text.slice(0, 300)}`,
    );
  }
  const parsed = enrolAnswer.safeParse(JSON.parse(text));
  if (!parsed.success)
    return err("refused", "The control plane's answer to the enrolment is not understood.");
  const stored = {
    agentId: parsed.data.agentId,
    signingPrivateKey: toBase64(signing.privateKey),
    sealingPrivateKey: toBase64(sealing.privateKey),
    sealingPublicKey: toBase64(sealing.publicKey),
    ...(about.caPem === undefined ? {} : { caPem: about.caPem }),
  };
  deps.database.transaction(() => {
    // A new enrolment is a new beginning: what an earlier control plane said no longer counts.
    deps.database.run("DELETE FROM documents");
    deps.database.run("DELETE FROM observations");
    for (const key of ["counter", "epoch"]) writeSetting(deps.database, key, "0");
    writeSetting(deps.database, "identity", JSON.stringify(stored));
    writeSetting(deps.database, "token", about.tokenDigest);
  });
  const identity = loadIdentity(deps.database);
  return identity === undefined ? err("refused", "The identity was not stored.") : ok(identity);
}

/** Reads a small body; a broken transfer gives what arrived. */
export async function readText(response: HttpResponse, maxBytes = 1_048_576): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body) {
    if (!chunk.ok || text.length > maxBytes) break;
    text += decoder.decode(chunk.value, { stream: true });
  }
  return text;
}
