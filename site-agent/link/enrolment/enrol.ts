// Trades a single-use token for an identity and stores it. The keys are stored before they are sent: if the answer
// gets lost, the same keys may ask again.
import { z } from "zod";
import { fromBase64, toBase64 } from "../../../shared/bytes.ts";
import { enrolAnswer, type EnrolToken } from "../../../shared/protocol/enrolment.ts";
import { err, ok, quote, type Result } from "../../../shared/result.ts";
import type { AgentDatabase, Crypto, HttpClient, KeyPair, Log } from "../../ports.ts";
import { readSetting, writeSetting } from "../database.ts";
import { loadIdentity, storeIdentity, type Identity } from "../identity.ts";
import { parseJson, readText } from "./read-body.ts";

export type EnrolError = "refused" | "unreachable";

export interface EnrolDeps {
  readonly database: AgentDatabase;
  readonly crypto: Crypto;
  readonly http: HttpClient;
  readonly log: Log;
}

export interface Enrolling {
  readonly token: EnrolToken;
  /** Tells tokens apart without keeping them. */
  readonly tokenDigest: string;
  readonly hostname: string;
  readonly programVersion: string;
  readonly caPem: string | undefined;
}

export async function enrol(
  deps: EnrolDeps,
  enrolling: Enrolling,
): Promise<Result<Identity, EnrolError>> {
  const keys = keysFor(deps, enrolling.tokenDigest);
  const answer = await ask(deps.http, enrolling, keys);
  if (!answer.ok) return answer;
  const { agentId, state, site, cluster } = answer.value;
  deps.database.transaction(() => {
    storeIdentity(deps.database, { agentId, ...keys, caPem: enrolling.caPem });
    writeSetting(deps.database, "token", enrolling.tokenDigest);
    writeSetting(deps.database, "enrolling", "");
  });
  deps.log.info("enrolled", { agent: agentId, state, site, cluster });
  const identity = loadIdentity(deps.database);
  return identity === undefined ? err("refused", "The identity was not stored.") : ok(identity);
}

async function ask(
  http: HttpClient,
  { token, hostname, programVersion, caPem }: Enrolling,
  keys: Keys,
): Promise<Result<z.infer<typeof enrolAnswer>, EnrolError>> {
  const body = {
    token: token.secret,
    signingKey: toBase64(keys.signing.publicKey),
    sealingKey: toBase64(keys.sealing.publicKey),
    hostname,
    programVersion,
  };
  const answer = await http.request({
    method: "POST",
    url: `${token.url.replace(/\/$/, "")}/agents/enrol`,
    headers: { "content-type": "application/json" },
    body: new TextEncoder().encode(JSON.stringify(body)),
    timeoutMs: 30_000,
    ...(caPem === undefined ? {} : { ca: caPem }),
  });
  if (!answer.ok) {
    const { message } = answer.error;
    return err("unreachable", `The control plane at ${token.url} cannot be reached: ${message}`);
  }
  const { status } = answer.value;
  const text = await readText(answer.value);
  if (status !== 200) {
    return err("refused", `The control plane refused the enrolment (${status}): ${reasonIn(text)}`);
  }
  const parsed = enrolAnswer.safeParse(parseJson(text));
  return parsed.success
    ? ok(parsed.data)
    : err("unreachable", `${token.url} does not answer like a control plane; correct the address.`);
}

function reasonIn(text: string): string {
  const refusal = z.object({ error: z.string() }).safeParse(parseJson(text));
  return refusal.success ? refusal.data.error.slice(0, 300) : quote(text);
}

interface Keys {
  readonly signing: KeyPair;
  readonly sealing: KeyPair;
}

const encodedPair = z.object({ publicKey: z.string(), privateKey: z.string() });
const storedKeys = z.object({
  tokenDigest: z.string(),
  signing: encodedPair,
  sealing: encodedPair,
});

/** Those of an earlier try with this token, else new ones. */
function keysFor({ database, crypto }: EnrolDeps, tokenDigest: string): Keys {
  const stored = storedKeys.safeParse(parseJson(readSetting(database, "enrolling") ?? "")).data;
  if (stored?.tokenDigest === tokenDigest) {
    return { signing: decode(stored.signing), sealing: decode(stored.sealing) };
  }
  // The sealing key outlives an enrolment: a hub that lost its database gets the one that the clusters pinned.
  const before = loadIdentity(database);
  const sealing =
    before === undefined
      ? crypto.makeSealingKeys()
      : { publicKey: before.sealingPublicKey, privateKey: before.sealingPrivateKey };
  const keys = { signing: crypto.makeSigningKeys(), sealing };
  const encoded = {
    tokenDigest,
    signing: encode(keys.signing),
    sealing: encode(keys.sealing),
  };
  writeSetting(database, "enrolling", JSON.stringify(encoded));
  return keys;
}

function encode({ publicKey, privateKey }: KeyPair): z.infer<typeof encodedPair> {
  return { publicKey: toBase64(publicKey), privateKey: toBase64(privateKey) };
}

function decode({ publicKey, privateKey }: z.infer<typeof encodedPair>): KeyPair {
  const bytes = (text: string) => fromBase64(text) ?? new Uint8Array();
  return { publicKey: bytes(publicKey), privateKey: bytes(privateKey) };
}
