// A program inside a lab: machines in memory that are cheap enough to have fifty of them. Each is switched by its
// BMC, boots from the site's network as real ones do, and runs the real ramdisk program on disks in memory. What
// happens to them is printed as JSON lines.
import { readFile } from "node:fs/promises";
import { startBmcSimulator } from "../../../infra/lab/bmc-simulator/simulator.ts";
import { makeNodeClock } from "../../../site-agent/adapters/node-clock.ts";
import { SimulatedMachine, type PluggedNic } from "../../support/simulated-machine.ts";
import { joinNetwork } from "./herd-network.ts";
import type { HerdMachine, HerdPlan } from "./herd-plan.ts";

const diskBytes = 64 * 1024 * 1024;
/** Machines in a hurry: what takes minutes in reality proves nothing here. */
const times = { firmwareMs: 100, kernelMs: 100, shutdownMs: 200 };
const clock = makeNodeClock();

const tell = (line: object): void => console.log(JSON.stringify(line));

async function startMachine(
  { name, mac, uuid, bmcPort }: HerdMachine,
  { address, user }: HerdPlan,
  plug: () => PluggedNic,
): Promise<void> {
  let nic: PluggedNic | undefined;
  const machine = new SimulatedMachine({
    clock,
    times,
    macs: [mac],
    systemUuid: uuid,
    serialNumber: `SN-${name}`,
    disks: [{ serialNumber: `DISK-${name}`, sizeBytes: diskBytes }],
    plug: () => (nic = plug()),
    addresses: () => [{ name: "eth0", address: nic?.address ?? "", family: "IPv4" }],
    onEvent: (event) => tell({ machine: name, ...event }),
  });
  const users = [{ ...user, privilege: "administrator" as const }];
  await startBmcSimulator({ address, port: bmcPort, users, guid: uuid, chassis: machine });
}

tell({ pid: process.pid });
const plan = JSON.parse(await readFile(process.argv[2] ?? "", "utf8")) as HerdPlan;
const plug = await joinNetwork(plan);
for (const machine of plan.machines) await startMachine(machine, plan, plug);
tell({ ready: true });
