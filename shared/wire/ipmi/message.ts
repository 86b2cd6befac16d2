// The IPMI message inside a LAN packet: addresses, function, sequence, command, two checksums
// (IPMI 2.0 section 13.8). Says nothing about what commands mean.
import { concatBytes } from "@noble/hashes/utils.js";

/** Network functions of requests; a response has the next, odd, number (section 5.1). */
export const netFn = { chassis: 0x00, application: 0x06 } as const;

const bmcAddress = 0x20;
/** Software id of a remote console (section 5.5). */
const consoleAddress = 0x81;

export interface IpmiRequest {
  readonly netFn: number;
  readonly command: number;
  /** rqSeq, 0 to 63: the same again in every retransmission. */
  readonly sequence: number;
  readonly data: Uint8Array;
  /** rqAddr and rqLUN of the asker; a response goes back to it. Ours when absent. */
  readonly from?: { readonly address: number; readonly lun: number };
}

export interface IpmiResponse {
  /** As in the request. */
  readonly netFn: number;
  readonly command: number;
  readonly sequence: number;
  readonly completionCode: number;
  readonly data: Uint8Array;
}

export function encodeRequest(request: IpmiRequest): Uint8Array {
  const from = request.from ?? { address: consoleAddress, lun: 0 };
  return withChecksums(
    [bmcAddress, request.netFn << 2],
    [from.address, (request.sequence << 2) | from.lun, request.command],
    request.data,
  );
}

export function decodeRequest(message: Uint8Array): IpmiRequest | undefined {
  const parts = splitMessage(message);
  if (parts === undefined || (parts.netFn & 1) === 1) return undefined;
  return {
    netFn: parts.netFn,
    command: parts.command,
    sequence: parts.sequence,
    data: parts.data,
    from: { address: parts.sourceAddress, lun: parts.sourceLun },
  };
}

/** Answers `request`: same function, command and sequence. */
export function encodeResponse(
  request: IpmiRequest,
  completionCode: number,
  data: Uint8Array = new Uint8Array(),
): Uint8Array {
  const to = request.from ?? { address: consoleAddress, lun: 0 };
  return withChecksums(
    [to.address, ((request.netFn | 1) << 2) | to.lun],
    [bmcAddress, request.sequence << 2, request.command],
    concatBytes(Uint8Array.of(completionCode), data),
  );
}

export function decodeResponse(message: Uint8Array): IpmiResponse | undefined {
  const parts = splitMessage(message);
  if (parts === undefined || (parts.netFn & 1) === 0) return undefined;
  const completionCode = parts.data[0];
  if (completionCode === undefined) return undefined;
  return {
    netFn: parts.netFn & ~1,
    command: parts.command,
    sequence: parts.sequence,
    completionCode,
    data: parts.data.subarray(1),
  };
}

function withChecksums(
  head: readonly number[],
  middle: readonly number[],
  data: Uint8Array,
): Uint8Array {
  const tail = concatBytes(Uint8Array.from(middle), data);
  return concatBytes(
    Uint8Array.from([...head, checksum(Uint8Array.from(head))]),
    tail,
    Uint8Array.of(checksum(tail)),
  );
}

interface MessageParts {
  readonly netFn: number;
  readonly sourceAddress: number;
  readonly sourceLun: number;
  readonly sequence: number;
  readonly command: number;
  readonly data: Uint8Array;
}

function splitMessage(message: Uint8Array): MessageParts | undefined {
  if (message.length < 7) return undefined;
  const checked = [message.subarray(0, 3), message.subarray(3)];
  // With its checksum, a run of bytes adds up to zero.
  if (checked.some((bytes) => checksum(bytes) !== 0)) return undefined;
  const [, function_, , sourceAddress, sequence, command] = message;
  return {
    netFn: (function_ ?? 0) >> 2,
    sourceAddress: sourceAddress ?? 0,
    sourceLun: (sequence ?? 0) & 0x03,
    sequence: (sequence ?? 0) >> 2,
    command: command ?? 0,
    data: message.subarray(6, -1),
  };
}

/** Two's complement of the sum of the bytes. */
function checksum(bytes: Uint8Array): number {
  return -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
}
