// A machine as the ramdisk program sees it, in memory: sysfs made from a description, disks that keep what is
// written, programs that only tell. Give it a network to an agent and run the real program on it.
import { makeNodeCrypto } from "../../site-agent/adapters/node-crypto.ts";
import { syncCompression } from "./sync-compression.ts";
import type { Clock, DuplexClient, HttpClient, Log, Programs } from "../../site-agent/ports.ts";
import type { RamdiskPorts } from "../../site-agent/ramdisk/ports.ts";
import { err, ok } from "../../shared/result.ts";
import { FakeDisk } from "./fake-disk.ts";
import { makeFakeSystemFiles } from "./fake-system-files.ts";
import type { MachineTree } from "./fake-system-files.ts";
import { makeMachineTree, partitionFiles } from "./machine-tree.ts";
import type { DescribedDisk } from "./machine-tree.ts";

export interface FakeMachineOptions {
  readonly clock: Clock;
  readonly systemUuid?: string;
  readonly serialNumber?: string;
  /** The first one boots. */
  readonly macs: readonly string[];
  /** SCSI disks sda, sdb … */
  readonly disks: readonly {
    readonly serialNumber: string;
    readonly sizeBytes: number;
    readonly readOnly?: boolean;
  }[];
  readonly firmware?: "BIOS" | "UEFI";
  /** Of its interfaces; none when absent. */
  readonly addresses?: RamdiskPorts["addresses"];
  readonly log?: Log;
}

export interface Network {
  readonly http: HttpClient;
  readonly duplexes: DuplexClient;
}

export interface FakeMachine {
  /** What the program takes; the machine has booted now. `commandLine` is the kernel's. */
  ports(commandLine: string, network: Network): RamdiskPorts;
  /** By kernel name, as sda. */
  readonly disks: ReadonlyMap<string, FakeDisk>;
  /** Program lines that ran. */
  readonly ran: readonly string[];
  /** How the machine was left, if it was. */
  left(): "reboot" | "power-off" | undefined;
}

const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} };

export function makeFakeMachine(options: FakeMachineOptions): FakeMachine {
  const disks = new Map<string, FakeDisk>();
  const described: DescribedDisk[] = [];
  for (const [slot, disk] of options.disks.entries()) {
    const name = `sd${String.fromCharCode(97 + slot)}`;
    disks.set(name, new FakeDisk(disk.sizeBytes));
    described.push({ ...disk, name, bus: "scsi", slot });
  }
  const partitions = new Map<string, Record<string, string>>();
  const ran: string[] = [];
  let left: "reboot" | "power-off" | undefined;
  const programs: Programs = {
    run(argv) {
      ran.push(argv.join(" "));
      if (argv[0] === "reboot") left = "reboot";
      if (argv[0] === "poweroff") left = "power-off";
      const isCreate = argv[0] === "efibootmgr" && argv.includes("--create");
      const stdout = isCreate ? "BootOrder: 0002,0000\nBoot0000* UiApp\nBoot0002* Farrier\n" : "";
      return Promise.resolve(ok({ code: 0, stdout, stderr: "" }));
    },
  };
  const nameOf = (path: string): string => path.slice("/dev/".length);
  return {
    disks,
    ran,
    left: () => left,
    ports: (commandLine, network) => {
      const bootedAtMs = options.clock.monotonicMs();
      const uptime = (): string => {
        const upSeconds = 15 + (options.clock.monotonicMs() - bootedAtMs) / 1000;
        return `${upSeconds.toFixed(2)} 0.00\n`;
      };
      const makeTree = (): MachineTree =>
        makeMachineTree(
          { ...options, disks: described },
          Object.assign({}, ...partitions.values(), {
            "/proc/cmdline": `${commandLine}\n`,
            "/proc/uptime": uptime,
          }),
        );
      let tree = makeTree();
      return {
        ...network,
        clock: options.clock,
        crypto: makeNodeCrypto(),
        compression: syncCompression,
        programs,
        system: makeFakeSystemFiles(() => tree),
        disks: {
          open: async (path) =>
            disks.get(nameOf(path))?.open() ?? err("missing", `Cannot open ${path}: ENOENT`),
          async rereadPartitions(path) {
            const disk = disks.get(nameOf(path));
            if (disk === undefined) return err("missing", `There is no ${path}`);
            if (disk.isOpen) return err("busy", `${path} is busy`);
            partitions.set(nameOf(path), partitionFiles(nameOf(path), disk));
            tree = makeTree();
            return ok(undefined);
          },
        },
        addresses: options.addresses ?? (() => []),
        log: options.log ?? quiet,
      };
    },
  };
}
