// HMAC and AES-128-CBC for the thousands of small packets of a simulated fleet. node:crypto takes five times as long
// to read a raw key as to use it, so what was made of a key is kept for as long as its bytes are held by somebody.
import { createCipheriv, createDecipheriv, createHmac, createSecretKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Crypto, HashName } from "../../../../site-agent/ports.ts";
import { plainBytes } from "./plain-bytes.ts";

const blockBytes = 16;

interface BlockCipher {
  update(data: Uint8Array): Buffer;
}

const hmacKeys = new WeakMap<Uint8Array, KeyObject>();
const encryptors = new WeakMap<Uint8Array, BlockCipher>();
const decryptors = new WeakMap<Uint8Array, BlockCipher>();

function kept<T>(all: WeakMap<Uint8Array, T>, key: Uint8Array, make: () => T): T {
  const known = all.get(key);
  if (known !== undefined) return known;
  const made = make();
  all.set(key, made);
  return made;
}

/** Keys must not change while they are held. */
export const sessionCiphers: Pick<Crypto, "hmac" | "aesCbcEncrypt" | "aesCbcDecrypt"> = {
  hmac(name: HashName, key, data) {
    const made = kept(hmacKeys, key, () => createSecretKey(key));
    return plainBytes(createHmac(name, made).update(data).digest());
  },
  // Of a cipher without chaining and padding one object serves for all blocks under a key (NIST SP 800-38A, 6.2).
  aesCbcEncrypt(key, iv, data) {
    const cipher = kept(encryptors, key, () =>
      createCipheriv("aes-128-ecb", key, null).setAutoPadding(false),
    );
    const out = new Uint8Array(data.length);
    let before = iv;
    for (let at = 0; at < data.length; at += blockBytes) {
      before = cipher.update(exclusiveOr(data.subarray(at, at + blockBytes), before));
      out.set(before, at);
    }
    return out;
  },
  aesCbcDecrypt(key, iv, data) {
    const cipher = kept(decryptors, key, () =>
      createDecipheriv("aes-128-ecb", key, null).setAutoPadding(false),
    );
    const before = new Uint8Array(data.length);
    before.set(iv);
    before.set(data.subarray(0, Math.max(0, data.length - blockBytes)), blockBytes);
    return exclusiveOr(cipher.update(data), before);
  },
};

function exclusiveOr(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length);
  for (let at = 0; at < a.length; at += 1) out[at] = a[at]! ^ b[at]!;
  return out;
}
