// MAC addresses of Ethernet ports: one spelling inside Farrier (lower case, colons), and a reason
// when an address cannot be that of one port.

import { err, ok, quote } from "./result.ts";
import type { Result } from "./result.ts";

const spellings: readonly RegExp[] = [
  /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/, // IEEE 802, most tools
  /^([0-9a-f]{2}-){5}[0-9a-f]{2}$/, // Windows, some Redfish services
  /^([0-9a-f]{4}\.){2}[0-9a-f]{4}$/, // switches
  /^[0-9a-f]{12}$/, // labels, some BMCs
];

/**
 * Reads any usual spelling and gives lower case with colons. Fails with a message that says why:
 * not a MAC, an EUI-64 or InfiniBand address, a group address, all zero.
 */
export function parseMac(text: string): Result<string, "mac"> {
  const trimmed = text.trim().toLowerCase();
  const digits = trimmed.replaceAll(/[:.-]/g, "");
  if (!spellings.some((spelling) => spelling.test(trimmed))) {
    return err("mac", `MAC address ${quote(text)} ${whyNot(digits)}`);
  }
  const mac = (digits.match(/../g) ?? []).join(":");
  const reason = unusable(mac);
  return reason === undefined ? ok(mac) : err("mac", `MAC address ${quote(text)} ${reason}`);
}

/** The same for the six bytes of a packet. */
export function macFromBytes(bytes: Uint8Array): Result<string, "mac"> {
  return parseMac([...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":"));
}

function whyNot(digits: string): string {
  if (/^[0-9a-f]{16}$/.test(digits)) {
    return "is an EUI-64 (8 bytes); give the 6-byte MAC of an Ethernet port";
  }
  if (/^[0-9a-f]{40}$/.test(digits)) {
    return "is an InfiniBand address (20 bytes); give the 6-byte MAC of an Ethernet port";
  }
  return 'is not a MAC address; write it as "00:1a:2b:3c:4d:5e"';
}

function unusable(mac: string): string | undefined {
  if (mac === "00:00:00:00:00:00") return "is all zero; give the address of the port itself";
  // IEEE 802-2014 section 8.2.2: the lowest bit of the first byte marks a group address.
  const isGroup = (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
  return isGroup ? "is a multicast or broadcast address; give that of one port" : undefined;
}
