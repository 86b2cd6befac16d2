// The Crypto ports of a simulated process: real digests and signatures, all within the turn, with randomness from a
// seeded stream. Sealing is simulated (sealed-box.ts), and so are the ciphers of BMC sessions (session-ciphers.ts).
// Never for anything but tests.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hash as hashAtOnce,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Crypto as ControlPlaneCrypto } from "../../../../control-plane/ports.ts";
import { toHex } from "../../../../shared/bytes.ts";
import type { Crypto, Hash, HashName, KeyPair } from "../../../../site-agent/ports.ts";
import type { Random } from "../../kernel/random.ts";
import { plainBytes } from "./plain-bytes.ts";
import { open, seal, sealingKeys } from "./sealed-box.ts";
import { sessionCiphers } from "./session-ciphers.ts";

/** For an agent, a BMC or a ramdisk. `onHmac` hears each HMAC: the world's way to see which password is tried. */
export function makeSeededCrypto(
  random: Random,
  onHmac?: (key: Uint8Array, data: Uint8Array) => void,
): Crypto {
  return {
    ...sessionCiphers,
    randomBytes: (count) => random.bytes(count),
    randomUuid: () => uuidOf(random.bytes(16)),
    hash: makeHash,
    hmac(name, key, data) {
      onHmac?.(key, data);
      return sessionCiphers.hmac(name, key, data);
    },
    makeSigningKeys: () => signingKeys(random.bytes(32)),
    sign: (privateKey, data) => plainBytes(sign(null, data, importPrivate(privateKey))),
    makeSealingKeys: () => sealingKeys(random.bytes(32)),
    seal: async (to, plain, aad) => seal({ to, enc: random.bytes(32) }, plain, aad),
    open: async (privateKey, sealed, aad) => open(privateKey, sealed, aad),
    constantTimeEqual: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  };
}

/** For a control plane. */
export function makeSeededControlPlaneCrypto(random: Random): ControlPlaneCrypto {
  return {
    randomHex: (count) => toHex(random.bytes(count)),
    sha256Hex: async (text) => hashAtOnce("sha256", text, "hex"),
    verify: async (publicKey, signature, data) => isSigned({ publicKey, signature, data }),
  };
}

function makeHash(name: HashName): Hash {
  const hash = createHash(name);
  return {
    update: (data) => void hash.update(data),
    digest: () => plainBytes(hash.digest()),
  };
}

// Keys of node:crypto are costly to make and the same keys come again and again in a run.
const keptKeys = 1_000;
const privateKeys = new Map<string, KeyObject>();
const publicKeys = new Map<string, KeyObject>();

function kept(keys: Map<string, KeyObject>, raw: Uint8Array, make: () => KeyObject): KeyObject {
  const name = toHex(raw);
  const known = keys.get(name);
  if (known !== undefined) return known;
  const made = make();
  // Thousands of runs in one process: what was forgotten and is needed is made again.
  if (keys.size >= keptKeys) keys.clear();
  keys.set(name, made);
  return made;
}

/** RFC 8410 section 7: a private key is any 32 bytes. */
function importPrivate(raw: Uint8Array): KeyObject {
  return kept(privateKeys, raw, () => {
    const prefix = Buffer.from("302e020100300506032b657004220420", "hex");
    return createPrivateKey({ key: Buffer.concat([prefix, raw]), format: "der", type: "pkcs8" });
  });
}

/** Throws when these are no key. */
function importPublic(raw: Uint8Array): KeyObject {
  return kept(publicKeys, raw, () => {
    const x = Buffer.from(raw).toString("base64url");
    return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  });
}

function signingKeys(privateKey: Uint8Array): KeyPair {
  const { x } = createPublicKey(importPrivate(privateKey)).export({ format: "jwk" });
  return { publicKey: new Uint8Array(Buffer.from(x ?? "", "base64url")), privateKey };
}

interface Signed {
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
  readonly data: Uint8Array;
}

/** False for a malformed key, too. */
function isSigned({ publicKey, signature, data }: Signed): boolean {
  try {
    return verify(null, data, importPublic(publicKey), signature);
  } catch {
    return false;
  }
}

/** RFC 9562 section 5.4. */
export function uuidOf(random: Uint8Array): string {
  random[6] = ((random[6] ?? 0) & 0x0f) | 0x40;
  random[8] = ((random[8] ?? 0) & 0x3f) | 0x80;
  const hex = toHex(random);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return `${parts.join("-")}-${hex.slice(20)}`;
}
