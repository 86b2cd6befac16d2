// The network boot programs that the agent serves over TFTP and HTTP: Debian's build of iPXE.
// A site may bring its own instead (signed ones, for Secure Boot).

import { ensureDebianPackages } from "../preparation/debian-packages.ts";
import type { Progress } from "../preparation/progress.ts";

export interface BootFiles {
  /** For BIOS machines; keeps using the card's own ROM driver. */
  readonly undionlyKpxe: string;
  /** For UEFI machines; keeps using the firmware's driver, which works on more cards. */
  readonly snponlyEfi: string;
  /** For UEFI machines whose firmware driver fails; brings its own drivers. */
  readonly ipxeEfi: string;
}

/** Paths of the files, installed if need be. */
export async function bootFiles(progress: Progress): Promise<BootFiles> {
  await ensureDebianPackages(["ipxe"], progress);
  return {
    undionlyKpxe: "/usr/lib/ipxe/undionly.kpxe",
    snponlyEfi: "/usr/lib/ipxe/snponly.efi",
    ipxeEfi: "/usr/lib/ipxe/ipxe.efi",
  };
}
