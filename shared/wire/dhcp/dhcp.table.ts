// DHCP numbers: option codes (IANA "BOOTP Vendor Extensions and DHCP Options") and message types
// (RFC 2132 section 9.6). Only those that Farrier reads or writes.

export const dhcpOption = {
  subnetMask: 1,
  vendorSpecific: 43,
  requestedAddress: 50,
  leaseSeconds: 51,
  overload: 52,
  messageType: 53,
  serverId: 54,
  message: 56,
  maxMessageBytes: 57,
  renewSeconds: 58,
  rebindSeconds: 59,
  vendorClass: 60,
  clientId: 61,
  tftpServer: 66,
  bootFile: 67,
  userClass: 77,
  relayAgent: 82,
  clientArch: 93,
  machineId: 97,
  ipxe: 175,
} as const;

export const dhcpMessageType = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;

export type DhcpMessageName = keyof typeof dhcpMessageType;
