// One attempt to open an RMCP+ session with one cipher suite and one privilege: Open Session, RAKP 1
// to 4 (IPMI 2.0 section 13.15). Says what happened; what to try next is login.ts.
import { cipherSuites } from "../../../shared/wire/ipmi/cipher-suites.table.ts";
import type { CipherSuite, CipherSuiteId } from "../../../shared/wire/ipmi/cipher-suites.table.ts";
import {
  decodeOpenSessionResponse,
  encodeOpenSessionRequest,
} from "../../../shared/wire/ipmi/open-session.ts";
import { deriveSessionKeys } from "../../../shared/wire/ipmi/protected-packet.ts";
import {
  decodeRakp2,
  decodeRakp4,
  encodeRakp1,
  encodeRakp3,
  nameOnlyLookup,
  randomBytes,
  rakp2Input,
  rakp3Input,
  rakp4Input,
  sessionIntegrityKeyInput,
} from "../../../shared/wire/ipmi/rakp.ts";
import type { Handshake } from "../../../shared/wire/ipmi/rakp.ts";
import {
  decodeSessionPacket,
  encodeSetupPacket,
  payloadType,
} from "../../../shared/wire/ipmi/session-packet.ts";
import { readUint32 } from "../../../shared/wire/ipmi/byte-order.ts";
import type { BmcSocket } from "./bmc-socket.ts";
import { makeIpmiSession } from "./ipmi-session.ts";
import type { IpmiSession, SessionCrypto, SessionIds } from "./ipmi-session.ts";
import { timing } from "./timing.table.ts";

type HandshakeStep = "Open Session" | "RAKP 2" | "RAKP 4";

export type HandshakeOutcome =
  | { readonly kind: "open"; readonly session: IpmiSession }
  | { readonly kind: "silent"; readonly step: HandshakeStep }
  | { readonly kind: "refused"; readonly step: HandshakeStep; readonly status: number }
  /** RAKP 2 proves that the BMC has another password for this user; no login has failed yet. */
  | { readonly kind: "wrong-password" }
  /** RAKP 4 does not fit the password that RAKP 2 fitted. */
  | { readonly kind: "wrong-proof" };

export interface HandshakeOptions {
  readonly suite: CipherSuiteId;
  readonly privilege: number;
  readonly userName: Uint8Array;
  readonly password: Uint8Array;
}

interface Attempt extends HandshakeOptions {
  readonly socket: BmcSocket;
  readonly crypto: SessionCrypto;
  readonly algorithms: CipherSuite;
  readonly firstTag: number;
}

type Step<T> = { readonly end: HandshakeOutcome } | { readonly end?: never; readonly got: T };

export async function shakeHands(
  socket: BmcSocket,
  crypto: SessionCrypto,
  options: HandshakeOptions,
): Promise<HandshakeOutcome> {
  const attempt: Attempt = {
    ...options,
    socket,
    crypto,
    algorithms: cipherSuites[options.suite],
    firstTag: crypto.randomBytes(1)[0] ?? 0,
  };
  const ids = await openSession(attempt);
  if (ids.end !== undefined) return ids.end;
  const handshake = await exchangeRandomNumbers(attempt, ids.got);
  if (handshake.end !== undefined) return handshake.end;
  return proveBothSides(attempt, handshake.got);
}

async function openSession(attempt: Attempt): Promise<Step<SessionIds>> {
  // A new id for each attempt: answers to an earlier one cannot be taken for answers to this one.
  const consoleSessionId = makeSessionId(attempt.crypto);
  const tag = attempt.firstTag;
  const response = await exchangeSetup(attempt.socket, {
    send: payloadType.openSessionRequest,
    expect: payloadType.openSessionResponse,
    payload: encodeOpenSessionRequest({
      tag,
      privilege: attempt.privilege,
      consoleSessionId,
      algorithms: attempt.algorithms,
    }),
    decode: withTag(tag, decodeOpenSessionResponse),
    waitsMs: timing.sessionWaitsMs,
  });
  if (response === undefined) return { end: { kind: "silent", step: "Open Session" } };
  return "bmcSessionId" in response
    ? { got: { consoleSessionId, bmcSessionId: response.bmcSessionId } }
    : { end: { kind: "refused", step: "Open Session", status: response.status } };
}

