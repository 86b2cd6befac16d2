// HMAC and AES-128-CBC of simulated processes, for their thousands of small packets: they keep what those promise to
// people without a laboratory (another key, another text: another code; only the key and the vector that hid a text
// show it), with the same lengths, for a tenth of the time. Both ends of a packet need them: never for anything but
// tests. The mixing is MurmurHash3's (Austin Appleby), four lanes of it.
import type { Crypto, HashName } from "../../../../site-agent/ports.ts";

const digestBytes: Readonly<Record<HashName, number>> = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  sha512: 64,
};

export const sessionCiphers: Pick<Crypto, "hmac" | "aesCbcEncrypt" | "aesCbcDecrypt"> = {
  hmac(name, key, data) {
    const length = digestBytes[name];
    const lanes = absorb(absorb([length, key.length, data.length, 1], key), data);
    return exclusiveOr(new Uint8Array(length), lanes);
  },
  aesCbcEncrypt: (key, iv, data) => exclusiveOr(data, streamOf(key, iv)),
  aesCbcDecrypt: (key, iv, data) => exclusiveOr(data, streamOf(key, iv)),
};

type Lanes = [number, number, number, number];

function streamOf(key: Uint8Array, iv: Uint8Array): Lanes {
  return absorb(absorb([key.length, iv.length, 2, 3], key), iv);
}

/** Each lane takes every byte in, with a factor of its own. */
function absorb([a, b, c, d]: Lanes, bytes: Uint8Array): Lanes {
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]! + 1;
    a = Math.imul(a ^ byte, 0x85ebca6b);
    a ^= a >>> 13;
    b = Math.imul(b ^ byte, 0xc2b2ae35);
    b ^= b >>> 15;
    c = Math.imul(c ^ byte, 0xcc9e2d51);
    c ^= c >>> 14;
    d = Math.imul(d ^ byte, 0x1b873593);
    d ^= d >>> 16;
  }
  return [mix(a ^ b), mix(b ^ c), mix(c ^ d), mix(d ^ a)];
}

function mix(lane: number): number {
  let value = lane;
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}

/** A new text, with as many bytes of the lanes as it is long. */
function exclusiveOr(text: Uint8Array, lanes: Lanes): Uint8Array {
  const out = new Uint8Array(text.length);
  let word = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (at % 4 === 0) {
      const lane = (at >> 2) & 3;
      word = mix(lanes[lane]! + Math.imul(at + 1, 0x9e3779b1));
    }
    out[at] = text[at]! ^ (word & 0xff);
    word >>>= 8;
  }
  return out;
}
