// TFTP packets (RFC 1350, options of RFC 2347) as values, from bytes and to bytes. No transfer
// logic and no meaning of options.

import { err, ok } from "../../result.ts";
import type { Result } from "../../result.ts";

/** Names in lower case (they are case-insensitive), values as sent, in their order. */
export type TftpOptions = ReadonlyMap<string, string>;

export type TftpPacket =
  | {
      readonly kind: "read" | "write";
      readonly file: string;
      /** Lower case: "octet", "netascii" or what else was asked for. */
      readonly mode: string;
      readonly options: TftpOptions;
    }
  | { readonly kind: "data"; readonly block: number; readonly data: Uint8Array }
  | { readonly kind: "ack"; readonly block: number }
  | { readonly kind: "error"; readonly code: number; readonly message: string }
  | { readonly kind: "oack"; readonly options: TftpOptions };

/** RFC 1350 section 5 and RFC 2347. */
export const tftpError = {
  other: 0,
  notFound: 1,
  accessViolation: 2,
  illegalOperation: 4,
  unknownTransfer: 5,
  optionRefused: 8,
} as const;

const opcode = { read: 1, write: 2, data: 3, ack: 4, error: 5, oack: 6 } as const;

/** Fails with a message that says what is wrong; never throws, whatever the bytes. */
export function decodeTftp(bytes: Uint8Array): Result<TftpPacket, "malformed"> {
  if (bytes.length < 4) return malformed(`has ${bytes.length} of at least 4 bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const second = view.getUint16(2);
  switch (view.getUint16(0)) {
    case opcode.read:
      return decodeRequest("read", bytes.subarray(2));
    case opcode.write:
      return decodeRequest("write", bytes.subarray(2));
    case opcode.data:
      return ok({ kind: "data", block: second, data: bytes.slice(4) });
    case opcode.ack:
      return ok({ kind: "ack", block: second });
    case opcode.error:
      // The final NUL is missing in the wild, and nothing depends on it.
      return ok({ kind: "error", code: second, message: splitTexts(bytes.subarray(4))[0] ?? "" });
    case opcode.oack:
      return decodeOack(bytes.subarray(2));
    default:
      return malformed(`has opcode ${view.getUint16(0)}`);
  }
}

function decodeRequest(kind: "read" | "write", body: Uint8Array): Result<TftpPacket, "malformed"> {
  const [file, mode, ...rest] = splitTexts(body);
  if (file === undefined || mode === undefined) return malformed("names no file and mode");
  const options = pairs(rest);
  // RFC 2347 counts on whole pairs; without them the plain request is still good.
  return ok({ kind, file, mode: mode.toLowerCase(), options: options ?? new Map() });
}

function decodeOack(body: Uint8Array): Result<TftpPacket, "malformed"> {
  const options = pairs(splitTexts(body));
  return options === undefined
    ? malformed("has an option without value")
    : ok({ kind: "oack", options });
}

/** NUL-terminated texts; what follows the last NUL counts as one too. */
function splitTexts(bytes: Uint8Array): string[] {
  const texts = new TextDecoder().decode(bytes).split("\0");
  if (texts.at(-1) === "") texts.pop();
  return texts;
}

function pairs(texts: readonly string[]): Map<string, string> | undefined {
  const options = new Map<string, string>();
  for (let i = 0; i < texts.length; i += 2) {
    const [name, value] = texts.slice(i, i + 2);
    if (name === undefined || value === undefined) return undefined;
    options.set(name.toLowerCase(), value);
  }
  return options;
}

export function encodeTftp(packet: TftpPacket): Uint8Array {
  switch (packet.kind) {
    case "read":
    case "write":
      return withTexts(opcode[packet.kind], [packet.file, packet.mode, ...flat(packet.options)]);
    case "oack":
      return withTexts(opcode.oack, flat(packet.options));
    case "error":
      return join(opcode.error, packet.code, texts([packet.message]));
    case "ack":
      return join(opcode.ack, packet.block, new Uint8Array());
    case "data":
      return join(opcode.data, packet.block, packet.data);
  }
}

function flat(options: TftpOptions): string[] {
  return [...options].flat();
}

function texts(values: readonly string[]): Uint8Array {
  return new TextEncoder().encode(values.map((value) => `${value}\0`).join(""));
}

function withTexts(code: number, values: readonly string[]): Uint8Array {
  const body = texts(values);
  const bytes = new Uint8Array(2 + body.length);
  bytes[1] = code;
  bytes.set(body, 2);
  return bytes;
}

function join(code: number, second: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, code);
  view.setUint16(2, second);
  bytes.set(body, 4);
  return bytes;
}

function malformed(why: string): Result<never, "malformed"> {
  return err("malformed", `TFTP packet ${why}`);
}
