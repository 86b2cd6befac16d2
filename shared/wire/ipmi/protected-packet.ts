// Packets of an RMCP+ session: AES-CBC padding and the authentication code at the end (IPMI 2.0
// sections 13.28.4 and 13.29). Brings no ciphers: they come in as arguments.
import { concatBytes } from "@noble/hashes/utils.js";
import type { CipherSuite } from "./cipher-suites.table.ts";
import {
  decodeSessionPacket,
  encodeRmcpPlusPacket,
  payloadType,
  rmcpPlusHeaderBytes,
} from "./session-packet.ts";

export interface SessionCiphers {
  hmac(name: "sha1" | "sha256", key: Uint8Array, data: Uint8Array): Uint8Array;
  /** AES-128-CBC without padding. */
  aesCbcEncrypt(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array;
  aesCbcDecrypt(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array;
  constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean;
}

export interface SessionKeys {
  readonly suite: CipherSuite;
  /** K1: authenticates packets. */
  readonly integrityKey: Uint8Array;
  /** The first 16 bytes of K2. */
  readonly aesKey: Uint8Array;
}

const blockBytes = 16;
const nextHeader = 0x07;

/**
 * K1 and K2 from the session integrity key (section 13.32). The constants are 20 bytes long for
 * SHA-256, too: all implementations agree on that, whatever the text says.
 */
export function deriveSessionKeys(
  suite: CipherSuite,
  sessionIntegrityKey: Uint8Array,
  ciphers: Pick<SessionCiphers, "hmac">,
): SessionKeys {
  const key = (constant: number): Uint8Array =>
    ciphers.hmac(suite.hash, sessionIntegrityKey, new Uint8Array(20).fill(constant));
  return { suite, integrityKey: key(1), aesKey: key(2).subarray(0, blockBytes) };
}

export interface ProtectedMessage {
  /** Of the receiver. */
  readonly sessionId: number;
  readonly sequence: number;
  /** An IPMI message in the clear. */
  readonly message: Uint8Array;
}

/** Encrypts and authenticates; `iv` is 16 fresh random bytes. Returns what follows the RMCP header. */
export function sealPacket(
  content: ProtectedMessage,
  iv: Uint8Array,
  keys: SessionKeys,
  ciphers: SessionCiphers,
): Uint8Array {
  const encrypted = ciphers.aesCbcEncrypt(keys.aesKey, iv, padToBlocks(content.message));
  const packet = encodeRmcpPlusPacket({
    payloadType: payloadType.ipmi,
    encrypted: true,
    authenticated: true,
    sessionId: content.sessionId,
    sequence: content.sequence,
    payload: concatBytes(iv, encrypted),
  });
  // Pad so that everything the code covers, both trailer bytes included, is a multiple of four.
  const padBytes = (4 - ((packet.length + 2) % 4)) % 4;
  const covered = concatBytes(
    packet,
    new Uint8Array(padBytes).fill(0xff),
    Uint8Array.of(padBytes, nextHeader),
  );
  return concatBytes(covered, authCode(covered, keys, ciphers));
}

/** Undefined unless the packet is encrypted, authenticated and whole under these keys. */
export function openPacket(
  body: Uint8Array,
  keys: SessionKeys,
  ciphers: SessionCiphers,
): ProtectedMessage | undefined {
  const decoded = decodeSessionPacket(body);
  if (decoded?.format !== "2.0") return undefined;
  const { packet } = decoded;
  if (!packet.encrypted || !packet.authenticated) return undefined;
  if (packet.payloadType !== payloadType.ipmi) return undefined;

  const codeStart = body.length - keys.suite.authCodeBytes;
  if (codeStart < rmcpPlusHeaderBytes + packet.payload.length + 2) return undefined;
  const expected = authCode(body.subarray(0, codeStart), keys, ciphers);
  if (!ciphers.constantTimeEqual(expected, body.subarray(codeStart))) return undefined;

  const encryptedBytes = packet.payload.length - blockBytes;
  if (encryptedBytes < blockBytes || encryptedBytes % blockBytes !== 0) return undefined;
  const iv = packet.payload.subarray(0, blockBytes);
  const padded = ciphers.aesCbcDecrypt(keys.aesKey, iv, packet.payload.subarray(blockBytes));
  const message = unpad(padded);
  if (message === undefined) return undefined;
  return { sessionId: packet.sessionId, sequence: packet.sequence, message };
}

function authCode(
  covered: Uint8Array,
  keys: SessionKeys,
  ciphers: Pick<SessionCiphers, "hmac">,
): Uint8Array {
  const code = ciphers.hmac(keys.suite.hash, keys.integrityKey, covered);
  return code.subarray(0, keys.suite.authCodeBytes);
}

/** Appends 01h 02h 03h … and their count, up to a whole block (section 13.29). */
export function padToBlocks(message: Uint8Array): Uint8Array {
  const padBytes = (blockBytes - ((message.length + 1) % blockBytes)) % blockBytes;
  const pad = Uint8Array.from({ length: padBytes }, (_, index) => index + 1);
  return concatBytes(message, pad, Uint8Array.of(padBytes));
}

// The values of pad bytes are not checked: the code has proved the packet, and some BMCs pad with 0.
function unpad(padded: Uint8Array): Uint8Array | undefined {
  const padBytes = padded.at(-1) ?? 0;
  const end = padded.length - 1 - padBytes;
  return end < 0 ? undefined : padded.subarray(0, end);
}
