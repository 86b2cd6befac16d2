// A sealed box for simulated processes: keeps what a sealed box promises (only the private key opens, the associated
// data must be the same, a change is found), within the turn and for a hundredth of the time of a real one. Anybody
// who can compute SHA-256 could open it: never for anything but tests.
import { createCipheriv, createDecipheriv, hash } from "node:crypto";
import { err, ok } from "../../../../shared/result.ts";
import type { Result } from "../../../../shared/result.ts";
import type { KeyPair, Sealed } from "../../../../site-agent/ports.ts";

const tagBytes = 16;
const label = Buffer.from("simulated sealing key");

/** The public half is a digest of the private one: who has that one has both, and nobody comes back from it. */
export function sealingKeys(privateKey: Uint8Array): KeyPair {
  const digest = hash("sha256", Buffer.concat([label, privateKey]), "buffer");
  return { publicKey: new Uint8Array(digest), privateKey };
}

/** AES-256-GCM as HPKE uses it, so that lengths are the same. `enc` is 32 fresh random bytes. */
export function seal(
  { to, enc }: { readonly to: Uint8Array; readonly enc: Uint8Array },
  plain: Uint8Array,
  aad: Uint8Array,
): Sealed {
  const cipher = createCipheriv("aes-256-gcm", boxKey(to, enc), enc.subarray(0, 12));
  cipher.setAAD(aad);
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return { enc, ciphertext: new Uint8Array(ciphertext) };
}

export function open(
  privateKey: Uint8Array,
  { enc, ciphertext }: Sealed,
  aad: Uint8Array,
): Result<Uint8Array, "sealed"> {
  try {
    const key = boxKey(sealingKeys(privateKey).publicKey, enc);
    const decipher = createDecipheriv("aes-256-gcm", key, enc.subarray(0, 12), {
      authTagLength: tagBytes,
    });
    const end = ciphertext.length - tagBytes;
    decipher.setAAD(aad).setAuthTag(ciphertext.subarray(end));
    const plain = [decipher.update(ciphertext.subarray(0, end)), decipher.final()];
    return ok(new Uint8Array(Buffer.concat(plain)));
  } catch {
    return err("sealed", "The sealed text does not belong to this key; have it sealed anew");
  }
}

function boxKey(publicKey: Uint8Array, enc: Uint8Array): Buffer {
  return hash("sha256", Buffer.concat([publicKey, enc]), "buffer");
}
