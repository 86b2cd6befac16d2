// The identity that the agent starts with: the stored one, or, with a token that was not used yet, a new one. An
// agent that has an identity starts even if a new token does not work: its site must not stand still for it.
import { toHex } from "../../../shared/bytes.ts";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { Files } from "../../ports.ts";
import { readSetting } from "../database.ts";
import { loadIdentity, type Identity } from "../identity.ts";
import { enrol, type EnrolDeps } from "./enrol.ts";
import { parseEnrolToken, trimToken } from "./enrol-token.ts";

export interface ObtainDeps extends EnrolDeps {
  readonly files: Files;
  readonly hostname: string;
  /** The private CA that an enrolment token names by its fingerprint. */
  findCa(url: string, fingerprint: string): Promise<Result<string, string>>;
}

export interface ObtainOptions {
  readonly enrolTokenFile: string | undefined;
  /** hub.caFile's content. */
  readonly caPem: string | undefined;
  readonly programVersion: string;
}

/** The error is for the person who starts the agent. */
export async function obtainIdentity(
  deps: ObtainDeps,
  options: ObtainOptions,
): Promise<Result<Identity, "identity">> {
  const stored = loadIdentity(deps.database);
  const enrolled = await enrolByFile(deps, options, stored !== undefined);
  if (enrolled?.ok === true) return enrolled;
  if (stored === undefined) return enrolled ?? err("identity", noIdentity);
  if (enrolled !== undefined) {
    deps.log.error("the enrolment token does not work; going on with the stored identity", {
      agent: stored.agentId,
      reason: enrolled.error.message,
    });
  }
  return ok(stored);
}

const noIdentity =
  'This agent has no identity yet: write the output of "npm run admin -- token create" into a file and name it as enrolTokenFile.';

/** Undefined: there is no token, or it is the one that was used. */
async function enrolByFile(
  deps: ObtainDeps,
  options: ObtainOptions,
  hasIdentity: boolean,
): Promise<Result<Identity, "identity"> | undefined> {
  const { enrolTokenFile } = options;
  if (enrolTokenFile === undefined) return undefined;
  const file = await deps.files.readFile(enrolTokenFile);
  // People delete the file after its use.
  if (!file.ok && file.error.kind === "missing" && hasIdentity) return undefined;
  if (!file.ok) {
    return err(
      "identity",
      `The enrolment token in enrolTokenFile ${enrolTokenFile} cannot be read: ${file.error.message}. ${noIdentity}`,
    );
  }
  const text = new TextDecoder().decode(file.value);
  const tokenDigest = digestOf(deps, trimToken(text));
  if (hasIdentity && readSetting(deps.database, "token") === tokenDigest) return undefined;
  return await enrolByToken(deps, options, { text, tokenDigest });
}

async function enrolByToken(
  deps: ObtainDeps,
  { caPem, programVersion }: ObtainOptions,
  { text, tokenDigest }: { readonly text: string; readonly tokenDigest: string },
): Promise<Result<Identity, "identity">> {
  const token = parseEnrolToken(text);
  if (!token.ok) return err("identity", token.error.message);
  const { url, ca } = token.value;
  const found = caPem !== undefined || ca === undefined ? ok(caPem) : await deps.findCa(url, ca);
  if (!found.ok) return err("identity", found.error.message);
  const enrolled = await enrol(deps, {
    token: token.value,
    tokenDigest,
    hostname: deps.hostname,
    programVersion,
    caPem: found.value,
  });
  return enrolled.ok ? enrolled : err("identity", enrolled.error.message);
}

function digestOf({ crypto }: ObtainDeps, text: string): string {
  const hash = crypto.hash("sha256");
  hash.update(new TextEncoder().encode(text));
  return toHex(hash.digest());
}
