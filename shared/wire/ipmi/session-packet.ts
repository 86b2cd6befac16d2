// What stands between RMCP and the payload: the IPMI 1.5 header, used before a session only, and
// the RMCP+ header (IPMI 2.0 sections 13.6 and 13.27). Encryption and the code at the end of a
// packet are in protected-packet.ts.
import { concatBytes } from "@noble/hashes/utils.js";
import { readUint16, readUint32, uint16Bytes, uint32Bytes } from "./byte-order.ts";

/** Table 13-16. */
export const payloadType = {
  ipmi: 0x00,
  openSessionRequest: 0x10,
  openSessionResponse: 0x11,
  rakp1: 0x12,
  rakp2: 0x13,
  rakp3: 0x14,
  rakp4: 0x15,
} as const;

const authTypeNone = 0x00;
const authTypeRmcpPlus = 0x06;
const encryptedBit = 0x80;
const authenticatedBit = 0x40;
const oemExplicit = 0x02;
export const rmcpPlusHeaderBytes = 12;

export interface RmcpPlusPacket {
  readonly payloadType: number;
  readonly encrypted: boolean;
  readonly authenticated: boolean;
  /** Of the receiver; 0 outside a session. */
  readonly sessionId: number;
  readonly sequence: number;
  /** As on the wire: still encrypted when `encrypted`. */
  readonly payload: Uint8Array;
}

export type SessionPacket =
  | { readonly format: "1.5"; readonly message: Uint8Array }
  | { readonly format: "2.0"; readonly packet: RmcpPlusPacket };

/** An IPMI 1.5 packet outside a session: no authentication, session and sequence 0. */
export function encodeLegacyPacket(message: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(authTypeNone, 0, 0, 0, 0, 0, 0, 0, 0, message.length), message);
}

/** Header and payload, without the trailer of an authenticated packet. */
export function encodeRmcpPlusPacket(packet: RmcpPlusPacket): Uint8Array {
  const type =
    packet.payloadType |
    (packet.encrypted ? encryptedBit : 0) |
    (packet.authenticated ? authenticatedBit : 0);
  return concatBytes(
    Uint8Array.of(authTypeRmcpPlus, type),
    uint32Bytes(packet.sessionId),
    uint32Bytes(packet.sequence),
    uint16Bytes(packet.payload.length),
    packet.payload,
  );
}

/** A packet of the session setup: in the clear, outside a session (section 13.27.1). */
export function encodeSetupPacket(type: number, payload: Uint8Array): Uint8Array {
  return encodeRmcpPlusPacket({
    payloadType: type,
    encrypted: false,
    authenticated: false,
    sessionId: 0,
    sequence: 0,
    payload,
  });
}

/** `body` is what follows the RMCP header. Undefined: cut short, OEM payload, 1.5 authentication. */
export function decodeSessionPacket(body: Uint8Array): SessionPacket | undefined {
  if (body[0] === authTypeNone) {
    const length = body[9] ?? 0;
    if (length === 0 || body.length < 10 + length) return undefined;
    return { format: "1.5", message: body.subarray(10, 10 + length) };
  }
  if (body[0] !== authTypeRmcpPlus || body.length < rmcpPlusHeaderBytes) return undefined;
  const type = body[1] ?? 0;
  const length = readUint16(body, 10);
  if ((type & 0x3f) === oemExplicit || body.length < rmcpPlusHeaderBytes + length) return undefined;
  return {
    format: "2.0",
    packet: {
      payloadType: type & 0x3f,
      encrypted: (type & encryptedBit) !== 0,
      authenticated: (type & authenticatedBit) !== 0,
      sessionId: readUint32(body, 2),
      sequence: readUint32(body, 6),
      payload: body.subarray(rmcpPlusHeaderBytes, rmcpPlusHeaderBytes + length),
    },
  };
}
