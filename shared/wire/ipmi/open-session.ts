// RMCP+ Open Session Request and Response: both sides name their session id and agree on a cipher
// suite (IPMI 2.0 sections 13.17 and 13.18).
import { concatBytes } from "@noble/hashes/utils.js";
import { readUint32, uint32Bytes } from "./byte-order.ts";

interface Algorithms {
  readonly authentication: number;
  readonly integrity: number;
  readonly confidentiality: number;
}

export interface OpenSessionRequest {
  readonly tag: number;
  /** 0: the highest that suite and user allow. Never ask for it: BMCs get the keys wrong then. */
  readonly privilege: number;
  readonly consoleSessionId: number;
  readonly algorithms: Algorithms;
}

export type OpenSessionResponse =
  | {
      readonly tag: number;
      readonly status: 0;
      readonly privilege: number;
      readonly consoleSessionId: number;
      readonly bmcSessionId: number;
      readonly algorithms: Algorithms;
    }
  | OpenSessionRefusal;

interface OpenSessionRefusal {
  readonly tag: number;
  /** Never 0: see rakp-status.table.ts. */
  readonly status: number;
  readonly consoleSessionId: number;
}

export function encodeOpenSessionRequest(request: OpenSessionRequest): Uint8Array {
  return concatBytes(
    Uint8Array.of(request.tag, request.privilege, 0, 0),
    uint32Bytes(request.consoleSessionId),
    encodeAlgorithms(request.algorithms),
  );
}

export function decodeOpenSessionRequest(payload: Uint8Array): OpenSessionRequest | undefined {
  const algorithms = decodeAlgorithms(payload.subarray(8));
  if (algorithms === undefined) return undefined;
  return {
    tag: payload[0] ?? 0,
    privilege: (payload[1] ?? 0) & 0x0f,
    consoleSessionId: readUint32(payload, 4),
    algorithms,
  };
}

export function encodeOpenSessionResponse(response: OpenSessionResponse): Uint8Array {
  if (!("bmcSessionId" in response)) {
    return concatBytes(
      Uint8Array.of(response.tag, response.status, 0, 0),
      uint32Bytes(response.consoleSessionId),
    );
  }
  return concatBytes(
    Uint8Array.of(response.tag, 0, response.privilege, 0),
    uint32Bytes(response.consoleSessionId),
    uint32Bytes(response.bmcSessionId),
    encodeAlgorithms(response.algorithms),
  );
}

export function decodeOpenSessionResponse(payload: Uint8Array): OpenSessionResponse | undefined {
  const [tag, status, privilege] = payload;
  // A refusal ends after the console's session id, or even before it.
  if (tag === undefined || status === undefined) return undefined;
  const consoleSessionId = readUint32(payload, 4);
  if (status !== 0) return { tag, status, consoleSessionId };
  const algorithms = decodeAlgorithms(payload.subarray(12));
  if (algorithms === undefined || privilege === undefined) return undefined;
  return {
    tag,
    status,
    privilege: privilege & 0x0f,
    consoleSessionId,
    bmcSessionId: readUint32(payload, 8),
    algorithms,
  };
}

const algorithmBytes = 8;

/** Three records: type, 0, 0, length, algorithm, 0, 0, 0 (table 13-9). */
function encodeAlgorithms(algorithms: Algorithms): Uint8Array {
  const numbers = [algorithms.authentication, algorithms.integrity, algorithms.confidentiality];
  return Uint8Array.from(
    numbers.flatMap((number, type) => [type, 0, 0, algorithmBytes, number, 0, 0, 0]),
  );
}

/** A record of length 0 means "any" (table 13-9): it reads as number 255, which no suite has. */
function decodeAlgorithms(bytes: Uint8Array): Algorithms | undefined {
  if (bytes.length < 3 * algorithmBytes) return undefined;
  const number = (type: number): number => {
    const start = type * algorithmBytes;
    return bytes[start + 3] === 0 ? 0xff : (bytes[start + 4] ?? 0) & 0x3f;
  };
  return { authentication: number(0), integrity: number(1), confidentiality: number(2) };
}
