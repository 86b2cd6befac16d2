// Words for a boot that did not arrive: what was seen of the machine, in the order of a network boot, and
// where it stopped. Pure.
import type { BootSighting, BootSightingKind } from "../../netboot/port.ts";

const steps: readonly { readonly kind: BootSightingKind; readonly words: string }[] = [
  { kind: "dhcp-discover", words: "DHCP request from its MAC" },
  { kind: "dhcp-ack", words: "DHCP address taken" },
  { kind: "bootloader", words: "boot loader fetched" },
  { kind: "script", words: "boot script fetched" },
  { kind: "kernel", words: "kernel fetched" },
  { kind: "initrd", words: "ramdisk fetched" },
];

const maxMacs = 8;

export interface BootEvidence {
  readonly mac: string;
  /** Wall clock. */
  readonly sinceMs: number;
  /** The machine was reset instead of switched on. */
  readonly isReset: boolean;
  /** Why the BMC could not be told to boot from the network. */
  readonly deviceProblem: string | undefined;
  readonly waitedMs: number;
  readonly sightings: readonly BootSighting[];
  readonly strangers: readonly string[];
}

/** "The ramdisk did not call within 600 s: power on ✓ 12:01:03, DHCP request from its MAC ✗; … ." */
export function explainBoot(evidence: BootEvidence): string {
  const { deviceProblem, isReset, sinceMs } = evidence;
  const parts = [`${isReset ? "reset" : "power on"} ✓ ${time(sinceMs)}`];
  if (deviceProblem !== undefined) parts.unshift(`boot device ✗ (${deviceProblem.slice(0, 200)})`);
  let missing: BootSightingKind | undefined;
  for (const step of steps) {
    const seen = evidence.sightings.findLast((sighting) => sighting.kind === step.kind);
    // iPXE in the NIC's ROM needs no boot loader of ours.
    if (seen === undefined && step.kind === "bootloader") continue;
    if (seen === undefined) {
      parts.push(`${step.words} ✗`);
      missing = step.kind;
      break;
    }
    const detail = seen.detail === "" ? "" : ` (${seen.detail})`;
    parts.push(`${step.words} ✓ ${time(seen.atMs)}${detail}`);
  }
  const waited = Math.round(evidence.waitedMs / 1000);
  return `The ramdisk did not call within ${waited} s: ${parts.join(", ")}. ${advice(missing, evidence)}`;
}

function advice(missing: BootSightingKind | undefined, { mac, strangers }: BootEvidence): string {
  switch (missing) {
    case "dhcp-discover": {
      const others =
        strangers.length === 0
          ? "no other machine asked either"
          : `MACs seen instead: ${shown(strangers)}`;
      return `Nothing was heard from ${mac}; ${others}. Check spec.bootMACAddress, the cable and VLAN of that NIC, and that its firmware may boot from the network in this boot mode.`;
    }
    case "dhcp-ack":
      return "The machine did not take the offered address: look for another DHCP server on this network.";
    case "bootloader":
    case "script":
    case "kernel":
    case "initrd":
      return "The machine stopped fetching: check its network link and the boot mode.";
    case "dhcp-offer":
    case undefined:
      return "Everything was fetched, but the ramdisk did not start or cannot reach the agent: look at the machine's console; it needs 512 MiB of memory and its NIC's driver.";
  }
}

function shown(macs: readonly string[]): string {
  const rest = macs.length - maxMacs;
  return macs.slice(0, maxMacs).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

function time(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}
