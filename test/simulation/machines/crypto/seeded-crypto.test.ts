import { createHash, generateKeyPairSync, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { makeRandom } from "../../kernel/random.ts";
import { makeSeededControlPlaneCrypto, makeSeededCrypto, uuidOf } from "./seeded-crypto.ts";
import { storedCompression } from "./stored-compression.ts";

const crypto = makeSeededCrypto(makeRandom("one"));
const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);

function changed(bytes: Uint8Array, at = 0): Uint8Array {
  const other = Uint8Array.from(bytes);
  other[at] = (other[at] ?? 0) ^ 1;
  return other;
}

describe("the seeded crypto", () => {
  test("shows a hidden text to who has its key and its vector, and to nobody else", () => {
    const [key, iv, data] = [crypto.randomBytes(16), crypto.randomBytes(16), text("a".repeat(32))];
    const hidden = crypto.aesCbcEncrypt(key, iv, data);
    expect(hidden.length).toBe(32);
    expect(Buffer.from(hidden).includes("aa")).toBe(false);
    expect(crypto.aesCbcDecrypt(key, iv, hidden)).toEqual(data);
    for (const [otherKey, otherVector] of [
      [changed(key), iv],
      [key, changed(iv)],
      [iv, key],
    ] as const) {
      expect(crypto.aesCbcDecrypt(otherKey, otherVector, hidden)).not.toEqual(data);
    }
  });

  test("gives each key, text and hash a code of its own, as long as the hash", () => {
    const lengths = { md5: 16, sha1: 20, sha256: 32 } as const;
    const [key, data] = [crypto.randomBytes(20), crypto.randomBytes(60)];
    const codes = new Set<string>();
    for (const name of ["md5", "sha1", "sha256"] as const) {
      const code = crypto.hmac(name, key, data);
      expect(code.length).toBe(lengths[name]);
      expect(crypto.hmac(name, Uint8Array.from(key), Uint8Array.from(data))).toEqual(code);
      codes.add(Buffer.from(code).toString("hex"));
      for (let at = 0; at < key.length; at += 1) {
        codes.add(Buffer.from(crypto.hmac(name, changed(key, at), data)).toString("hex"));
      }
      for (let at = 0; at < data.length; at += 1) {
        codes.add(Buffer.from(crypto.hmac(name, key, changed(data, at))).toString("hex"));
      }
      codes.add(Buffer.from(crypto.hmac(name, key, data.subarray(1))).toString("hex"));
    }
    expect(codes.size).toBe(3 * (1 + 20 + 60 + 1));
    expect(new Set([...codes].map((code) => code.slice(0, 24))).size).toBe(codes.size);
  });

  test("hashes as node:crypto does", () => {
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
    const wrong = [
      await crypto.open(other.privateKey, sealed, text("who and what")),
      await crypto.open(mine.privateKey, sealed, text("who or what")),
      await crypto.open(
        mine.privateKey,
        { enc, ciphertext: changed(ciphertext) },
        text("who and what"),
      ),
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
