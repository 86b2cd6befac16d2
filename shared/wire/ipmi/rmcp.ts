// RMCP, the four bytes in front of everything on UDP port 623, and the ASF presence ping by which
// tools look for BMCs (IPMI 2.0 sections 13.1.3 and 13.2; DSP0136 section 3.2). Nothing is
// acknowledged at this level: IPMI messages carry sequence number FFh.
import { concatBytes } from "@noble/hashes/utils.js";

export type RmcpClass = "asf" | "ipmi";

export interface RmcpDatagram {
  readonly messageClass: RmcpClass;
  readonly body: Uint8Array;
}

const version = 0x06;
const noAcknowledgement = 0xff;
const classCodes: Readonly<Record<RmcpClass, number>> = { asf: 0x06, ipmi: 0x07 };

export function encodeRmcp(messageClass: RmcpClass, body: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(version, 0, noAcknowledgement, classCodes[messageClass]), body);
}

/** Undefined for anything that is no RMCP message of a known class; acknowledgements included. */
export function decodeRmcp(datagram: Uint8Array): RmcpDatagram | undefined {
  if (datagram.length < 5 || datagram[0] !== version) return undefined;
  const body = datagram.subarray(4);
  if (datagram[3] === classCodes.ipmi) return { messageClass: "ipmi", body };
  if (datagram[3] === classCodes.asf) return { messageClass: "asf", body };
  return undefined;
}

const asfEnterprise = [0x00, 0x00, 0x11, 0xbe] as const;
const presencePing = 0x80;
const presencePong = 0x40;

/** The message tag of a presence ping, or undefined when the ASF body is something else. */
export function decodePresencePing(body: Uint8Array): number | undefined {
  const isAsf = asfEnterprise.every((byte, index) => body[index] === byte);
  return isAsf && body[4] === presencePing ? body[5] : undefined;
}

/** ASF body of a pong that says: IPMI is supported (section 13.2.4). */
export function encodePresencePong(tag: number): Uint8Array {
  const ipmiSupported = 0x81;
  const entities = Uint8Array.of(0, 0, 0, 0, ipmiSupported, 0, 0, 0, 0, 0, 0, 0);
  return concatBytes(
    Uint8Array.of(...asfEnterprise, presencePong, tag, 0, 16),
    Uint8Array.from(asfEnterprise),
    entities,
  );
}
