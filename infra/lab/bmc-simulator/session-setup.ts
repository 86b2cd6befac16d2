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
import type { Handshake } from "../../../shared/wire/ipmi/rakp.ts";
import { rakpStatus } from "../../../shared/wire/ipmi/rakp-status.table.ts";
import { payloadType } from "../../../shared/wire/ipmi/session-packet.ts";
import type { Clock, Crypto, UdpAddress } from "../../../site-agent/ports.ts";
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

/** Told what becomes of each login, for whoever has to know more than counts. */
export interface LoginWatch {
  /** RAKP 2 goes out: the console can see now whether the BMC has the password that it has. */
  asked(attempt: LoginAttempt): void;
  /** The login succeeded or failed. `proves`: whether the console's proof is made with this password. */
  ended(attempt: LoginAttempt, ok: boolean, proves: (password: string) => boolean): void;
}

export interface LoginAttempt {
  readonly user: string;
  readonly bmcSessionId: number;
  readonly from: UdpAddress;
}

export interface SetupState {
  readonly users: readonly SimulatedUser[];
  readonly guid: Uint8Array;
  readonly suites: readonly CipherSuiteId[];
  readonly sessions: SessionTable;
  readonly record: LoginRecord;
  readonly faults: Faults;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly logins: LoginWatch | undefined;
}

export interface SetupAnswer {
  readonly payloadType: number;
  readonly payload: Uint8Array;
}

/** Undefined: nothing to say to that. */
export function answerSetup(
  packet: { readonly payloadType: number; readonly payload: Uint8Array },
  from: UdpAddress,
  bmc: SetupState,
): SetupAnswer | undefined {
  const { payload } = packet;
  switch (packet.payloadType) {
    case payloadType.openSessionRequest:
      return answerOpenSession(payload, bmc);
    case payloadType.rakp1:
      return answerRakp1(payload, from, bmc);
    case payloadType.rakp3:
      return answerRakp3(payload, from, bmc);
    default:
      return undefined;
  }
}

function answerOpenSession(payload: Uint8Array, bmc: SetupState): SetupAnswer | undefined {
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
  if (bmc.faults.sessionsFull) return refuse(rakpStatus.noResources);
  const session = bmc.sessions.add({ ...ids, suite, maximumPrivilege }, bmc.clock.monotonicMs());
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

function answerRakp1(
  payload: Uint8Array,
  from: UdpAddress,
  bmc: SetupState,
): SetupAnswer | undefined {
  const nowMs = bmc.clock.monotonicMs();
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
  const attempt = { user: name, bmcSessionId: session.bmcSessionId, from };
  if (user === undefined) {
    bmc.record.failures += 1;
    bmc.logins?.ended(attempt, false, () => false);
    return refuse(rakpStatus.unknownName);
  }
  const wanted = message.role & ~nameOnlyLookup;
  if (wanted > privilege[user.privilege]) return refuse(rakpStatus.badRole);

  const values = makeHandshake(message, session, bmc);
  session.handshake = { values, user };
  session.usedMs = nowMs;
  bmc.logins?.asked(attempt);
  const code = bmc.crypto.hmac(session.suite.hash, encode(user.password), rakp2Input(values));
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

type Rakp1 = NonNullable<ReturnType<typeof decodeRakp1>>;

/** A message that is repeated gets the same random number. */
function makeHandshake(message: Rakp1, session: SimulatedSession, bmc: SetupState): Handshake {
  const known = session.handshake?.values;
  const repeated = known !== undefined && equal(known.consoleRandom, message.consoleRandom);
  return {
    consoleSessionId: session.consoleSessionId,
    bmcSessionId: session.bmcSessionId,
    consoleRandom: message.consoleRandom.slice(),
    bmcRandom: repeated ? known.bmcRandom : bmc.crypto.randomBytes(16),
    bmcGuid: bmc.guid,
    role: message.role,
    userName: message.userName.slice(),
  };
}

function answerRakp3(
  payload: Uint8Array,
  from: UdpAddress,
  bmc: SetupState,
): SetupAnswer | undefined {
  const nowMs = bmc.clock.monotonicMs();
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
  const { user, values } = handshake;
  const attempt = { user: user.name, bmcSessionId: session.bmcSessionId, from };
  const proves = (password: string): boolean =>
    equal(bmc.crypto.hmac(hash, encode(password), rakp3Input(values)), message.code);
  if (!proves(user.password)) {
    bmc.record.failures += 1;
    bmc.logins?.ended(attempt, false, proves);
    bmc.sessions.delete(session.bmcSessionId);
    return refuse(rakpStatus.badCheckValue);
  }
  const input = sessionIntegrityKeyInput(values);
  const integrityKey = bmc.crypto.hmac(hash, encode(user.password), input);
  if (session.keys === undefined) bmc.logins?.ended(attempt, true, proves);
  openSession(session, integrityKey, bmc);
  const checkValue = bmc.crypto.hmac(hash, integrityKey, rakp4Input(values));
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

function openSession(session: SimulatedSession, integrityKey: Uint8Array, bmc: SetupState): void {
  session.usedMs = bmc.clock.monotonicMs();
  if (session.keys !== undefined) return;
  session.keys = deriveSessionKeys(session.suite, integrityKey, bmc.crypto);
  // Section 22.18: a session begins with user privilege.
  session.privilege = privilege.user;
  bmc.record.logins.push(session.suite.id);
}

function encode(password: string): Uint8Array {
  return new TextEncoder().encode(password);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
