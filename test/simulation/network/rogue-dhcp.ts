// Somebody else's DHCP server on a boot network: answers everyone at once, before the agent can, and names a boot file
// that it does not have.
import { decodeDhcp, encodeDhcp } from "../../../shared/wire/dhcp/dhcp-packet.ts";
import type { DhcpPacket } from "../../../shared/wire/dhcp/dhcp-packet.ts";
import {
  addressValue,
  number32Value,
  readAddress,
  readMessageType,
  textValue,
} from "../../../shared/wire/dhcp/dhcp-values.ts";
import { dhcpMessageType, dhcpOption } from "../../../shared/wire/dhcp/dhcp.table.ts";
import { decodeTftp, encodeTftp } from "../../../shared/wire/tftp/tftp-packet.ts";
import type { Segment } from "./segment.ts";

const file = "somebody-elses.0";
const leaseSeconds = 600;

/** `address` as "10.1.66.1": its clients get addresses beside it. Returns what ends it. */
export function startRogueDhcp(segment: Segment, address: string): () => void {
  const node = segment.join(address, { name: "rogue DHCP server", isPrompt: true });
  const beside = address.split(".").slice(0, 3).join(".");
  const given = new Map<string, string>();
  const addressFor = ({ chaddr }: DhcpPacket): string => {
    const client = Buffer.from(chaddr).toString("hex");
    const known = given.get(client) ?? `${beside}.${2 + (given.size % 250)}`;
    given.set(client, known);
    return known;
  };
  const serve = async (port: number, answer: Answer): Promise<void> => {
    const bound = await node.udp.bind({
      address: "0.0.0.0",
      port,
      onMessage: (data, from) => {
        const reply = answer(data);
        const to = port === 67 ? { address: "255.255.255.255", port: 68 } : from;
        if (reply !== undefined && bound.ok) bound.value.send(reply, to);
      },
    });
  };
  void serve(67, (data) => answerDhcp(data, address, addressFor));
  void serve(69, answerTftp);
  void node.server.listen({ address, port: 80, handle: async () => ({ status: 404 }) });
  return () => node.leave(true);
}

type Answer = (data: Uint8Array) => Uint8Array | undefined;

function answerDhcp(
  data: Uint8Array,
  server: string,
  addressFor: (request: DhcpPacket) => string,
): Uint8Array | undefined {
  const packet = decodeDhcp(data);
  if (!packet.ok || packet.value.op !== "request") return undefined;
  const { options } = packet.value;
  const asked = readMessageType(options);
  const chosen = readAddress(options, dhcpOption.serverId);
  const isForUs = asked === "discover" || (asked === "request" && chosen === server);
  if (!isForUs) return undefined;
  const type = asked === "discover" ? dhcpMessageType.offer : dhcpMessageType.ack;
  return encodeDhcp({
    ...packet.value,
    op: "reply",
    yiaddr: addressFor(packet.value),
    siaddr: server,
    file,
    options: new Map([
      [dhcpOption.messageType, Uint8Array.of(type)],
      [dhcpOption.serverId, addressValue(server)],
      [dhcpOption.leaseSeconds, number32Value(leaseSeconds)],
      [dhcpOption.vendorClass, textValue("PXEClient")],
      [dhcpOption.bootFile, textValue(file)],
    ]),
  });
}

function answerTftp(data: Uint8Array): Uint8Array | undefined {
  const packet = decodeTftp(data);
  if (!packet.ok || packet.value.kind !== "read") return undefined;
  return encodeTftp({ kind: "error", code: 1, message: "File not found" });
}
