// "Give me a bare-metal site": a network namespace with a bridge, emulated machines with a BMC
// each, and a WAN to the hub that can be cut. One process tree holds all of it; killing any of its
// owners with -9 leaves nothing behind but files. It starts no agent and no control plane.

import { existsSync } from "node:fs";
import { copyFile, mkdir, rm, truncate, writeFile } from "node:fs/promises";
import { ensureDebianPackages } from "../preparation/debian-packages.ts";
import type { Progress } from "../preparation/progress.ts";
import { asStep } from "../preparation/progress.ts";
import type { ProgramResult, RunOptions } from "../preparation/run-program.ts";
import { tryProgram } from "../preparation/run-program.ts";
import { startTied } from "../preparation/tied-process.ts";
import type { TiedProcess } from "../preparation/tied-process.ts";
import { startBmc } from "./start-bmc.ts";
import { waitUntil } from "./wait-until.ts";
import { bridgeName, makeSiteNetwork, makeWan } from "./lab-network.ts";
import type { Wan } from "./lab-network.ts";
import { onlyChildOf, runInside, spawnInside } from "./lab-programs.ts";
import type { LabProcess, SpawnOptions } from "./lab-programs.ts";
import { askChassis } from "./machine/ask-chassis.ts";
import { readMachineEvents } from "./machine/machine-events.ts";
import type { MachineEvent } from "./machine/machine-events.ts";
import type { Room } from "./machine/machine-room.ts";
import { diskPath, machinePaths } from "./machine/machine-spec.ts";
import type { MachinePaths, MachineSpec } from "./machine/machine-spec.ts";
import { uefiVariablesPath } from "./machine/qemu-arguments.ts";

/** What the code in this folder runs; images of operating systems need more. */
export const labPackages: readonly string[] = [
  "qemu-system-x86",
  "ipxe-qemu",
  "ovmf",
  "openipmi",
  "netcat-openbsd",
  "iproute2",
  "procps",
];

export interface LabOptions {
  /** For progress lines and error messages. */
  readonly name: string;
  /** A folder for the lab's files, made if need be; keep its path short (unix sockets). */
  readonly directory: string;
  readonly progress: Progress;
  readonly machines: readonly MachineSpec[];
  /** Of the site's bridge, with its prefix; `192.168.100.1/24` by default. */
  readonly siteAddress?: string;
}

export interface LabMachine {
  readonly spec: MachineSpec;
  readonly paths: MachinePaths;
  /** The raw file of the disk of that name. */
  diskPath(diskName: string): string;
  /** What happened to the machine so far, as seen from outside; oldest first. */
  events(): Promise<MachineEvent[]>;
  /** Chassis control past the BMC; the words are in machine/chassis-server.ts. */
  chassis(...words: string[]): Promise<string[]>;
}

export interface LabHandle {
  readonly name: string;
  readonly directory: string;
  /** The site's bridge, inside; DHCP and TFTP are served on it. */
  readonly bridge: string;
  /** The site's own address on the bridge, without prefix. */
  readonly siteAddress: string;
  /** An address of the host side that programs inside reach: control planes listen on it. */
  readonly hubAddress: string;
  /** Where the hub sees programs inside come from. */
  readonly labAddress: string;
  readonly wan: Wan;
  /** The first process of the lab, as the host counts processes. */
  readonly initPid: number;
  machine(name: string): LabMachine;
  /** Runs a program inside to its end; an exit code other than 0 is a result. */
  run(argv: readonly string[], options?: RunOptions): Promise<ProgramResult>;
  /** Starts a program inside; it ends with the lab at the latest. */
  spawn(argv: readonly string[], options?: SpawnOptions): LabProcess;
  cutWan(): Promise<void>;
  healWan(): Promise<void>;
  /** Ends everything at once, as kill -9 does, and waits until it is gone; files stay. */
  stop(): Promise<void>;
}

const namespaces = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL"];

// The lab's first process collects orphans and ends when we do: only we hold its stdin open.
const init = "while read -r line; do :; done";

