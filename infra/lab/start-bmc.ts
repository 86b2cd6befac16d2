// Starts the BMC program of a lab machine inside the lab and waits until it answers on its port.

import { readFile, writeFile } from "node:fs/promises";
import { prepareIpmiSim } from "./ipmi-sim.ts";
import type { LabProcess } from "./lab-programs.ts";
import { spawnInside } from "./lab-programs.ts";
import type { MachinePaths, MachineSpec } from "./machine/machine-spec.ts";
import { waitUntil } from "./wait-until.ts";

/** The program's messages go to `bmc.log` in the machine's folder. */
export async function startBmc(
  initPid: number,
  spec: MachineSpec,
  paths: MachinePaths,
): Promise<LabProcess> {
  const argv =
    spec.bmc.kind === "ipmi_sim"
      ? await prepareIpmiSim(spec, paths)
      : await prepareSimulator(spec, paths);
  const logFile = `${paths.directory}/bmc.log`;
  const program = spawnInside(initPid, argv, { logFile });
  let hasEnded = false;
  void program.exited.finally(() => {
    hasEnded = true;
  });
  await waitUntil(`the BMC of ${spec.name} answers`, () => {
    if (hasEnded) throw new Error(`The BMC of ${spec.name} ended at once; see ${logFile}`);
    return isBound(initPid, spec.bmc);
  });
  return program;
}

async function prepareSimulator(spec: MachineSpec, paths: MachinePaths): Promise<string[]> {
  const { address, port, username, password, simulator = {} } = spec.bmc;
  const config = {
    ...simulator,
    address,
    port,
    guid: spec.uuid,
    users: [{ name: username, password }],
    chassisSocket: paths.chassisSocket,
  };
  const configPath = `${paths.directory}/bmc-simulator.json`;
  await writeFile(configPath, JSON.stringify(config), { mode: 0o600 });
  const program = new URL("bmc-simulator/simulator.ts", import.meta.url).pathname;
  return [process.execPath, program, configPath];
}

// The kernel's list of UDP sockets in the namespace of that process, addresses in hexadecimal.
async function isBound(initPid: number, bmc: MachineSpec["bmc"]): Promise<boolean> {
  const table = await readFile(`/proc/${initPid}/net/udp`, "utf8");
  return table.includes(` ${procNetAddress(bmc.address, bmc.port)} `);
}

/** proc(5): the address as one little-endian number, the port as it is read. */
export function procNetAddress(address: string, port: number): string {
  const bytes = address.split(".").map(Number).toReversed();
  return `${Buffer.from(bytes).toString("hex")}:${port.toString(16).padStart(4, "0")}`.toUpperCase();
}
