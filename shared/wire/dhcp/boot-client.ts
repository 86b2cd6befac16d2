// Who asks: firmware that wants to boot (PXE or UEFI HTTP), iPXE, or an ordinary DHCP client.

import { archTable } from "./arch.table.ts";
import type { ClientArch } from "./arch.table.ts";
import type { DhcpOptions } from "./dhcp-packet.ts";
import { readNumbers16, readText, readUserClasses } from "./dhcp-values.ts";
import { dhcpOption } from "./dhcp.table.ts";

export interface BootClient {
  /** "plain" asks for an address only. */
  readonly kind: "pxe" | "http" | "ipxe" | "plain";
  /** The first architecture that is in the table; undefined when the client names none that is. */
  readonly arch: ClientArch | undefined;
}

/** Reads options 60, 77, 93 and 175 (RFC 4578, UEFI 2.10 section 24.7, iPXE). */
export function recognizeBootClient(options: DhcpOptions): BootClient {
  const vendorClass = readText(options, dhcpOption.vendorClass) ?? "";
  const arch = readArch(options, vendorClass);
  if (isIpxe(options)) return { kind: "ipxe", arch };
  if (vendorClass.startsWith("PXEClient")) return { kind: "pxe", arch };
  if (vendorClass.startsWith("HTTPClient")) return { kind: "http", arch };
  return { kind: "plain", arch: undefined };
}

// The ROM of a NIC may be iPXE too; it can run a script as well as the iPXE that we serve.
function isIpxe(options: DhcpOptions): boolean {
  return options.has(dhcpOption.ipxe) || readUserClasses(options).includes("iPXE");
}

function readArch(options: DhcpOptions, vendorClass: string): ClientArch | undefined {
  const listed = readNumbers16(options, dhcpOption.clientArch);
  // "PXEClient:Arch:00007:UNDI:003000" says the same where option 93 is missing.
  const named = /^(?:PXE|HTTP)Client:Arch:(\d{5})/.exec(vendorClass)?.[1];
  const codes = listed.length > 0 || named === undefined ? listed : [Number(named)];
  return codes.map((code) => archTable.get(code)).find((arch) => arch !== undefined);
}
