// The BMC's side of Open Session and RAKP 1 to 4 (IPMI 2.0 sections 13.17 to 13.23). A message that is
// repeated gets the same answer again.
import { privilege } from "../../../shared/wire/ipmi/application-commands.ts";
import { readUint32 } from "../../../shared/wire/ipmi/byte-order.ts";
import { findCipherSuite } from "../../../shared/wire/ipmi/cipher-suites.table.ts";
import type { CipherSuiteId } from "../../../shared/wire/ipmi/cipher-suites.table.ts";
import {
  decodeOpenSessionRequest,
  encodeOpenSessionResponse,
} from "../../../shared/wire/ipmi/open-session.ts";
import { deriveSessionKeys } from "../../../shared/wire/ipmi/protected-packet.ts";
import {
  decodeRakp1,
  decodeRakp3,
  encodeRakp2,
  encodeRakp4,
  encodeRakpHead,
  nameOnlyLookup,
  rakp2Input,
  rakp3Input,
  rakp4Input,
  sessionIntegrityKeyInput,
} from "../../../shared/wire/ipmi/rakp.ts";
import { rakpStatus } from "../../../shared/wire/ipmi/rakp-status.table.ts";
import { payloadType } from "../../../shared/wire/ipmi/session-packet.ts";
import type { Crypto } from "../../../site-agent/ports.ts";
import type { Faults } from "./faults.ts";
import type { SessionTable, SimulatedSession, SimulatedUser } from "./session-table.ts";

/** What a test wants to know about logins. */
export interface LoginRecord {
  /** RAKP 1 messages: a user name was tried. */
  attempts: number;
  /** Unknown names and wrong proofs. A console that stops after RAKP 2 has not failed. */
  failures: number;
  /** Cipher suites of the sessions that were opened. */
  logins: CipherSuiteId[];
}

export interface SetupState {
  readonly users: readonly SimulatedUser[];
  readonly guid: Uint8Array;
  readonly suites: readonly CipherSuiteId[];
  readonly sessions: SessionTable;
  readonly record: LoginRecord;
  readonly faults: Faults;
  readonly crypto: Crypto;
}

export interface SetupAnswer {
  readonly payloadType: number;
  readonly payload: Uint8Array;
}

/** Undefined: nothing to say to that. */
export function answerSetup(
  type: number,
  payload: Uint8Array,
  bmc: SetupState,
  nowMs: number,
): SetupAnswer | undefined {
  switch (type) {
    case payloadType.openSessionRequest:
      return answerOpenSession(payload, bmc, nowMs);
    case payloadType.rakp1:
      return answerRakp1(payload, bmc, nowMs);
    case payloadType.rakp3:
      return answerRakp3(payload, bmc, nowMs);
    default:
      return undefined;
  }
}

function answerOpenSession(
  payload: Uint8Array,
  bmc: SetupState,
  nowMs: number,
): SetupAnswer | undefined {
  const request = decodeOpenSessionRequest(payload);
  if (request === undefined) return undefined;
  const { tag, consoleSessionId } = request;
  const type = payloadType.openSessionResponse;
  const refuse = (status: number): SetupAnswer => ({
    payloadType: type,
    payload: encodeOpenSessionResponse({ tag, status, consoleSessionId }),
  });

  const suite = findCipherSuite(request.algorithms);
  if (suite === undefined || !bmc.suites.includes(suite.id)) return refuse(rakpStatus.noSuite);
  const refusal = bmc.faults.refusedSuites[suite.id];
  if (refusal !== undefined) return refuse(refusal);

  // Privilege 0 asks for the highest.
  const maximumPrivilege = request.privilege === 0 ? privilege.administrator : request.privilege;
  const bmcSessionId = readUint32(bmc.crypto.randomBytes(4), 0) | 1;
  const ids = { consoleSessionId, bmcSessionId: bmcSessionId >>> 0 };
  const session = bmc.sessions.add({ ...ids, suite, maximumPrivilege }, nowMs);
  if (session === undefined) return refuse(rakpStatus.noResources);
  return {
    payloadType: type,
    payload: encodeOpenSessionResponse({
      tag,
      status: rakpStatus.ok,
      privilege: maximumPrivilege,
      ...ids,
      algorithms: suite,
    }),
  };
}

