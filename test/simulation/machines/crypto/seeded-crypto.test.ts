import { createCipheriv, createHash, createHmac, generateKeyPairSync, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { makeRandom } from "../../kernel/random.ts";
import { makeSeededControlPlaneCrypto, makeSeededCrypto, uuidOf } from "./seeded-crypto.ts";
import { storedCompression } from "./stored-compression.ts";

const crypto = makeSeededCrypto(makeRandom("one"));
const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);

describe("the seeded crypto", () => {
  test("computes what node:crypto computes, also when a key comes again", () => {
    for (const round of [1, 2, 3]) {
      const key = crypto.randomBytes(16);
      for (const blocks of [1, 2, 5]) {
        const [iv, data] = [crypto.randomBytes(16), crypto.randomBytes(16 * blocks)];
        const cipher = createCipheriv("aes-128-cbc", key, iv).setAutoPadding(false);
        const encrypted = crypto.aesCbcEncrypt(key, iv, data);
        expect(Buffer.compare(encrypted, cipher.update(data)), `round ${round}`).toBe(0);
        expect(crypto.aesCbcDecrypt(key, iv, encrypted)).toEqual(data);
        for (const name of ["md5", "sha1", "sha256"] as const) {
          const code = createHmac(name, key).update(data).digest();
          expect(Buffer.compare(crypto.hmac(name, key, data), code)).toBe(0);
        }
      }
    }
    const hash = crypto.hash("sha256");
    hash.update(text("a"));
    hash.update(text("b"));
    expect(Buffer.from(hash.digest())).toEqual(createHash("sha256").update("ab").digest());
  });

  test("signs so that node:crypto and the control plane's port accept it, and nothing else", async () => {
    const { publicKey, privateKey } = crypto.makeSigningKeys();
    const signature = Uint8Array.from(crypto.sign(privateKey, text("hello")));
    const x = Buffer.from(publicKey).toString("base64url");
    const key = { key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" } as const;
    expect(verify(null, text("hello"), key, signature)).toBe(true);
    const plane = makeSeededControlPlaneCrypto(makeRandom("plane"));
    const raw = Uint8Array.from(publicKey);
    expect(await plane.verify(raw, signature, text("hello"))).toBe(true);
    expect(await plane.verify(raw, signature, text("hullo"))).toBe(false);
    expect(await plane.verify(Uint8Array.of(1), signature, text("hello"))).toBe(false);
    const other = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }).x ?? "";
    const stranger = Uint8Array.from(Buffer.from(other, "base64url"));
    expect(await plane.verify(stranger, signature, text("hello"))).toBe(false);
  });

  test("opens what was sealed only with the right key, data and text", async () => {
    const [mine, other] = [crypto.makeSealingKeys(), crypto.makeSealingKeys()];
    const secret = text("a password of twenty");
    const sealed = await crypto.seal(mine.publicKey, secret, text("who and what"));
    const { enc, ciphertext } = sealed;
    expect(Buffer.from(ciphertext).includes("password")).toBe(false);
    expect(await crypto.open(mine.privateKey, sealed, text("who and what"))).toEqual({
      ok: true,
      value: secret,
    });
    const changed = Uint8Array.from(ciphertext);
    changed[0] = (changed[0] ?? 0) ^ 1;
    const wrong = [
      await crypto.open(other.privateKey, sealed, text("who and what")),
      await crypto.open(mine.privateKey, sealed, text("who or what")),
      await crypto.open(mine.privateKey, { enc, ciphertext: changed }, text("who and what")),
      await crypto.open(mine.privateKey, { enc, ciphertext: text("short") }, text("who and what")),
      await crypto.open(mine.publicKey, sealed, text("who and what")),
    ];
    expect(wrong.map((each) => (each.ok ? "opened" : each.error.kind))).toEqual(
      wrong.map(() => "sealed"),
    );
  });

  test("draws the same from the same seed, and names UUIDs of version 4", () => {
    const drawn = (seed: string): string => makeSeededCrypto(makeRandom(seed)).randomUuid();
    expect(drawn("x")).toBe(drawn("x"));
    expect(drawn("x")).not.toBe(drawn("y"));
    expect(uuidOf(new Uint8Array(16).fill(0xff))).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
  });
});

test("stored bytes come back, within their bound", async () => {
  const packed = await storedCompression.zstdCompress(text("some bytes"), 1);
  expect(await storedCompression.zstdDecompress(packed, 10)).toEqual({
    ok: true,
    value: text("some bytes"),
  });
  expect(await storedCompression.zstdDecompress(packed, 9)).toMatchObject({
    error: { kind: "too-large" },
  });
  expect(await storedCompression.zstdDecompress(text("no frame"), 99)).toMatchObject({
    error: { kind: "corrupt" },
  });
});
