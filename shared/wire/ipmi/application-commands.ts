// Data of the application commands that a session needs, requests and responses, without completion
// codes (IPMI 2.0 sections 20 and 22).
import { readUint32, uint32Bytes } from "./byte-order.ts";

export const applicationCommand = {
  getDeviceId: 0x01,
  getDeviceGuid: 0x08,
  getSystemGuid: 0x37,
  getChannelAuthCapabilities: 0x38,
  setSessionPrivilege: 0x3b,
  closeSession: 0x3c,
  getChannelCipherSuites: 0x54,
} as const;

/** Table 22-24; the numbers that Open Session and RAKP use as well. */
export const privilege = { callback: 1, user: 2, operator: 3, administrator: 4 } as const;

/** "The channel that this request came in on" (section 6.3). */
const thisChannel = 0x0e;
const rmcpPlusWanted = 0x80;

export interface DeviceId {
  readonly deviceId: number;
  /** Firmware revision, for example 9.08: the second part is BCD. */
  readonly firmwareMajor: number;
  readonly firmwareMinor: number;
  /** IANA enterprise number. */
  readonly manufacturerId: number;
  readonly productId: number;
}

/** Get Device ID, section 20.1. */
export function decodeDeviceId(data: Uint8Array): DeviceId | undefined {
  if (data.length < 11) return undefined;
  const bcd = data[3] ?? 0;
  return {
    deviceId: data[0] ?? 0,
    firmwareMajor: (data[2] ?? 0) & 0x7f,
    firmwareMinor: (bcd >> 4) * 10 + (bcd & 0x0f),
    manufacturerId: readUint32(data, 6) & 0x0f_ff_ff,
    productId: (data[9] ?? 0) | ((data[10] ?? 0) << 8),
  };
}

export function encodeDeviceId(device: DeviceId): Uint8Array {
  const ipmi20 = 0x02;
  const chassisDevice = 0x80;
  const minor = (Math.floor(device.firmwareMinor / 10) << 4) | (device.firmwareMinor % 10);
  return Uint8Array.of(
    device.deviceId,
    0x01,
    device.firmwareMajor & 0x7f,
    minor,
    ipmi20,
    chassisDevice,
    ...uint32Bytes(device.manufacturerId).subarray(0, 3),
    ...uint32Bytes(device.productId).subarray(0, 2),
  );
}

export interface AuthCapabilitiesRequest {
  /** Ask for the IPMI 2.0 fields. Old BMCs answer CCh to that: ask again without. */
  readonly rmcpPlus: boolean;
  readonly privilege: number;
}

/** Get Channel Authentication Capabilities, section 22.13. */
export function encodeAuthCapabilitiesRequest(request: AuthCapabilitiesRequest): Uint8Array {
  return Uint8Array.of(thisChannel | (request.rmcpPlus ? rmcpPlusWanted : 0), request.privilege);
}

export function decodeAuthCapabilitiesRequest(
  data: Uint8Array,
): AuthCapabilitiesRequest | undefined {
  const [channel, level] = data;
  if (channel === undefined || level === undefined) return undefined;
  return { rmcpPlus: (channel & rmcpPlusWanted) !== 0, privilege: level & 0x0f };
}

export interface AuthCapabilities {
  /** False: the BMC does not say that it speaks RMCP+. Some do nevertheless. */
  readonly rmcpPlus: boolean;
  /** A second key is set, without which no session key comes out right. */
  readonly kgSet: boolean;
}

export function decodeAuthCapabilities(data: Uint8Array): AuthCapabilities | undefined {
  if (data.length < 4) return undefined;
  const extended = ((data[1] ?? 0) & 0x80) !== 0;
  return {
    rmcpPlus: extended && ((data[3] ?? 0) & 0x02) !== 0,
    kgSet: extended && ((data[2] ?? 0) & 0x20) !== 0,
  };
}

/** Of a BMC with named users and RMCP+ only: no 1.5 authentication types. */
export function encodeAuthCapabilities(
  channel: number,
  rmcpPlusWantedByConsole: boolean,
): Uint8Array {
  const namedUsers = 0x04;
  return rmcpPlusWantedByConsole
    ? Uint8Array.of(channel, 0x80, namedUsers, 0x02, 0, 0, 0, 0)
    : Uint8Array.of(channel, 0x00, namedUsers, 0x00, 0, 0, 0, 0);
}

/** List index of a Get Channel Cipher Suites request (section 22.15): 16 bytes a piece. */
export function decodeCipherSuitesRequest(data: Uint8Array): { listIndex: number } | undefined {
  const index = data[2];
  return index === undefined ? undefined : { listIndex: index & 0x3f };
}

/** The 16 bytes as sent, in groups of 8-4-4-4-12: which order they are in, BMCs do not agree on. */
export function formatGuid(bytes: Uint8Array): string | undefined {
  if (bytes.length < 16) return undefined;
  const hex = [...bytes.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
