// Where things are in the simulated world, by name alone: dropping a machine from a scenario moves no other one. The
// workload writes these addresses into objects; the world puts BMCs and network cards there. Draws nothing.
import type { MachinePlan } from "./scenario.ts";

type Placed = Pick<MachinePlan, "name" | "site">;

/** Of an agent on the boot network of its site: site-2 → "10.2.0.1". */
export function agentAddressOf(site: string): string {
  return `10.${numberOf(site)}.0.1`;
}

/** Of those who are nobody's there, each in a range of its own. */
export function strangerAddress(site: string, number: number): string {
  return `10.${numberOf(site)}.${60 + (number % 100)}.1`;
}

/** As in spec.bmc.address, without the scheme: site-2, m7 → "10.2.0.17:623". */
export function bmcAddressOf({ name, site }: Placed): string {
  const place = 10 + numberOf(name);
  return `10.${numberOf(site)}.${Math.floor(place / 250)}.${place % 250}:623`;
}

/** Of its network card `nic`, 0 for the one that boots: site-2, m7 → "52:54:02:00:07:00". */
export function macOf({ name, site }: Placed, nic = 0): string {
  const number = numberOf(name);
  const bytes = [0x52, 0x54, numberOf(site), number >> 8, number & 0xff, nic];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** Names of a host's Secrets, in the host's namespace: of its BMC, and of its user data. */
export function bmcSecretOf(host: string): string {
  return `${nameOf(host)}-bmc`;
}

export function userDataSecretOf(host: string): string {
  return `${nameOf(host)}-user-data`;
}

/** "cluster/namespace/name", taken apart. */
export function partsOf(host: string): {
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
} {
  const [cluster, namespace, name, ...rest] = host.split("/");
  if (cluster === undefined || namespace === undefined || name === undefined || rest.length > 0) {
    throw new Error(`a host is told as "cluster/namespace/name", and not as ${host}`);
  }
  return { cluster, namespace, name };
}

function nameOf(host: string): string {
  return partsOf(host).name;
}

/** The digits at the end of "site-2" or "m7". */
function numberOf(name: string): number {
  const digits = /[0-9]+$/.exec(name)?.[0];
  if (digits === undefined) throw new Error(`${name} has no number at its end`);
  return Number(digits);
}
