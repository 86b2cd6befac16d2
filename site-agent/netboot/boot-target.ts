// What a client is told to load next: firmware gets iPXE, iPXE gets the script of its MAC. The one
// place that knows the paths under /boot/.

import type { BootClient } from "../../shared/wire/dhcp/boot-client.ts";
import { bootFileName } from "./netboot-config.ts";
import type { NetbootConfig } from "./netboot-config.ts";

export type BootTarget =
  /** An ordinary DHCP client: an address and nothing else. */
  | { readonly kind: "none" }
  | { readonly kind: "tftp"; readonly file: string }
  /** UEFI HTTP boot: the same iPXE by URL. */
  | { readonly kind: "http"; readonly url: string }
  | { readonly kind: "script"; readonly url: string };

/** Undefined when we have nothing for this firmware and processor. */
export function chooseBootTarget(
  { kind, arch }: BootClient,
  mac: string,
  config: NetbootConfig,
): BootTarget | undefined {
  if (kind === "plain") return { kind: "none" };
  const isBios = arch?.firmware === "bios";
  // Our kernel is x64; a BIOS says no more of its processor than "x86".
  if (!isBios && !(arch?.firmware === "uefi" && arch.cpu === "x64")) return undefined;
  // iPXE is recognized first: handing it iPXE again would go round for ever.
  if (kind === "ipxe") return { kind: "script", url: bootUrl(config, mac, "script.ipxe") };
  if (kind === "http") {
    return isBios ? undefined : { kind: "http", url: bootUrl(config, mac, "bootloader.efi") };
  }
  return { kind: "tftp", file: bootFileName(config, isBios ? "bios" : "uefi") };
}

/** An address and not a name: some firmware hands no DNS server on to what it loads. */
export function bootUrl(config: NetbootConfig, mac: string, name: string): string {
  return `http://${config.address}:${config.httpPort}/boot/${mac.replaceAll(":", "-")}/${name}`;
}

export type BootResource =
  | { readonly kind: "script" }
  | { readonly kind: "bootloader" }
  | { readonly kind: "kernel" }
  | { readonly kind: "initrd"; readonly index: number };

/** Reads what `bootUrl` wrote: the MAC as it stands in the path, and what is asked for. */
export function parseBootPath(
  path: string,
): { readonly mac: string; readonly resource: BootResource } | undefined {
  const match = /^\/boot\/([0-9A-Fa-f:.-]{12,17})\/([a-z0-9.-]{1,32})$/.exec(path);
  const [, mac, name] = match ?? [];
  if (mac === undefined || name === undefined) return undefined;
  const resource = readResource(name);
  return resource === undefined ? undefined : { mac, resource };
}

function readResource(name: string): BootResource | undefined {
  if (name === "script.ipxe") return { kind: "script" };
  if (name === "bootloader.efi") return { kind: "bootloader" };
  if (name === "kernel") return { kind: "kernel" };
  const initrd = /^initrd-(\d{1,2})$/.exec(name)?.[1];
  return initrd === undefined ? undefined : { kind: "initrd", index: Number(initrd) };
}
