// RAKP messages 1 to 4, by which console and BMC prove to each other that they know the password,
// and the byte strings that go into their HMACs (IPMI 2.0 sections 13.20 to 13.24 and 13.31).
import { concatBytes } from "@noble/hashes/utils.js";
import { readUint32, uint32Bytes } from "./byte-order.ts";

export const randomBytes = 16;
/** User names are at most 16 bytes (section 13.20), passwords at most 20 (section 22.30). */
export const userNameLimitBytes = 16;
export const passwordLimitBytes = 20;

/** All that both sides know when RAKP 2 has passed. */
export interface Handshake {
  readonly consoleSessionId: number;
  readonly bmcSessionId: number;
  readonly consoleRandom: Uint8Array;
  readonly bmcRandom: Uint8Array;
  readonly bmcGuid: Uint8Array;
  /** Exactly the byte of RAKP 1, in every HMAC: privilege, with 10h for a look-up by name only. */
  readonly role: number;
  readonly userName: Uint8Array;
}

export const nameOnlyLookup = 0x10;

export function rakp2Input(handshake: Handshake): Uint8Array {
  return concatBytes(
    uint32Bytes(handshake.consoleSessionId),
    uint32Bytes(handshake.bmcSessionId),
    handshake.consoleRandom,
    handshake.bmcRandom,
    handshake.bmcGuid,
    roleAndName(handshake),
  );
}

export function rakp3Input(handshake: Handshake): Uint8Array {
  return concatBytes(
    handshake.bmcRandom,
    uint32Bytes(handshake.consoleSessionId),
    roleAndName(handshake),
  );
}

/** Keyed with Kg, or with the password where the BMC has no Kg. */
export function sessionIntegrityKeyInput(handshake: Handshake): Uint8Array {
  return concatBytes(handshake.consoleRandom, handshake.bmcRandom, roleAndName(handshake));
}

/** Keyed with the session integrity key and cut to the suite's `authCodeBytes`. */
export function rakp4Input(handshake: Handshake): Uint8Array {
  return concatBytes(
    handshake.consoleRandom,
    uint32Bytes(handshake.bmcSessionId),
    handshake.bmcGuid,
  );
}

function roleAndName(handshake: Handshake): Uint8Array {
  return concatBytes(Uint8Array.of(handshake.role, handshake.userName.length), handshake.userName);
}

export interface Rakp1 {
  readonly tag: number;
  readonly bmcSessionId: number;
  readonly consoleRandom: Uint8Array;
  readonly role: number;
  readonly userName: Uint8Array;
}

export function encodeRakp1(message: Rakp1): Uint8Array {
  return concatBytes(
    Uint8Array.of(message.tag, 0, 0, 0),
    uint32Bytes(message.bmcSessionId),
    message.consoleRandom,
    Uint8Array.of(message.role, 0, 0, message.userName.length),
    message.userName,
  );
}

export function decodeRakp1(payload: Uint8Array): Rakp1 | undefined {
  const nameBytes = payload[27];
  if (nameBytes === undefined || payload.length < 28 + nameBytes) return undefined;
  return {
    tag: payload[0] ?? 0,
    bmcSessionId: readUint32(payload, 4),
    consoleRandom: payload.subarray(8, 24),
    role: payload[24] ?? 0,
    userName: payload.subarray(28, 28 + nameBytes),
  };
}

/** RAKP 2 and 4 that say no: a status of rakp-status.table.ts and nothing more. */
export interface RakpRefusal {
  readonly tag: number;
  readonly status: number;
  readonly consoleSessionId: number;
}

export interface Rakp2 {
  readonly tag: number;
  readonly status: 0;
  readonly consoleSessionId: number;
  readonly bmcRandom: Uint8Array;
  readonly bmcGuid: Uint8Array;
  readonly code: Uint8Array;
}

export function encodeRakp2(message: Rakp2): Uint8Array {
  return concatBytes(encodeRakpHead(message), message.bmcRandom, message.bmcGuid, message.code);
}

export function decodeRakp2(payload: Uint8Array): Rakp2 | RakpRefusal | undefined {
  const head = decodeRakpHead(payload);
  if (head === undefined || head.status !== 0) return head;
  if (payload.length <= 40) return undefined;
  return {
    ...head,
    status: 0,
    bmcRandom: payload.subarray(8, 24),
    bmcGuid: payload.subarray(24, 40),
    code: payload.subarray(40),
  };
}

export interface Rakp3 {
  readonly tag: number;
  /** Not 0: the console gives up, for example because RAKP 2 was wrong. */
  readonly status: number;
  readonly bmcSessionId: number;
  readonly code: Uint8Array;
}

export function encodeRakp3(message: Rakp3): Uint8Array {
  return concatBytes(
    Uint8Array.of(message.tag, message.status, 0, 0),
    uint32Bytes(message.bmcSessionId),
    message.code,
  );
}

export function decodeRakp3(payload: Uint8Array): Rakp3 | undefined {
  const [tag, status] = payload;
  if (tag === undefined || status === undefined || payload.length < 8) return undefined;
  return { tag, status, bmcSessionId: readUint32(payload, 4), code: payload.subarray(8) };
}

export interface Rakp4 {
  readonly tag: number;
  readonly status: 0;
  readonly consoleSessionId: number;
  /** Cut to the suite's `authCodeBytes`. */
  readonly checkValue: Uint8Array;
}

export function encodeRakp4(message: Rakp4): Uint8Array {
  return concatBytes(encodeRakpHead(message), message.checkValue);
}

export function decodeRakp4(payload: Uint8Array): Rakp4 | RakpRefusal | undefined {
  const head = decodeRakpHead(payload);
  if (head === undefined || head.status !== 0) return head;
  return { ...head, status: 0, checkValue: payload.subarray(8) };
}

/** A refusal is a head alone. */
export function encodeRakpHead(message: RakpRefusal): Uint8Array {
  return concatBytes(
    Uint8Array.of(message.tag, message.status, 0, 0),
    uint32Bytes(message.consoleSessionId),
  );
}

function decodeRakpHead(payload: Uint8Array): RakpRefusal | undefined {
  const [tag, status] = payload;
  if (tag === undefined || status === undefined) return undefined;
  if (status === 0 && payload.length < 8) return undefined;
  return { tag, status, consoleSessionId: readUint32(payload, 4) };
}
