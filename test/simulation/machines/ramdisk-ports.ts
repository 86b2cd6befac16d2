// What the ramdisk program takes of a simulated machine during one boot, bound to the life of that boot: disks that
// take their time, /proc and /sys as the kernel named things this time, the network that is plugged in.
import { err, ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import type { Compression, Crypto, Log } from "../../../site-agent/ports.ts";
import type { Disk, DiskError, RamdiskPorts } from "../../../site-agent/ramdisk/ports.ts";
import { makeFakeSystemFiles } from "../../support/fake-system-files.ts";
import type { MachineTree } from "../../support/fake-system-files.ts";
import { makeMachineTree, partitionFiles } from "../../support/machine-tree.ts";
import type { DescribedMachine } from "../../support/machine-tree.ts";
import type { PluggedNic } from "../../support/simulated-machine.ts";
import type { Random } from "../kernel/random.ts";
import { makePrograms } from "./ramdisk-programs.ts";
import type { ProgramsOptions } from "./ramdisk-programs.ts";
import type { SimulatedDisk } from "./disks/simulated-disk.ts";
import { watchDuplexes } from "./watched-duplex.ts";
import type { Overheard } from "./watched-duplex.ts";

export interface RamdiskPortsOptions extends ProgramsOptions {
  readonly machine: Omit<DescribedMachine, "disks">;
  readonly nic: PluggedNic;
  readonly crypto: Crypto;
  readonly compression: Compression;
  readonly random: Random;
  readonly commandLine: string;
  readonly log: Log;
  readonly onMessage: (message: Overheard) => void;
  /** One command to a disk takes up to this. */
  readonly diskCommandMs: number;
  /** Until the program runs, since the kernel began. */
  readonly kernelMs: number;
}

/** Images here are small: their bytes take as long as those of larger ones. */
const bytesPerMs = 16 * 1024;

export function makeRamdiskPorts(options: RamdiskPortsOptions): RamdiskPorts {
  const { life, nic, disks } = options;
  const tree = makeTree(options);
  const find = (path: string): SimulatedDisk | undefined =>
    disks.find(({ name }) => `/dev/${name}` === path);
  const programs = makePrograms(options);
  return {
    clock: life.clock,
    crypto: options.crypto,
    compression: options.compression,
    http: { request: (request) => life.call("http.request", () => nic.http.request(request)) },
    duplexes: watchDuplexes(life, nic.duplexes, options.onMessage, (duplex) =>
      nic.agentOf?.(duplex),
    ),
    programs: {
      run: (argv, how) => life.call(`programs.${argv[0] ?? ""}`, () => programs.run(argv, how)),
    },
    system: makeFakeSystemFiles(() => tree.now()),
    disks: {
      open: (path) =>
        life.call("disks.open", async () => {
          const disk = find(path);
          const opened = disk?.open() ?? err("missing", `Cannot open ${path}: ENOENT`);
          return opened.ok ? ok(slowDisk(opened.value, options)) : opened;
        }),
      rereadPartitions: (path) =>
        life.call("disks.rereadPartitions", async () => {
          const disk = find(path);
          if (disk === undefined) return err("missing", `There is no ${path}`);
          if (disk.isOpen) return err("busy", `${path} is busy`);
          tree.read(disk);
          return ok(undefined);
        }),
    },
    addresses: () => [{ name: "eth0", address: nic.address, family: "IPv4" }],
    log: options.log,
  };
}

/** The kernel reads the partition tables when it finds the disks. */
function makeTree({ life, machine, commandLine, kernelMs, disks }: RamdiskPortsOptions) {
  const partitions = new Map<SimulatedDisk, Record<string, string>>();
  const uptime = (): string =>
    `${((kernelMs + life.clock.monotonicMs()) / 1000).toFixed(2)} 0.00\n`;
  const make = (): MachineTree => {
    const described = disks.map((disk) => disk.described);
    const boot = { "/proc/cmdline": `${commandLine}\n`, "/proc/uptime": uptime };
    const files: Record<string, string | (() => string)> = boot;
    for (const each of partitions.values()) Object.assign(files, each);
    return makeMachineTree({ ...machine, disks: described }, files);
  };
  const readTable = (disk: SimulatedDisk): void =>
    void partitions.set(disk, partitionFiles(disk.name, disk));
  for (const disk of disks) readTable(disk);
  let tree = make();
  let count = disks.length;
  return {
    read(disk: SimulatedDisk): void {
      readTable(disk);
      tree = make();
    },
    now(): MachineTree {
      // Something was plugged in.
      if (disks.length !== count) tree = make();
      count = disks.length;
      return tree;
    },
  };
}

function slowDisk(disk: Disk, { life, random, diskCommandMs }: RamdiskPortsOptions): Disk {
  const afterwards = async <T>(
    bytes: number,
    work: () => Promise<Result<T, DiskError>>,
  ): Promise<Result<T, DiskError>> => {
    const result = await work();
    await life.clock.sleep(random.between(1, diskCommandMs) + bytes / bytesPerMs);
    return result;
  };
  return {
    sizeBytes: disk.sizeBytes,
    sectorBytes: disk.sectorBytes,
    read: (offset, length) => life.call("disk.read", () => disk.read(offset, length)),
    write: (offset, data) =>
      life.call("disk.write", () => afterwards(data.length, () => disk.write(offset, data))),
    zero: (offset, length) =>
      life.call("disk.zero", () => afterwards(0, () => disk.zero(offset, length))),
    flush: () => life.call("disk.flush", () => afterwards(0, () => disk.flush())),
    close: () => life.call("disk.close", () => disk.close()),
  };
}
