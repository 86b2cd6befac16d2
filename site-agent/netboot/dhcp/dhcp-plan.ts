// Decides what a DHCP request gets (RFC 2131 section 4.3): an answer, silence, or a note that a
// stranger asked. Does no I/O; its only state is the lease table. A proxyDHCP answer beside another
// server would be a rule of its own before `offer`.

import { macFromBytes } from "../../../shared/mac.ts";
import { recognizeBootClient } from "../../../shared/wire/dhcp/boot-client.ts";
import type { BootClient } from "../../../shared/wire/dhcp/boot-client.ts";
import type { DhcpPacket } from "../../../shared/wire/dhcp/dhcp-packet.ts";
import { readAddress, readMessageType } from "../../../shared/wire/dhcp/dhcp-values.ts";
import { dhcpOption } from "../../../shared/wire/dhcp/dhcp.table.ts";
import { chooseBootTarget } from "../boot-target.ts";
import type { BootTarget } from "../boot-target.ts";
import { grant, refusal } from "./dhcp-reply.ts";
import type { DhcpAnswer } from "./dhcp-reply.ts";
import type { Leases } from "./leases.ts";
import type { NetbootConfig } from "../netboot-config.ts";
import type { BootSightingKind, NetbootEntry } from "../port.ts";

export interface DhcpContext {
  readonly config: NetbootConfig;
  readonly leases: Leases;
  entryOf(mac: string): NetbootEntry | undefined;
}

export interface DhcpSeen {
  readonly kind: BootSightingKind;
  readonly detail: string;
}

export type DhcpPlan =
  | { readonly kind: "silence"; readonly because: string }
  /** Wants to boot and nobody allowed it. */
  | { readonly kind: "stranger"; readonly mac: string; readonly client: string }
  /** Of an allowed MAC; without an answer, `because` says why. */
  | {
      readonly kind: "known";
      readonly mac: string;
      readonly seen: readonly DhcpSeen[];
      readonly because: string;
      readonly answer?: DhcpAnswer;
    };

interface Asking {
  readonly packet: DhcpPacket;
  readonly mac: string;
  readonly entry: NetbootEntry | undefined;
  readonly client: BootClient;
}

export function planDhcp(packet: DhcpPacket, context: DhcpContext): DhcpPlan {
  if (packet.op !== "request") return silence("is a reply");
  // htype 1 is Ethernet (RFC 1700); nothing else has a MAC that an entry could name.
  const mac = packet.htype === 1 ? macFromBytes(packet.chaddr) : undefined;
  if (mac?.ok !== true) return silence("does not come from an Ethernet port");
  const type = readMessageType(packet.options);
  const client = recognizeBootClient(packet.options);
  const entry = context.entryOf(mac.value);
  const asking = { packet, mac: mac.value, entry, client };
  if (entry === undefined) return withoutEntry(asking, context);
  if (type === "discover") return offer(asking, context);
  if (type === "request") return confirm(asking, context);
  if (type === "decline") return decline(asking, context);
  // RELEASE: the address stays with the MAC, because firmware, iPXE and ramdisk follow each other.
  return known(asking, [], `is a ${type ?? "message of unknown type"}`);
}

function withoutEntry(asking: Asking, context: DhcpContext): DhcpPlan {
  const { packet, mac, client } = asking;
  const type = readMessageType(packet.options);
  if (client.kind !== "plain") {
    const wantsToBoot = type === "discover" || type === "request";
    if (!wantsToBoot) return silence("comes from an unknown MAC");
    return { kind: "stranger", mac, client: describe(client) };
  }
  // A ramdisk works for hours after its entry was withdrawn, and must not lose its address, even when
  // this program and its table started anew. Nobody who asks for an address (DISCOVER, or REQUEST
  // after a reboot) gets here.
  const renews = type === "request" && packet.ciaddr !== "0.0.0.0";
  if (renews && context.leases.mayKeep(mac, packet.ciaddr)) return confirm(asking, context);
  return silence("comes from an unknown MAC");
}

