// The Crypto ports with real digests, ciphers and signatures, and randomness from a seed: the same run draws the
// same bytes. Never for anything but tests.
import { createHash, createPrivateKey, createPublicKey, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import type { Crypto as ControlPlaneCrypto } from "../../control-plane/ports.ts";
import { toHex } from "../../shared/bytes.ts";
import { makeNodeCrypto } from "../../site-agent/adapters/node-crypto.ts";
import type { Crypto, KeyPair } from "../../site-agent/ports.ts";
import type { SimulatedTime } from "./simulated-time.ts";

type Random = (count: number) => Uint8Array;

/** SHA-256 over seed and a counter, one block after the other. */
function makeSeededRandom(seed: string): Random {
  let counter = 0;
  let left = new Uint8Array();
  return (count) => {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count;) {
      if (left.length === 0) {
        left = new Uint8Array(createHash("sha256").update(`${seed} ${counter}`).digest());
        counter += 1;
      }
      const part = left.subarray(0, count - at);
      bytes.set(part, at);
      left = left.subarray(part.length);
      at += part.length;
    }
    return bytes;
  };
}

/** For an agent, a BMC or a ramdisk. HPKE works on other threads, so it takes simulated time. */
export function makeSeededCrypto(seed: string, time: Pick<SimulatedTime, "real">): Crypto {
  const random = makeSeededRandom(seed);
  const real = makeNodeCrypto();
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  return {
    ...real,
    randomBytes: random,
    randomUuid: () => uuidOf(random(16)),
    // RFC 8410 section 7: private keys of these two are any 32 bytes.
    makeSigningKeys: () => keyPair("302e020100300506032b657004220420", random(32)),
    makeSealingKeys: () => keyPair("302e020100300506032b656e04220420", random(32)),
    seal(to, plain, aad) {
      const ekm = buffer(random(32));
      return time.real(async () => {
        const recipientPublicKey = await suite.kem.deserializePublicKey(buffer(to));
        const params = { recipientPublicKey, ekm };
        const sealed = await suite.seal(params, buffer(plain), buffer(aad));
        return { enc: new Uint8Array(sealed.enc), ciphertext: new Uint8Array(sealed.ct) };
      });
    },
    open: (privateKey, sealed, aad) => time.real(() => real.open(privateKey, sealed, aad)),
  };
}

/** For a control plane. */
export function makeSeededControlPlaneCrypto(seed: string): ControlPlaneCrypto {
  const random = makeSeededRandom(seed);
  return {
    randomHex: (bytes) => toHex(random(bytes)),
    sha256Hex: async (text) => createHash("sha256").update(text).digest("hex"),
    async verify(publicKey, signature, data) {
      const key = { kty: "OKP", crv: "Ed25519", x: Buffer.from(publicKey).toString("base64url") };
      return verify(null, data, createPublicKey({ key, format: "jwk" }), signature);
    },
  };
}

/** RFC 9562 section 5.4. */
function uuidOf(bytes: Uint8Array): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function keyPair(pkcs8Prefix: string, raw: Uint8Array): KeyPair {
  const key: KeyObject = createPrivateKey({
    key: Buffer.concat([Buffer.from(pkcs8Prefix, "hex"), raw]),
    format: "der",
    type: "pkcs8",
  });
  const { x } = createPublicKey(key).export({ format: "jwk" });
  return { publicKey: new Uint8Array(Buffer.from(x ?? "", "base64url")), privateKey: raw };
}

function buffer(view: Uint8Array): ArrayBuffer {
  return new Uint8Array(view).buffer;
}
