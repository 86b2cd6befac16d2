// A DHCPv4 message (RFC 2131 section 2) as a value, from bytes and to bytes. Field names are the
// RFC's. Knows no option but those that shape the message itself: 52 (overload), 53 (sent first)
// and 82 (sent last).

import { formatIpv4, parseIpv4 } from "../../ipv4.ts";
import { err, ok, quote } from "../../result.ts";
import type { Result } from "../../result.ts";
import { dhcpOption } from "./dhcp.table.ts";

export interface DhcpPacket {
  readonly op: "request" | "reply";
  /** Hardware type; 1 is Ethernet. */
  readonly htype: number;
  readonly hops: number;
  readonly xid: number;
  readonly secs: number;
  /** The B flag: the client cannot receive unicast yet. */
  readonly broadcast: boolean;
  readonly ciaddr: string;
  readonly yiaddr: string;
  readonly siaddr: string;
  readonly giaddr: string;
  /** As many bytes as hlen says. */
  readonly chaddr: Uint8Array;
  /** Empty when the field holds options (RFC 2132 section 9.3). */
  readonly sname: string;
  readonly file: string;
  /** By code, in their order; parts of one option are joined (RFC 3396). */
  readonly options: DhcpOptions;
}

export type DhcpOptions = ReadonlyMap<number, Uint8Array>;

const snameAt = 44;
const fileAt = 108;
const cookieAt = 236;
const optionsAt = 240;
const cookie = [99, 130, 83, 99] as const;
const padOption = 0;
const endOption = 255;

// BOOTP's size (RFC 1542 section 2.1): some relays and ROMs drop anything shorter.
const minimumBytes = 300;