function answerRakp1(payload: Uint8Array, bmc: SetupState, nowMs: number): SetupAnswer | undefined {
  const message = decodeRakp1(payload);
  if (message === undefined) return undefined;
  const session = bmc.sessions.get(message.bmcSessionId, nowMs);
  const consoleSessionId = session?.consoleSessionId ?? 0;
  const refuse = (status: number): SetupAnswer => ({
    payloadType: payloadType.rakp2,
    payload: encodeRakpHead({ tag: message.tag, status, consoleSessionId }),
  });
  if (session === undefined || session.keys !== undefined) return refuse(rakpStatus.badSessionId);

  bmc.record.attempts += 1;
  const name = new TextDecoder().decode(message.userName);
  const user = bmc.users.find((known) => known.name === name);
  if (user === undefined) {
    bmc.record.failures += 1;
    return refuse(rakpStatus.unknownName);
  }
  const wanted = message.role & ~nameOnlyLookup;
  if (wanted > privilege[user.privilege]) return refuse(rakpStatus.badRole);

  const known = session.handshake?.values;
  const repeated = known !== undefined && equal(known.consoleRandom, message.consoleRandom);
  const values = {
    consoleSessionId,
    bmcSessionId: session.bmcSessionId,
    consoleRandom: message.consoleRandom.slice(),
    bmcRandom: repeated ? known.bmcRandom : bmc.crypto.randomBytes(16),
    bmcGuid: bmc.guid,
    role: message.role,
    userName: message.userName.slice(),
  };
  session.handshake = { values, user };
  session.usedMs = nowMs;
  const code = bmc.crypto.hmac(session.suite.hash, key(user), rakp2Input(values));
  const { bmcRandom, bmcGuid } = values;
  return {
    payloadType: payloadType.rakp2,
    payload: encodeRakp2({
      tag: message.tag,
      status: 0,
      consoleSessionId,
      bmcRandom,
      bmcGuid,
      code,
    }),
  };
}

function answerRakp3(payload: Uint8Array, bmc: SetupState, nowMs: number): SetupAnswer | undefined {
  const message = decodeRakp3(payload);
  if (message === undefined) return undefined;
  const session = bmc.sessions.get(message.bmcSessionId, nowMs);
  const handshake = session?.handshake;
  const consoleSessionId = session?.consoleSessionId ?? 0;
  const refuse = (status: number): SetupAnswer => ({
    payloadType: payloadType.rakp4,
    payload: encodeRakpHead({ tag: message.tag, status, consoleSessionId }),
  });
  if (session === undefined || handshake === undefined) return refuse(rakpStatus.badSessionId);
  if (message.status !== 0) {
    bmc.sessions.delete(session.bmcSessionId);
    return undefined;
  }

  const { hash, authCodeBytes } = session.suite;
  const password = key(handshake.user);
  const expected = bmc.crypto.hmac(hash, password, rakp3Input(handshake.values));
  if (!equal(expected, message.code)) {
    bmc.record.failures += 1;
    bmc.sessions.delete(session.bmcSessionId);
    return refuse(rakpStatus.badCheckValue);
  }
  const integrityKey = bmc.crypto.hmac(hash, password, sessionIntegrityKeyInput(handshake.values));
  openSession(session, integrityKey, bmc, nowMs);
  const checkValue = bmc.crypto.hmac(hash, integrityKey, rakp4Input(handshake.values));
  return {
    payloadType: payloadType.rakp4,
    payload: encodeRakp4({
      tag: message.tag,
      status: 0,
      consoleSessionId,
      checkValue: checkValue.subarray(0, authCodeBytes),
    }),
  };
}

function openSession(
  session: SimulatedSession,
  integrityKey: Uint8Array,
  bmc: SetupState,
  nowMs: number,
): void {
  session.usedMs = nowMs;
  if (session.keys !== undefined) return;
  session.keys = deriveSessionKeys(session.suite, integrityKey, bmc.crypto);
  // Section 22.18: a session begins with user privilege.
  session.privilege = privilege.user;
  bmc.record.logins.push(session.suite.id);
}

function key(user: SimulatedUser): Uint8Array {
  return new TextEncoder().encode(user.password);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