function offer(asking: Asking, context: DhcpContext): DhcpPlan {
  const { packet, mac, entry, client } = asking;
  const asked: DhcpSeen = { kind: "dhcp-discover", detail: describe(client) };
  const target = chooseBootTarget(client, mac, context.config);
  if (target === undefined) return unsupported(asking);
  const address = context.leases.bind(mac, {
    fixed: entry?.address,
    wanted: readAddress(packet.options, dhcpOption.requestedAddress),
  });
  if (address === undefined) {
    const full = { ...asked, detail: `${asked.detail}, but no address of the pool is free` };
    return known(asking, [full], "no address of the pool is free; make the pool larger");
  }
  const seen: DhcpSeen = { kind: "dhcp-offer", detail: describeGrant(address, target, entry) };
  const answer = grant(packet, "offer", { address, target, config: context.config });
  return known(asking, [asked, seen], "offered", answer);
}

/** REQUEST, in all four client states of RFC 2131 section 4.3.2. */
function confirm(asking: Asking, context: DhcpContext): DhcpPlan {
  const { packet, mac, entry, client } = asking;
  const { config, leases } = context;
  const serverId = readAddress(packet.options, dhcpOption.serverId);
  if (serverId !== undefined && serverId !== config.address) {
    return known(asking, [], `chose the server ${serverId}`);
  }
  const wanted =
    packet.ciaddr === "0.0.0.0"
      ? readAddress(packet.options, dhcpOption.requestedAddress)
      : packet.ciaddr;
  if (wanted === undefined) return known(asking, [], "names no address");
  const target = chooseBootTarget(client, mac, config);
  if (target === undefined) return unsupported(asking);
  const address = leases.bind(mac, { fixed: entry?.address, wanted });
  if (address !== wanted) {
    const message = `${wanted} is not your address here`;
    return known(asking, [], message, refusal(packet, config, message));
  }
  const seen: DhcpSeen = { kind: "dhcp-ack", detail: describeGrant(address, target, entry) };
  return known(asking, [seen], "granted", grant(packet, "ack", { address, target, config }));
}

function decline(asking: Asking, { leases, config }: DhcpContext): DhcpPlan {
  const { packet, mac } = asking;
  const address = readAddress(packet.options, dhcpOption.requestedAddress);
  const serverId = readAddress(packet.options, dhcpOption.serverId);
  if (address === undefined || serverId !== config.address) {
    return known(asking, [], "declines an address of another server");
  }
  leases.decline(mac, address);
  return known(asking, [], `found ${address} in use by another machine; it will not be offered`);
}

function unsupported(asking: Asking): DhcpPlan {
  const detail = `${describe(asking.client)}, for which there is no boot file`;
  return known(asking, [{ kind: "dhcp-discover", detail }], `is ${detail}`);
}

function known(
  { mac }: Asking,
  seen: readonly DhcpSeen[],
  because: string,
  answer?: DhcpAnswer,
): DhcpPlan {
  return { kind: "known", mac, seen, because, ...(answer === undefined ? {} : { answer }) };
}

function silence(because: string): DhcpPlan {
  return { kind: "silence", because };
}

const clientNames = { pxe: "PXE", http: "HTTP boot", ipxe: "iPXE", plain: "no boot" } as const;

function describe({ kind, arch }: BootClient): string {
  if (kind === "plain") return "asks for an address only";
  return `${clientNames[kind]} on ${arch?.name ?? "an unknown architecture"}`;
}

function describeGrant(
  address: string,
  target: BootTarget,
  entry: NetbootEntry | undefined,
): string {
  const fixed = entry?.address;
  const isOther = fixed !== undefined && fixed !== address;
  const given = isOther ? `${address} (${fixed} is taken or not of this network)` : address;
  switch (target.kind) {
    case "none":
      return given;
    case "tftp":
      return `${given}, load ${target.file}`;
    case "http":
    case "script":
      return `${given}, load ${target.url}`;
  }
}