/** Fails with a message that says what is wrong; never throws, whatever the bytes. */
export function decodeDhcp(bytes: Uint8Array): Result<DhcpPacket, "malformed"> {
  if (bytes.length < optionsAt) return malformed(`has ${bytes.length} of at least 240 bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const op = view.getUint8(0);
  const hlen = view.getUint8(2);
  if (op !== 1 && op !== 2) return malformed(`has op ${op}`);
  if (hlen > 16) return malformed(`has hlen ${hlen}`);
  if (cookie.some((byte, i) => view.getUint8(cookieAt + i) !== byte)) {
    return malformed("has no DHCP cookie (plain BOOTP?)");
  }
  const fields = readFields(bytes);
  if (!fields.ok) return fields;
  const address = (offset: number): string => formatIpv4(view.getUint32(offset));
  return ok({
    op: op === 1 ? "request" : "reply",
    htype: view.getUint8(1),
    hops: view.getUint8(3),
    xid: view.getUint32(4),
    secs: view.getUint16(8),
    broadcast: (view.getUint16(10) & 0x8000) !== 0,
    ciaddr: address(12),
    yiaddr: address(16),
    siaddr: address(20),
    giaddr: address(24),
    chaddr: bytes.slice(28, 28 + hlen),
    ...fields.value,
  });
}

/** RFC 2132 section 9.3 and RFC 3396 section 5: the order is options, then file, then sname. */
function readFields(
  bytes: Uint8Array,
): Result<Pick<DhcpPacket, "sname" | "file" | "options">, "malformed"> {
  const file = bytes.subarray(fileAt, cookieAt);
  const sname = bytes.subarray(snameAt, fileAt);
  const options = new Map<number, Uint8Array>();
  const problem = readOptions(bytes.subarray(optionsAt), options);
  if (problem !== undefined) return malformed(problem);
  // Looked at once, before the fields are read: what stands inside them cannot start a loop.
  const overload = options.get(dhcpOption.overload)?.[0] ?? 0;
  const parts = [...((overload & 1) === 0 ? [] : [file]), ...((overload & 2) === 0 ? [] : [sname])];
  for (const part of parts) {
    const inside = readOptions(part, options);
    if (inside !== undefined) return malformed(inside);
  }
  return ok({
    sname: (overload & 2) === 0 ? textUntilNul(sname) : "",
    file: (overload & 1) === 0 ? textUntilNul(file) : "",
    options,
  });
}

/** Adds what it reads to `into`. Returns what is wrong. A missing end mark is tolerated. */
function readOptions(bytes: Uint8Array, into: Map<number, Uint8Array>): string | undefined {
  let at = 0;
  while (at < bytes.length) {
    const code = bytes[at] ?? endOption;
    at += 1;
    if (code === endOption) return undefined;
    if (code === padOption) continue;
    const length = bytes[at];
    if (length === undefined) return `ends inside option ${code}`;
    const data = bytes.subarray(at + 1, at + 1 + length);
    if (data.length < length) return `ends inside option ${code}`;
    into.set(code, concat(into.get(code), data));
    at += 1 + length;
  }
  return undefined;
}

/** Throws when a field does not fit: what is sent was made by us. */
export function encodeDhcp(packet: DhcpPacket): Uint8Array {
  const options = encodeOptions(packet.options);
  const bytes = new Uint8Array(Math.max(minimumBytes, optionsAt + options.length));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, packet.op === "request" ? 1 : 2);
  view.setUint8(1, packet.htype);
  view.setUint8(2, packet.chaddr.length);
  view.setUint8(3, packet.hops);
  view.setUint32(4, packet.xid);
  view.setUint16(8, packet.secs);
  view.setUint16(10, packet.broadcast ? 0x8000 : 0);
  const addresses = [packet.ciaddr, packet.yiaddr, packet.siaddr, packet.giaddr];
  for (const [i, address] of addresses.entries()) {
    const value = parseIpv4(address);
    if (value === undefined) throw new Error(`${quote(address)} is not an IPv4 address`);
    view.setUint32(12 + 4 * i, value);
  }
  if (packet.chaddr.length > 16) throw new Error("chaddr is longer than 16 bytes");
  bytes.set(packet.chaddr, 28);
  putText(bytes.subarray(snameAt, fileAt), packet.sname);
  putText(bytes.subarray(fileAt, cookieAt), packet.file);
  bytes.set(cookie, cookieAt);
  bytes.set(options, optionsAt);
  return bytes;
}

function encodeOptions(options: DhcpOptions): Uint8Array {
  const out: number[] = [];
  for (const [code, data] of inSendingOrder(options)) {
    // RFC 3396 section 6: what is longer than 255 bytes goes out in parts of one code.
    let at = 0;
    do {
      const part = data.subarray(at, at + 255);
      out.push(code, part.length, ...part);
      at += 255;
    } while (at < data.length);
  }
  return Uint8Array.from([...out, endOption]);
}

/** The message type first, as old ROMs expect; the relay's option last (RFC 3046 section 2.1). */
function inSendingOrder(options: DhcpOptions): [number, Uint8Array][] {
  const rank = ([code]: [number, Uint8Array]): number => {
    if (code === dhcpOption.messageType) return 0;
    return code === dhcpOption.relayAgent ? 2 : 1;
  };
  return [...options].toSorted((a, b) => rank(a) - rank(b));
}

function textUntilNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return String.fromCharCode(...(end === -1 ? bytes : bytes.subarray(0, end)));
}

function putText(field: Uint8Array, text: string): void {
  // One byte stays NUL: not every client counts to the end of the field.
  if (text.length >= field.length || /[^ -~]/.test(text)) {
    throw new Error(`${quote(text)} does not fit a DHCP header field of ${field.length} bytes`);
  }
  for (let i = 0; i < text.length; i += 1) field[i] = text.charCodeAt(i);
}

function concat(a: Uint8Array | undefined, b: Uint8Array): Uint8Array {
  if (a === undefined) return b.slice();
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

function malformed(why: string): Result<never, "malformed"> {
  return err("malformed", `DHCP packet ${why}`);
}
