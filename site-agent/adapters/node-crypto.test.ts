// Vectors from the standards, and one HPKE text from another implementation.
import { createPublicKey, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeNodeCrypto } from "./node-crypto.ts";

const crypto = makeNodeCrypto();
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const bytes = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value, "hex"));
const hex = (value: Uint8Array): string => Buffer.from(value).toString("hex");

describe("randomness", () => {
  it("differs each time and has the length asked for", () => {
    expect(crypto.randomBytes(16)).toHaveLength(16);
    expect(hex(crypto.randomBytes(16))).not.toBe(hex(crypto.randomBytes(16)));
    expect(crypto.randomUuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/);
  });
});

describe("digests", () => {
  it.each([
    ["md5", "900150983cd24fb0d6963f7d28e17f72"],
    ["sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"],
    ["sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ] as const)("%s of abc is what RFC 1321 and FIPS 180-4 say", (name, digest) => {
    const hash = crypto.hash(name);
    hash.update(text("a"));
    hash.update(text("bc"));
    expect(hex(hash.digest())).toBe(digest);
  });

  it("HMAC is what RFC 2202 and RFC 4231 say", () => {
    const key = text("Jefe");
    const data = text("what do ya want for nothing?");
    expect(hex(crypto.hmac("sha1", key, data))).toBe("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    expect(hex(crypto.hmac("sha256", key, data))).toBe(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
  });
});

describe("AES-128-CBC", () => {
  it("is what NIST SP 800-38A F.2.1 says, without padding", () => {
    const key = bytes("2b7e151628aed2a6abf7158809cf4f3c");
    const iv = bytes("000102030405060708090a0b0c0d0e0f");
    const plain = bytes("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    const encrypted = crypto.aesCbcEncrypt(key, iv, plain);
    expect(hex(encrypted)).toBe("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
    expect(hex(crypto.aesCbcDecrypt(key, iv, encrypted))).toBe(hex(plain));
  });
});

describe("signatures", () => {
  it("are what RFC 8032 section 7.1 test 2 says", () => {
    const privateKey = bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    expect(hex(crypto.sign(privateKey, bytes("72")))).toBe(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    );
  });

  it("verify with the public key of the pair", () => {
    const keys = crypto.makeSigningKeys();
    expect([keys.publicKey.length, keys.privateKey.length]).toEqual([32, 32]);
    const x = Buffer.from(keys.publicKey).toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    const signature = crypto.sign(keys.privateKey, text("hello"));
    expect(verify(null, text("hello"), key, signature)).toBe(true);
    expect(verify(null, text("hullo"), key, signature)).toBe(false);
  });
});

describe("sealing", () => {
  /** Made by crypto/hpke of Go 1.26: X25519, HKDF-SHA256, AES-256-GCM, base mode, no info. */
  const foreign = {
    privateKey: text("a key of 32 bytes for the test !"),
    sealed: {
      enc: bytes("57442cb9e02e792c0753332525f4cca75e3e806fb4ab91d833dcc74a013fd40f"),
      ciphertext: bytes("4525ca483a238b6186eb6737c21ae0cd3e6166306355e745989499bf"),
    },
    aad: text("site-a"),
  };

  it("opens what another implementation has sealed", async () => {
    const opened = await crypto.open(foreign.privateKey, foreign.sealed, foreign.aad);
    expect(opened).toEqual({ ok: true, value: text("the password") });
  });

  it("seals to a new pair of keys, differently each time", async () => {
    const keys = crypto.makeSealingKeys();
    expect([keys.publicKey.length, keys.privateKey.length]).toEqual([32, 32]);
    const sealed = await crypto.seal(keys.publicKey, text("secret"), text("aad"));
    const again = await crypto.seal(keys.publicKey, text("secret"), text("aad"));
    expect(hex(sealed.enc)).not.toBe(hex(again.enc));
    for (const one of [sealed, again]) {
      const opened = await crypto.open(keys.privateKey, one, text("aad"));
      expect(opened).toEqual({ ok: true, value: text("secret") });
    }
  });

  it("says sealed when key, text or associated data belong to something else", async () => {
    const { privateKey, sealed, aad } = foreign;
    const flipped = sealed.ciphertext.slice();
    flipped[0] = (flipped[0] ?? 0) ^ 1;
    const attempts = [
      crypto.open(crypto.makeSealingKeys().privateKey, sealed, aad),
      crypto.open(privateKey, { ...sealed, ciphertext: flipped }, aad),
      crypto.open(privateKey, { ...sealed, enc: sealed.enc.slice(1) }, aad),
      crypto.open(privateKey, { ...sealed, ciphertext: new Uint8Array() }, aad),
      crypto.open(privateKey, sealed, text("site-b")),
      crypto.open(new Uint8Array(5), sealed, aad),
    ];
    for (const attempt of attempts) {
      expect(await attempt).toMatchObject({ ok: false, error: { kind: "sealed" } });
    }
  });
});

describe("constantTimeEqual", () => {
  it("compares bytes, and says no for different lengths", () => {
    expect(crypto.constantTimeEqual(text("abc"), text("abc"))).toBe(true);
    expect(crypto.constantTimeEqual(text("abc"), text("abd"))).toBe(false);
    expect(crypto.constantTimeEqual(text("abc"), text("ab"))).toBe(false);
  });
});
