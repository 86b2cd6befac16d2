// Puts a DHCP reply together (RFC 2131 section 4.3.1): fields, options, and where it goes. What is
// answered, and whether, is decided in dhcp-plan.ts.

import { encodeDhcp } from "../../../shared/wire/dhcp/dhcp-packet.ts";
import type { DhcpPacket } from "../../../shared/wire/dhcp/dhcp-packet.ts";
import {
  addressValue,
  encapsulatedValue,
  number32Value,
  readNumbers16,
  textValue,
} from "../../../shared/wire/dhcp/dhcp-values.ts";
import { dhcpMessageType, dhcpOption } from "../../../shared/wire/dhcp/dhcp.table.ts";
import type { UdpAddress } from "../../ports.ts";
import type { BootTarget } from "../boot-target.ts";
import { leaseMs } from "./leases.ts";
import { networkMask } from "../netboot-config.ts";
import type { NetbootConfig } from "../netboot-config.ts";

export interface DhcpAnswer {
  readonly packet: DhcpPacket;
  readonly to: UdpAddress;
}

type Options = Map<number, Uint8Array>;

const noAddress = "0.0.0.0";

/** RFC 4578 and PXE 2.1 section 2.2.3: use the file of this offer, ask no boot server. */
const pxeDiscoveryControl = [6, [8]] as const;

/** iPXE's own encapsulated option: do not wait for proxyDHCP offers, which costs seconds. */
const ipxeNoProxy = [176, [1]] as const;

/** An OFFER or ACK of `address`, with what to boot. */
export function grant(
  request: DhcpPacket,
  type: "offer" | "ack",
  given: { readonly address: string; readonly target: BootTarget; readonly config: NetbootConfig },
): DhcpAnswer {
  const { address, target, config } = given;
  const leaseSeconds = leaseMs / 1000;
  const options: Options = new Map([
    ...baseOptions(request, dhcpMessageType[type], config),
    [dhcpOption.leaseSeconds, number32Value(leaseSeconds)],
    [dhcpOption.renewSeconds, number32Value(leaseSeconds / 2)],
    [dhcpOption.rebindSeconds, number32Value((leaseSeconds * 7) / 8)],
    [dhcpOption.subnetMask, addressValue(networkMask(config))],
    ...bootOptions(target, config),
  ]);
  echo(request, options, dhcpOption.machineId);
  const packet: DhcpPacket = {
    ...emptyReply(request),
    yiaddr: address,
    siaddr: target.kind === "tftp" ? config.address : noAddress,
    file: fileField(target),
    options,
  };
  return { packet: fitted(packet, request), to: destination(request) };
}

/** A NAK, which tells a client to start anew (RFC 2131 section 4.3.2). */
export function refusal(request: DhcpPacket, config: NetbootConfig, message: string): DhcpAnswer {
  const options = baseOptions(request, dhcpMessageType.nak, config);
  options.set(dhcpOption.message, textValue(message));
  const relayed = request.giaddr !== noAddress;
  return {
    // Section 4.3.2: the relay has to broadcast it, because the client's address may be wrong.
    packet: { ...emptyReply(request), ciaddr: noAddress, broadcast: true, options },
    to: relayed ? { address: request.giaddr, port: 67 } : broadcast,
  };
}

const broadcast: UdpAddress = { address: "255.255.255.255", port: 68 };

/**
 * RFC 2131 section 4.1, without unicast to a client that has no address yet: that needs an ARP entry
 * which we cannot make, and clients that do not set the B flag take a broadcast as well.
 */
function destination(request: DhcpPacket): UdpAddress {
  if (request.giaddr !== noAddress) return { address: request.giaddr, port: 67 };
  if (request.ciaddr !== noAddress) return { address: request.ciaddr, port: 68 };
  return broadcast;
}

function emptyReply(request: DhcpPacket): DhcpPacket {
  return {
    ...request,
    op: "reply",
    hops: 0,
    secs: 0,
    yiaddr: noAddress,
    siaddr: noAddress,
    sname: "",
    file: "",
    options: new Map(),
  };
}

function baseOptions(request: DhcpPacket, type: number, config: NetbootConfig): Options {
  const options: Options = new Map([
    [dhcpOption.messageType, Uint8Array.of(type)],
    [dhcpOption.serverId, addressValue(config.address)],
  ]);
  echo(request, options, dhcpOption.clientId); // RFC 6842
  echo(request, options, dhcpOption.relayAgent); // RFC 3046 section 2.2
  return options;
}

function bootOptions(target: BootTarget, config: NetbootConfig): readonly [number, Uint8Array][] {
  switch (target.kind) {
    case "none":
      return [];
    case "tftp":
      return [
        [dhcpOption.vendorClass, textValue("PXEClient")],
        [dhcpOption.vendorSpecific, encapsulatedValue([pxeDiscoveryControl], true)],
        [dhcpOption.tftpServer, textValue(config.address)],
        // Old ROMs look for a NUL and not at the length.
        [dhcpOption.bootFile, textValue(`${target.file}\0`)],
      ];
    case "http":
      // UEFI 2.10 section 24.7.3: the class marks an offer that HTTP boot may use.
      return [
        [dhcpOption.vendorClass, textValue("HTTPClient")],
        [dhcpOption.bootFile, textValue(target.url)],
      ];
    case "script":
      return [
        [dhcpOption.bootFile, textValue(target.url)],
        [dhcpOption.ipxe, encapsulatedValue([ipxeNoProxy], false)],
      ];
  }
}

/** Some firmware reads the header field and some the option, so both say the same. */
function fileField(target: BootTarget): string {
  if (target.kind === "none") return "";
  const file = target.kind === "tftp" ? target.file : target.url;
  return file.length < 128 ? file : "";
}

function echo(request: DhcpPacket, options: Options, code: number): void {
  const sent = request.options.get(code);
  if (sent !== undefined) options.set(code, sent);
}

/** Options that a reply can do without, least needed first; `file` and `siaddr` say the same. */
const dispensable = [dhcpOption.tftpServer, dhcpOption.bootFile, dhcpOption.machineId];

/** Keeps to the size that the client can take: 576 bytes with IP and UDP headers unless it says more. */
function fitted(packet: DhcpPacket, request: DhcpPacket): DhcpPacket {
  const asked = readNumbers16(request.options, dhcpOption.maxMessageBytes)[0] ?? 0;
  const maxBytes = Math.max(asked, 576) - 28;
  const options = new Map(packet.options);
  for (const code of dispensable) {
    if (encodeDhcp({ ...packet, options }).length <= maxBytes) break;
    options.delete(code);
  }
  return { ...packet, options };
}
