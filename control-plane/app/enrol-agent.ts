// A single-use token becomes an agent. Says why not only to the holder of a token that was real.
import { fromBase64, toHex } from "../../shared/bytes.ts";
import type { EnrolAnswer, EnrolRequest } from "../../shared/protocol/enrolment.ts";
import { sha256 } from "@noble/hashes/sha2.js";
import { err, ok, type Result } from "../../shared/result.ts";
import type { AdminStore, Bus, Crypto, EnrolError, Log } from "../ports.ts";

export interface EnrolDeps {
  readonly store: Pick<AdminStore, "enrol">;
  readonly bus: Pick<Bus, "notify">;
  readonly crypto: Crypto;
  readonly log: Log;
}

export async function enrolAgent(
  deps: EnrolDeps,
  request: EnrolRequest,
): Promise<Result<EnrolAnswer, EnrolError | "key">> {
  const sealingKey = rawKey(request.sealingKey);
  if (rawKey(request.signingKey) === undefined || sealingKey === undefined) {
    return err("key", "a key is not 32 bytes in base64, or is all zero; make new keys");
  }
  const enrolled = await deps.store.enrol({
    tokenHash: await deps.crypto.sha256Hex(request.token.trim()),
    id: `agent-${deps.crypto.randomHex(10)}`,
    signingKey: request.signingKey,
    sealingKey: request.sealingKey,
    sealingFingerprint: toHex(sha256(sealingKey)),
    hostname: request.hostname,
    programVersion: request.programVersion,
  });
  if (!enrolled.ok) {
    deps.log.warn("enrolment refused", { reason: enrolled.error.kind, hostname: request.hostname });
    return enrolled;
  }
  const { id, state, site, cluster } = enrolled.value;
  deps.log.info("agent enrolled", { agent: id, state, site, cluster, hostname: request.hostname });
  deps.bus.notify(["sites"]);
  return ok({
    agentId: id,
    state: state === "approved" ? "approved" : "pending",
    ...(site === undefined ? {} : { site }),
    ...(cluster === undefined ? {} : { cluster }),
  });
}

/** Undefined for what cannot be a public key: a wrong length, or all zero (a key that everybody has). */
function rawKey(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = fromBase64(text);
  return bytes?.length === 32 && bytes.some((byte) => byte !== 0) ? bytes : undefined;
}