/** Starts a lab; all machines are off, with empty disks. Needs root. Takes about a second. */
export async function startLab(options: LabOptions): Promise<LabHandle> {
  const { name, progress, machines } = options;
  if (process.getuid?.() !== 0) {
    throw new Error("A lab needs root for its namespaces and taps: run this as root");
  }
  await ensureDebianPackages(labPackages, progress);
  return asStep(progress, `start the lab ${name} (${machines.length} machines)`, async () => {
    await Promise.all(machines.map((spec) => prepareFiles(spec, options.directory)));
    const tied = startTied("unshare", [...namespaces, "bash", "-c", init], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    try {
      return await furnish(options, tied);
    } catch (cause) {
      tied.kill();
      throw cause;
    }
  });
}

async function furnish(options: LabOptions, tied: TiedProcess): Promise<LabHandle> {
  const { name, directory, machines, siteAddress = "192.168.100.1/24" } = options;
  const initPid = await onlyChildOf(tied.child.pid, "unshare", tied.exited);
  await makeSiteNetwork(initPid, siteAddress, machines);
  const wan = await makeWan(initPid);
  await startMachineRoom(initPid, directory, machines, tied);
  await Promise.all(
    machines.map((spec) => startBmc(initPid, spec, machinePaths(directory, spec.name))),
  );
  const labMachines = new Map(machines.map((spec) => [spec.name, labMachine(spec, directory)]));
  return {
    name,
    directory,
    bridge: bridgeName,
    siteAddress: siteAddress.replace(/\/.*/, ""),
    hubAddress: wan.hubAddress,
    labAddress: wan.labAddress,
    wan,
    initPid,
    machine(machineName) {
      const machine = labMachines.get(machineName);
      if (machine === undefined) throw new Error(`The lab ${name} has no machine ${machineName}`);
      return machine;
    },
    run: (argv, runOptions) => runInside(initPid, argv, runOptions),
    spawn: (argv, spawnOptions) => spawnInside(initPid, argv, spawnOptions),
    cutWan: () => wan.cut(),
    healWan: () => wan.heal(),
    async stop() {
      tied.kill();
      await tied.exited;
      // The kernel takes a namespace apart in its own time after the last process has left it; our end of the
      // line, and with it the other, can go at once.
      await tryProgram("ip", ["link", "delete", wan.interfaceName]);
      const wanPath = `/sys/class/net/${wan.interfaceName}`;
      await waitUntil(`the lab ${name} is gone`, () => !existsSync(wanPath));
    },
  };
}

// The longest path that a unix socket may have is 107 bytes (unix(7)).
const longestSocketPath = 107;

async function prepareFiles(spec: MachineSpec, directory: string): Promise<void> {
  const paths = machinePaths(directory, spec.name);
  if (paths.chassisSocket.length > longestSocketPath) {
    throw new Error(`The lab's directory has too long a path for sockets: "${directory}"`);
  }
  await mkdir(paths.directory, { recursive: true });
  // One that an earlier lab left in this folder would look alive.
  await rm(paths.chassisSocket, { force: true });
  if (spec.firmware === "uefi") await copyFile(uefiVariablesPath, paths.firmwareVariables);
  for (const disk of spec.disks) {
    const path = diskPath(paths, disk);
    await writeFile(path, "", { flag: "a" });
    await truncate(path, disk.sizeMiB * 1024 * 1024);
  }
}

async function startMachineRoom(
  initPid: number,
  directory: string,
  machines: readonly MachineSpec[],
  lab: TiedProcess,
): Promise<void> {
  // A room without machines would end at once, and the lab with it.
  if (machines.length === 0) return;
  const room: Room = {
    machines: machines.map((spec) => ({ spec, paths: machinePaths(directory, spec.name) })),
  };
  const roomPath = `${directory}/machine-room.json`;
  await writeFile(roomPath, JSON.stringify(room), { mode: 0o600 });
  const program = new URL("machine/machine-room.ts", import.meta.url).pathname;
  const logFile = `${directory}/machine-room.log`;
  const started = spawnInside(initPid, [process.execPath, program, roomPath], { logFile });
  let hasEnded = false;
  void started.exited.then(() => {
    hasEnded = true;
    // A lab whose machines nobody can switch off is no lab.
    lab.kill();
  });
  for (const { spec, paths } of room.machines) {
    await waitUntil(`${spec.name} answers on its chassis socket`, () => {
      if (hasEnded) throw new Error(`The lab's machines ended at once; see ${logFile}`);
      return answers(paths);
    });
  }
}

async function answers(paths: MachinePaths): Promise<boolean> {
  return askChassis(paths.chassisSocket, "get", "power").then(
    () => true,
    () => false,
  );
}

function labMachine(spec: MachineSpec, directory: string): LabMachine {
  const paths = machinePaths(directory, spec.name);
  return {
    spec,
    paths,
    diskPath(diskName) {
      const disk = spec.disks.find((candidate) => candidate.name === diskName);
      if (disk === undefined) throw new Error(`Machine ${spec.name} has no disk ${diskName}`);
      return diskPath(paths, disk);
    },
    events: () => readMachineEvents(paths.journal),
    chassis: (...words) => askChassis(paths.chassisSocket, ...words),
  };
}
