// The Crypto ports of a simulated process: real digests, ciphers and signatures, all within the turn, with randomness
// from a seeded stream. The sealed box is simulated: it keeps what a sealed box promises (only the private key opens,
// the associated data must be the same, a change is found), for a tenth of the time. Never for anything but tests.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hash as hashAtOnce,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Crypto as ControlPlaneCrypto } from "../../../control-plane/ports.ts";
import { toHex } from "../../../shared/bytes.ts";
import { err, ok } from "../../../shared/result.ts";
import type { Crypto, Hash, HashName, KeyPair, Sealed } from "../../../site-agent/ports.ts";
import type { Random } from "../kernel/random.ts";

/** For an agent, a BMC or a ramdisk. `onHmac` hears each HMAC: the world's way to see which password is tried. */
export function makeSeededCrypto(
  random: Random,
  onHmac?: (key: Uint8Array, data: Uint8Array) => void,
): Crypto {
  return {
    randomBytes: (count) => random.bytes(count),
    randomUuid: () => uuidOf(random.bytes(16)),
    hash: makeHash,
    hmac(name, key, data) {
      onHmac?.(key, data);
      return bytes(createHmac(name, key).update(data).digest());
    },
    aesCbcEncrypt: (key, iv, data) =>
      bytes(createCipheriv("aes-128-cbc", key, iv).setAutoPadding(false).update(data)),
    aesCbcDecrypt: (key, iv, data) =>
      bytes(createDecipheriv("aes-128-cbc", key, iv).setAutoPadding(false).update(data)),
    makeSigningKeys: () => signingKeys(random.bytes(32)),
    sign: (privateKey, data) => bytes(sign(null, data, importPrivate(privateKey))),
    makeSealingKeys: () => sealingKeys(random.bytes(32)),
    seal: (to, plain, aad) => Promise.resolve(seal({ to, nonce: random.bytes(32) }, plain, aad)),
    open: (privateKey, sealed, aad) => Promise.resolve(open(privateKey, sealed, aad)),
    constantTimeEqual: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  };
}

/** For a control plane. */
export function makeSeededControlPlaneCrypto(random: Random): ControlPlaneCrypto {
  return {
    randomHex: (count) => toHex(random.bytes(count)),
    sha256Hex: (text) => Promise.resolve(hashAtOnce("sha256", text, "hex")),
    verify: (publicKey, signature, data) =>
      Promise.resolve(isSigned({ publicKey, signature, data })),
  };
}

function makeHash(name: HashName): Hash {
  const hash = createHash(name);
  return {
    update: (data) => void hash.update(data),
    digest: () => bytes(hash.digest()),
  };
}

// Keys of node:crypto are costly to make and the same keys come again and again: one for each, for good.
const privateKeys = new Map<string, KeyObject>();
const publicKeys = new Map<string, KeyObject>();

function cached(keys: Map<string, KeyObject>, raw: Uint8Array, make: () => KeyObject): KeyObject {
  const name = toHex(raw);
  const known = keys.get(name);
  if (known !== undefined) return known;
  const made = make();
  keys.set(name, made);
  return made;
}

/** RFC 8410 section 7: a private key is any 32 bytes. */
function importPrivate(raw: Uint8Array): KeyObject {
  return cached(privateKeys, raw, () => {
    const prefix = Buffer.from("302e020100300506032b657004220420", "hex");
    return createPrivateKey({ key: Buffer.concat([prefix, raw]), format: "der", type: "pkcs8" });
  });
}

/** Throws when these are no key. */
function importPublic(raw: Uint8Array): KeyObject {
  return cached(publicKeys, raw, () => {
    const x = Buffer.from(raw).toString("base64url");
    return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  });
}

function signingKeys(privateKey: Uint8Array): KeyPair {
  const { x } = createPublicKey(importPrivate(privateKey)).export({ format: "jwk" });
  return { publicKey: bytes(Buffer.from(x ?? "", "base64url")), privateKey };
}

interface Signed {
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
  readonly data: Uint8Array;
}

function isSigned({ publicKey, signature, data }: Signed): boolean {
  try {
    return verify(null, data, importPublic(publicKey), signature);
  } catch {
    return false;
  }
}

/** The public half is a digest of the private one: who has that one has both, and nobody comes back from it. */
function sealingKeys(privateKey: Uint8Array): KeyPair {
  const publicKey = bytes(hashAtOnce("sha256", Buffer.concat([sealing, privateKey]), "buffer"));
  return { publicKey, privateKey };
}

const sealing = Buffer.from("simulated sealing key");
const tagBytes = 16;

/** AES-256-GCM as HPKE uses it, so that lengths and errors are the same. */
function seal(
  { to, nonce }: { readonly to: Uint8Array; readonly nonce: Uint8Array },
  plain: Uint8Array,
  aad: Uint8Array,
): Sealed {
  const cipher = createCipheriv("aes-256-gcm", boxKey(to, nonce), nonce.subarray(0, 12));
  cipher.setAAD(aad);
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return { enc: nonce, ciphertext: bytes(ciphertext) };
}

function open(
  privateKey: Uint8Array,
  { enc, ciphertext }: Sealed,
  aad: Uint8Array,
): Awaited<ReturnType<Crypto["open"]>> {
  try {
    const key = boxKey(sealingKeys(privateKey).publicKey, enc);
    const decipher = createDecipheriv("aes-256-gcm", key, enc.subarray(0, 12));
    const end = ciphertext.length - tagBytes;
    decipher.setAAD(aad).setAuthTag(ciphertext.subarray(end));
    return ok(
      bytes(Buffer.concat([decipher.update(ciphertext.subarray(0, end)), decipher.final()])),
    );
  } catch {
    return err("sealed", "The sealed text does not belong to this key; have it sealed anew");
  }
}

function boxKey(publicKey: Uint8Array, nonce: Uint8Array): Buffer {
  return hashAtOnce("sha256", Buffer.concat([publicKey, nonce]), "buffer");
}

/** RFC 9562 section 5.4. */
export function uuidOf(random: Uint8Array): string {
  random[6] = ((random[6] ?? 0) & 0x0f) | 0x40;
  random[8] = ((random[8] ?? 0) & 0x3f) | 0x80;
  const hex = toHex(random);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return `${parts.join("-")}-${hex.slice(20)}`;
}

function bytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
