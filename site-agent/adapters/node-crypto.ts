// The Crypto port on Node: node:crypto for everything but HPKE, which is @hpke/core. Keys are raw 32
// bytes outside; node:crypto wants them wrapped, so they go in and out as JSON Web Keys (RFC 8037).
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  randomUUID,
  sign,
  timingSafeEqual,
} from "node:crypto";
import type { KeyObject } from "node:crypto";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { err, ok } from "../../shared/result.ts";
import type { Crypto, KeyPair } from "../ports.ts";

export function makeNodeCrypto(): Crypto {
  return {
    randomBytes: (count) => bytes(randomBytes(count)),
    randomUuid: () => randomUUID(),
    hash(name) {
      const hash = createHash(name);
      return {
        update: (data) => void hash.update(data),
        digest: () => bytes(hash.digest()),
      };
    },
    hmac: (name, key, data) => bytes(createHmac(name, key).update(data).digest()),
    aesCbcEncrypt(key, iv, data) {
      const cipher = createCipheriv("aes-128-cbc", key, iv).setAutoPadding(false);
      return bytes(Buffer.concat([cipher.update(data), cipher.final()]));
    },
    aesCbcDecrypt(key, iv, data) {
      const cipher = createDecipheriv("aes-128-cbc", key, iv).setAutoPadding(false);
      return bytes(Buffer.concat([cipher.update(data), cipher.final()]));
    },
    makeSigningKeys: () => rawKeys(generateKeyPairSync("ed25519").privateKey),
    sign: (privateKey, data) => bytes(sign(null, data, importEd25519(privateKey))),
    makeSealingKeys: () => rawKeys(generateKeyPairSync("x25519").privateKey),
    ...makeHpke(),
    constantTimeEqual: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  };
}

/** RFC 9180 base mode, one message per key exchange, empty info: `aad` says what belongs together. */
function makeHpke(): Pick<Crypto, "seal" | "open"> {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  return {
    async seal(to, plain, aad) {
      const recipientPublicKey = await suite.kem.deserializePublicKey(buffer(to));
      const sealed = await suite.seal({ recipientPublicKey }, buffer(plain), buffer(aad));
      return { enc: new Uint8Array(sealed.enc), ciphertext: new Uint8Array(sealed.ct) };
    },
    async open(privateKey, sealed, aad) {
      try {
        const recipientKey = await suite.kem.deserializePrivateKey(buffer(privateKey));
        const params = { recipientKey, enc: buffer(sealed.enc) };
        return ok(new Uint8Array(await suite.open(params, buffer(sealed.ciphertext), buffer(aad))));
      } catch {
        return err("sealed", "The sealed text does not belong to this key; have it sealed anew");
      }
    },
  };
}

function rawKeys(key: KeyObject): KeyPair {
  const { x, d } = key.export({ format: "jwk" });
  return { publicKey: fromBase64url(x), privateKey: fromBase64url(d) };
}

// A JSON Web Key must hold the public key as well, which PKCS #8 (RFC 8410 section 7) need not.
function importEd25519(privateKey: Uint8Array): KeyObject {
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex");
  return createPrivateKey({
    key: Buffer.concat([prefix, privateKey]),
    format: "der",
    type: "pkcs8",
  });
}

function fromBase64url(text: string | undefined): Uint8Array {
  return bytes(Buffer.from(text ?? "", "base64url"));
}

/** Nothing outside should see that these are Buffers. */
function bytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

function buffer(view: Uint8Array): ArrayBuffer {
  return new Uint8Array(view).buffer;
}
