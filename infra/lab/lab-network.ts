// A lab's network: a bridge with a tap for each machine, the BMCs' addresses, and a veth pair, the
// "WAN", to the namespace of whoever started the lab. All of it goes when the lab's namespaces go.

import { runProgram, tryProgram } from "../preparation/run-program.ts";
import { runInside } from "./lab-programs.ts";
import type { MachineSpec } from "./machine/machine-spec.ts";
import { tapName } from "./machine/machine-spec.ts";

export const bridgeName = "br0";

export interface Wan {
  /** Our end of the pair. */
  readonly interfaceName: string;
  /** Where programs outside listen for programs inside. */
  readonly hubAddress: string;
  /** Where programs inside come from. */
  readonly labAddress: string;
  /** From now on packets get lost, both ways and without a word, as on a broken line. */
  cut(): Promise<void>;
  heal(): Promise<void>;
}

/** @param siteAddress of the bridge, with its prefix: `192.168.100.1/24` */
export async function makeSiteNetwork(
  initPid: number,
  siteAddress: string,
  machines: readonly MachineSpec[],
): Promise<void> {
  const bmcAddresses = new Set(machines.map((machine) => machine.bmc.address));
  const commands = [
    "link set lo up",
    // Without a forward delay a machine's first DHCP request is not lost.
    `link add ${bridgeName} type bridge forward_delay 0 mcast_snooping 0`,
    `link set ${bridgeName} address 02:fa:00:00:00:01 up`,
    `address add ${siteAddress} dev ${bridgeName}`,
    ...[...bmcAddresses].map((address) => `address add ${address}/32 dev lo`),
    ...machines.flatMap(({ name }) => [
      `tuntap add ${tapName(name)} mode tap`,
      `link set ${tapName(name)} master ${bridgeName} up`,
    ]),
  ];
  await insideOrThrow(initPid, ["ip", "-batch", "-"], `${commands.join("\n")}\n`);
  // What boots on site reaches its agent and nothing behind it.
  const settings = ["net.ipv4.ip_forward=0"];
  // Connections that nobody owns any more must not keep the namespace for minutes after a kill. Nor may they
  // break at once: the end of an image is sent on one that its server has closed already, and an emulated
  // machine may not answer for seconds.
  settings.push("net.ipv4.tcp_orphan_retries=5");
  await insideOrThrow(initPid, ["sysctl", "--quiet", "--write", ...settings]);
}

const hubMac = "02:fa:00:00:01:01";
const labMac = "02:fa:00:00:01:02";
const nobodysMac = "02:fa:00:00:01:ff";

/** Makes the pair under a number that no other lab on this machine has. */
export async function makeWan(initPid: number): Promise<Wan> {
  const number = await claimPair(initPid);
  const interfaceName = pairName(number);
  const { hubAddress, labAddress } = pairAddresses(number);
  await outsideBatch([
    `link set ${interfaceName} up`,
    `address add ${hubAddress}/30 dev ${interfaceName}`,
  ]);
  await insideBatch(initPid, ["link set wan up", `address add ${labAddress}/30 dev wan`]);

  // Fixed neighbours, so that cutting the line is one entry on each side that points to nobody.
  const point = async (atHub: string, atLab: string): Promise<void> => {
    const entry = (address: string, mac: string, device: string): string =>
      `neighbour replace ${address} lladdr ${mac} nud permanent dev ${device}`;
    await outsideBatch([entry(labAddress, atLab, interfaceName)]);
    await insideBatch(initPid, [entry(hubAddress, atHub, "wan")]);
  };
  await point(hubMac, labMac);
  return {
    interfaceName,
    hubAddress,
    labAddress,
    cut: () => point(nobodysMac, nobodysMac),
    heal: () => point(hubMac, labMac),
  };
}

const pairCount = 8192;

// The interface's name is the claim: the kernel refuses it to the second who asks.
async function claimPair(initPid: number): Promise<number> {
  for (let tries = 0; tries < 20; tries++) {
    const number = Math.floor(Math.random() * pairCount);
    const ours = ["link", "add", pairName(number), "address", hubMac, "type", "veth"];
    const theirs = ["peer", "name", "wan", "address", labMac, "netns", String(initPid)];
    const { code, stderr } = await tryProgram("ip", [...ours, ...theirs]);
    if (code === 0) return number;
    if (!stderr.includes("File exists")) throw new Error(`Cannot make the lab's WAN: ${stderr}`);
  }
  throw new Error("Cannot make the lab's WAN: too many labs on this machine (ip link)");
}

function pairName(number: number): string {
  return `farrier${number}`;
}

/** Link-local addresses (RFC 3927), which no route leads to; 169.254.169.x, of clouds, left out. */
export function pairAddresses(number: number): { hubAddress: string; labAddress: string } {
  const net = `169.254.${32 + Math.floor(number / 64)}`;
  const first = (number % 64) * 4;
  return { hubAddress: `${net}.${first + 1}`, labAddress: `${net}.${first + 2}` };
}

async function outsideBatch(commands: readonly string[]): Promise<void> {
  await runProgram("ip", ["-batch", "-"], { input: `${commands.join("\n")}\n` });
}

async function insideBatch(initPid: number, commands: readonly string[]): Promise<void> {
  await insideOrThrow(initPid, ["ip", "-batch", "-"], `${commands.join("\n")}\n`);
}

async function insideOrThrow(
  initPid: number,
  argv: readonly string[],
  input?: string,
): Promise<void> {
  const { code, stderr } = await runInside(initPid, argv, input === undefined ? {} : { input });
  if (code !== 0) throw new Error(`${argv.join(" ")} failed inside the lab: ${stderr}`);
}
