// Answers the datagrams of a simulated BMC: outside a session, while one is set up, and inside.
// Knows no sockets.
import { applicationCommand, privilege } from "../../../shared/wire/ipmi/application-commands.ts";
import { readUint32 } from "../../../shared/wire/ipmi/byte-order.ts";
import { completionCode } from "../../../shared/wire/ipmi/completion-codes.table.ts";
import { decodeRequest, encodeResponse, netFn } from "../../../shared/wire/ipmi/message.ts";
import type { IpmiRequest } from "../../../shared/wire/ipmi/message.ts";
import { openPacket, sealPacket } from "../../../shared/wire/ipmi/protected-packet.ts";
import {
  decodePresencePing,
  decodeRmcp,
  encodePresencePong,
  encodeRmcp,
} from "../../../shared/wire/ipmi/rmcp.ts";
import {
  decodeSessionPacket,
  encodeLegacyPacket,
  encodeSetupPacket,
  payloadType,
} from "../../../shared/wire/ipmi/session-packet.ts";
import type { RmcpPlusPacket } from "../../../shared/wire/ipmi/session-packet.ts";
import type { UdpAddress } from "../../../site-agent/ports.ts";
import { runCommand } from "./bmc-commands.ts";
import type { BmcState, Reply } from "./bmc-commands.ts";
import { answerSetup } from "./session-setup.ts";
import type { SetupState } from "./session-setup.ts";
import type { SimulatedSession } from "./session-table.ts";

export type ResponderState = BmcState & SetupState;

/** The datagram to send back, if any. */
export async function answerDatagram(
  datagram: Uint8Array,
  from: UdpAddress,
  bmc: ResponderState,
): Promise<Uint8Array | undefined> {
  const rmcp = decodeRmcp(datagram);
  if (rmcp === undefined) return undefined;
  if (rmcp.messageClass === "asf") {
    const tag = decodePresencePing(rmcp.body);
    return tag === undefined ? undefined : encodeRmcp("asf", encodePresencePong(tag));
  }
  const answer = await answerIpmi(rmcp.body, from, bmc);
  return answer === undefined ? undefined : encodeRmcp("ipmi", answer);
}

async function answerIpmi(
  body: Uint8Array,
  from: UdpAddress,
  bmc: ResponderState,
): Promise<Uint8Array | undefined> {
  const decoded = decodeSessionPacket(body);
  if (decoded === undefined) return undefined;
  if (decoded.format === "1.5") {
    const message = await answerOutside(decoded.message, from, bmc);
    return message === undefined ? undefined : encodeLegacyPacket(message);
  }
  const { packet } = decoded;
  if (packet.sessionId !== 0) {
    const session = bmc.sessions.get(packet.sessionId, bmc.clock.monotonicMs());
    return session === undefined ? undefined : answerInside(body, { session, from }, bmc);
  }
  if (packet.payloadType === payloadType.ipmi) {
    const message = await answerOutside(packet.payload, from, bmc);
    return message === undefined ? undefined : encodeSetupPacket(payloadType.ipmi, message);
  }
  return answerSetupPacket(packet, from, bmc);
}

function answerSetupPacket(
  packet: RmcpPlusPacket,
  from: UdpAddress,
  bmc: ResponderState,
): Uint8Array | undefined {
  const answer = answerSetup(packet, from, bmc);
  return answer === undefined ? undefined : encodeSetupPacket(answer.payloadType, answer.payload);
}

async function answerOutside(
  message: Uint8Array,
  from: UdpAddress,
  bmc: ResponderState,
): Promise<Uint8Array | undefined> {
  const request = decodeRequest(message);
  if (request === undefined) return undefined;
  const reply = await runCommand(request, { privilege: 0, from }, bmc);
  return encodeResponse(request, reply.code, reply.data);
}

interface Inside {
  readonly session: SimulatedSession;
  readonly from: UdpAddress;
}

async function answerInside(
  body: Uint8Array,
  inside: Inside,
  bmc: ResponderState,
): Promise<Uint8Array | undefined> {
  const { session } = inside;
  const { keys } = session;
  if (keys === undefined) return undefined;
  const opened = openPacket(body, keys, bmc.crypto);
  if (opened === undefined || !session.window.accept(opened.sequence)) return undefined;
  const request = decodeRequest(opened.message);
  if (request === undefined) return undefined;
  session.usedMs = bmc.clock.monotonicMs();

  const asText = opened.message.join(" ");
  if (session.last?.request !== asText) {
    const response = runInside(request, inside, bmc).then((reply) =>
      encodeResponse(request, reply.code, reply.data),
    );
    session.last = { request: asText, response };
  }
  const message = await session.last.response;
  session.sentSequence += 1;
  return sealPacket(
    { sessionId: session.consoleSessionId, sequence: session.sentSequence, message },
    bmc.crypto.randomBytes(16),
    keys,
    bmc.crypto,
  );
}

async function runInside(
  request: IpmiRequest,
  { session, from }: Inside,
  bmc: ResponderState,
): Promise<Reply> {
  if (request.netFn === netFn.application) {
    if (request.command === applicationCommand.setSessionPrivilege) {
      return setPrivilege(request.data[0] ?? 0, session);
    }
    if (request.command === applicationCommand.closeSession) {
      bmc.sessions.delete(readUint32(request.data, 0));
      return { code: completionCode.ok };
    }
  }
  return runCommand(request, { privilege: session.privilege, from }, bmc);
}

/** Section 22.18; 0 asks for the present level. */
function setPrivilege(wanted: number, session: SimulatedSession): Reply {
  const user = session.handshake?.user;
  if (wanted > session.maximumPrivilege) return { code: completionCode.privilegeAboveLimit };
  if (user === undefined || wanted > privilege[user.privilege]) {
    return { code: completionCode.privilegeNotForUser };
  }
  if (wanted !== 0) session.privilege = wanted;
  return { code: completionCode.ok, data: Uint8Array.of(session.privilege) };
}
