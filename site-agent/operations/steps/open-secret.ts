// Opening a secret that was sealed to this site. What does not belong together does not open: the message says
// which secret and what to do, never what is in it.
import { fromBase64 } from "../../../shared/bytes.ts";
import {
  sealingAad,
  type SealedSecret,
  type SecretPurpose,
} from "../../../shared/protocol/facts/sealed-secret.ts";
import { err, type Result } from "../../../shared/result.ts";
import type { Crypto } from "../../ports.ts";

/** Where a secret is about to be used; it opens nowhere else. */
export interface SecretUse {
  readonly hostUid: string;
  readonly purpose: SecretPurpose;
  /** The BMC that the credentials go to; "" for other purposes. */
  readonly bmcAddress: string;
}

export async function openSecret(
  deps: { crypto: Crypto; privateKey: Uint8Array },
  sealed: SealedSecret,
  use: SecretUse,
): Promise<Result<Uint8Array, "secret">> {
  const bad = (why: string) =>
    err(
      "secret",
      `The ${sealed.context.purpose} secret of this host ${why}. Touch the Secret in Kubernetes, so that it is sealed anew.`,
    );
  const { hostUid, purpose, bmcAddress } = sealed.context;
  if (hostUid !== use.hostUid || purpose !== use.purpose || bmcAddress !== use.bmcAddress) {
    return bad("was sealed for another host, purpose or BMC address");
  }
  const enc = fromBase64(sealed.enc);
  const ciphertext = fromBase64(sealed.ciphertext);
  if (enc === undefined || ciphertext === undefined) return bad("is damaged");
  const opened = await deps.crypto.open(
    deps.privateKey,
    { enc, ciphertext },
    sealingAad(sealed.context),
  );
  return opened.ok ? opened : bad("was sealed for another key or another host");
}