/** RAKP 1 and 2. A wrong password shows here. */
async function exchangeRandomNumbers(attempt: Attempt, ids: SessionIds): Promise<Step<Handshake>> {
  const { crypto, userName } = attempt;
  const tag = (attempt.firstTag + 1) & 0xff;
  const role = nameOnlyLookup | attempt.privilege;
  const consoleRandom = crypto.randomBytes(randomBytes);
  const response = await exchangeSetup(attempt.socket, {
    send: payloadType.rakp1,
    expect: payloadType.rakp2,
    payload: encodeRakp1({ tag, bmcSessionId: ids.bmcSessionId, consoleRandom, role, userName }),
    decode: withTag(tag, decodeRakp2),
    waitsMs: timing.rakp1WaitsMs,
  });
  if (response === undefined) return { end: { kind: "silent", step: "RAKP 2" } };
  if (!("code" in response)) {
    return { end: { kind: "refused", step: "RAKP 2", status: response.status } };
  }
  const { bmcRandom, bmcGuid, code } = response;
  const handshake = { ...ids, consoleRandom, bmcRandom, bmcGuid, role, userName };
  const { hash, exchangeCodeBytes } = attempt.algorithms;
  const expected = crypto.hmac(hash, attempt.password, rakp2Input(handshake));
  return crypto.constantTimeEqual(expected, code.subarray(0, exchangeCodeBytes))
    ? { got: handshake }
    : { end: { kind: "wrong-password" } };
}

/** RAKP 3 and 4, then the keys. */
async function proveBothSides(attempt: Attempt, handshake: Handshake): Promise<HandshakeOutcome> {
  const { crypto, password, algorithms } = attempt;
  const tag = (attempt.firstTag + 2) & 0xff;
  const response = await exchangeSetup(attempt.socket, {
    send: payloadType.rakp3,
    expect: payloadType.rakp4,
    payload: encodeRakp3({
      tag,
      status: 0,
      bmcSessionId: handshake.bmcSessionId,
      code: crypto.hmac(algorithms.hash, password, rakp3Input(handshake)),
    }),
    decode: withTag(tag, decodeRakp4),
    waitsMs: timing.sessionWaitsMs,
  });
  if (response === undefined) return { kind: "silent", step: "RAKP 4" };
  if (!("checkValue" in response)) {
    return { kind: "refused", step: "RAKP 4", status: response.status };
  }
  const key = crypto.hmac(algorithms.hash, password, sessionIntegrityKeyInput(handshake));
  const expected = crypto
    .hmac(algorithms.hash, key, rakp4Input(handshake))
    .subarray(0, algorithms.authCodeBytes);
  if (!crypto.constantTimeEqual(expected, response.checkValue)) return { kind: "wrong-proof" };
  const keys = deriveSessionKeys(algorithms, key, crypto);
  return { kind: "open", session: makeIpmiSession(attempt.socket, crypto, keys, handshake) };
}

interface SetupExchange<T> {
  readonly send: number;
  readonly expect: number;
  readonly payload: Uint8Array;
  decode(payload: Uint8Array): T | undefined;
  readonly waitsMs: readonly number[];
}

async function exchangeSetup<T>(
  socket: BmcSocket,
  exchange: SetupExchange<T>,
): Promise<T | undefined> {
  const answer = await socket.exchange({
    packet: () => encodeSetupPacket(exchange.send, exchange.payload),
    match(body) {
      const decoded = decodeSessionPacket(body);
      if (decoded?.format !== "2.0" || decoded.packet.payloadType !== exchange.expect) {
        return undefined;
      }
      return exchange.decode(decoded.packet.payload);
    },
    waitsMs: exchange.waitsMs,
  });
  return answer.ok ? answer.value : undefined;
}

/** Only the answer to this step: late answers to earlier ones carry another tag. */
function withTag<T extends { readonly tag: number }>(
  tag: number,
  decode: (payload: Uint8Array) => T | undefined,
): (payload: Uint8Array) => T | undefined {
  return (payload) => {
    const message = decode(payload);
    return message?.tag === tag ? message : undefined;
  };
}

function makeSessionId(crypto: SessionCrypto): number {
  const id = readUint32(crypto.randomBytes(4), 0);
  return id === 0 ? 1 : id;
}
