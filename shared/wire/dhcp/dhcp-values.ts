// Values of DHCP options (RFC 2132) from bytes and to bytes. A value of the wrong length reads as
// absent: a client with a broken option is treated as one without it.

import { formatIpv4, parseIpv4 } from "../../ipv4.ts";
import { quote } from "../../result.ts";
import type { DhcpOptions } from "./dhcp-packet.ts";
import { dhcpMessageType, dhcpOption } from "./dhcp.table.ts";
import type { DhcpMessageName } from "./dhcp.table.ts";

export function readMessageType(options: DhcpOptions): DhcpMessageName | undefined {
  const data = options.get(dhcpOption.messageType);
  if (data?.length !== 1) return undefined;
  const names = Object.keys(dhcpMessageType) as DhcpMessageName[];
  return names.find((name) => dhcpMessageType[name] === data[0]);
}

export function readAddress(options: DhcpOptions, code: number): string | undefined {
  const data = options.get(code);
  return data?.length === 4 ? formatIpv4(dataView(data).getUint32(0)) : undefined;
}

/** Option 93 and the like: one or more 16-bit numbers. */
export function readNumbers16(options: DhcpOptions, code: number): readonly number[] {
  const data = options.get(code);
  if (data === undefined || data.length % 2 !== 0) return [];
  const view = dataView(data);
  return Array.from({ length: data.length / 2 }, (_, i) => view.getUint16(2 * i));
}

/** Text without the NULs that some clients end it with. */
export function readText(options: DhcpOptions, code: number): string | undefined {
  const data = options.get(code);
  if (data === undefined) return undefined;
  return String.fromCharCode(...data.subarray(0, 255)).replace(/\0+$/, "");
}

/**
 * The user classes of option 77. RFC 3004 section 4 puts a length before each; iPXE and others send
 * one bare text, which is taken as it is when the lengths do not add up.
 */
export function readUserClasses(options: DhcpOptions): readonly string[] {
  const data = options.get(dhcpOption.userClass);
  if (data === undefined || data.length === 0) return [];
  const classes: string[] = [];
  for (let at = 0; at < data.length;) {
    const end = at + 1 + (data[at] ?? 0);
    if (end > data.length || end === at + 1) return [String.fromCharCode(...data.subarray(0, 255))];
    classes.push(String.fromCharCode(...data.subarray(at + 1, end)));
    at = end;
  }
  return classes;
}

export function addressValue(address: string): Uint8Array {
  const value = parseIpv4(address);
  if (value === undefined) throw new Error(`${quote(address)} is not an IPv4 address`);
  return number32Value(value);
}

export function number32Value(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  dataView(bytes).setUint32(0, value);
  return bytes;
}

export function textValue(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Options inside an option (43, 175): code, length, data; `endMark` where the RFC wants one. */
export function encapsulatedValue(
  parts: readonly (readonly [code: number, data: readonly number[]])[],
  endMark: boolean,
): Uint8Array {
  const bytes = parts.flatMap(([code, data]) => [code, data.length, ...data]);
  return Uint8Array.from(endMark ? [...bytes, 255] : bytes);
}

function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
