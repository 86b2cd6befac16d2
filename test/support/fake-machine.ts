// A machine as the ramdisk program sees it, in memory: sysfs made from a description, disks that keep what is
// written, programs that only tell. Give it a network to an agent and run the real program on it.
import { makeNodeCrypto } from "../../site-agent/adapters/node-crypto.ts";
import { syncCompression } from "./sync-compression.ts";
import type { Clock, DuplexClient, HttpClient, Log, Programs } from "../../site-agent/ports.ts";
import type { RamdiskPorts } from "../../site-agent/ramdisk/ports.ts";
import { err, ok } from "../../shared/result.ts";
import { readGpt } from "../../shared/wire/gpt/gpt.ts";
import { protectiveType, readMbr } from "../../shared/wire/gpt/mbr.ts";
import { FakeDisk } from "./fake-disk.ts";
import { makeFakeSystemFiles } from "./fake-system-files.ts";
import type { MachineTree } from "./fake-system-files.ts";

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
  for (const [index, { sizeBytes }] of options.disks.entries()) {
    disks.set(`sd${String.fromCharCode(97 + index)}`, new FakeDisk(sizeBytes));
  }
  const partitions = new Map<string, Record<string, string>>();
  let bootedAtMs = 0;
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
      bootedAtMs = options.clock.monotonicMs();
      return {
        ...network,
        clock: options.clock,
        crypto: makeNodeCrypto(),
        compression: syncCompression,
        programs,
        system: makeFakeSystemFiles(() => {
          const upSeconds = 15 + (options.clock.monotonicMs() - bootedAtMs) / 1000;
          return makeTree(options, [...partitions.values()], {
            "/proc/cmdline": `${commandLine}\n`,
            "/proc/uptime": `${upSeconds.toFixed(2)} 0.00\n`,
          });
        }),
        disks: {
          open: async (path) =>
            disks.get(nameOf(path))?.open() ?? err("missing", `Cannot open ${path}: ENOENT`),
          async rereadPartitions(path) {
            const disk = disks.get(nameOf(path));
            if (disk === undefined) return err("missing", `There is no ${path}`);
            if (disk.isOpen) return err("busy", `${path} is busy`);
            partitions.set(nameOf(path), partitionFiles(nameOf(path), disk));
            return ok(undefined);
          },
        },
        addresses: () => [],
        log: options.log ?? quiet,
      };
    },
  };
}

function makeTree(
  options: FakeMachineOptions,
  partitions: readonly Record<string, string>[],
  extra: Record<string, string>,
): MachineTree {
  const { systemUuid, serialNumber, macs, firmware } = options;
  const pci = "/sys/devices/pci0000:00";
  const files: Record<string, string> = {
    "/proc/cpuinfo":
      "processor\t: 0\nmodel name\t: Fake CPU\ncpu MHz\t\t: 2000.000\nflags\t\t: lm fpu\n",
    "/proc/meminfo": "MemTotal:        4194304 kB\n",
    "/proc/sys/kernel/arch": "x86_64\n",
    "/sys/class/dmi/id/sys_vendor": "Farrier\n",
    "/sys/class/dmi/id/product_name": "Fake\n",
    ...(systemUuid === undefined ? {} : { "/sys/class/dmi/id/product_uuid": `${systemUuid}\n` }),
    ...(serialNumber === undefined
      ? {}
      : { "/sys/class/dmi/id/product_serial": `${serialNumber}\n` }),
    ...(firmware === "UEFI" ? { "/sys/firmware/efi/efivars/BootOrder-x": "" } : {}),
    ...extra,
  };
  const links: Record<string, string> = {};
  for (const [index, mac] of macs.entries()) {
    const net = `/sys/class/net/eth${index}`;
    links[`${net}/device`] = `${pci}/0000:00:0${2 + index}.0/virtio${index}`;
    Object.assign(files, {
      [`${net}/address`]: `${mac}\n`,
      [`${net}/device/vendor`]: "0x1af4\n",
      [`${net}/device/device`]: "0x0001\n",
    });
  }
  for (const [index, disk] of options.disks.entries()) {
    const block = `/sys/block/sd${String.fromCharCode(97 + index)}`;
    links[block] =
      `${pci}/0000:00:10.0/virtio9/host0/target0:0:${index}/0:0:${index}:0/${block.slice(5)}`;
    Object.assign(files, {
      [`${block}/size`]: `${disk.sizeBytes / 512}\n`,
      [`${block}/ro`]: disk.readOnly === true ? "1\n" : "0\n",
      [`${block}/queue/rotational`]: "0\n",
      [`${block}/queue/logical_block_size`]: "512\n",
      [`${block}/device/vendor`]: "QEMU    \n",
      [`${block}/device/model`]: "QEMU HARDDISK   \n",
      [`${block}/device/vpd_pg80`]: `\0\x80\0\x08${disk.serialNumber}`,
    });
  }
  for (const each of partitions) Object.assign(files, each);
  return { files, links };
}

/** What the kernel shows of the partition table that is on the disk. */
function partitionFiles(name: string, disk: FakeDisk): Record<string, string> {
  const head = { offset: 0, bytes: disk.peek(0, 1024 * 1024) };
  const entries = readMbr(head.bytes.subarray(0, 512)) ?? [];
  const gpt = entries.some(({ type }) => type === protectiveType)
    ? readGpt([head], 1, 512)
    : undefined;
  const ranges =
    gpt === undefined
      ? entries.map(({ index, firstLba, sectors }) => ({ index, firstLba, sectors }))
      : gpt.ok
        ? gpt.value.entries.map(({ index, firstLba, lastLba }) => ({
            index,
            firstLba,
            sectors: lastLba - firstLba + 1,
          }))
        : [];
  const files: Record<string, string> = {};
  for (const { index, firstLba, sectors } of ranges) {
    const folder = `/sys/block/${name}/${name}${index + 1}`;
    files[`${folder}/partition`] = `${index + 1}\n`;
    files[`${folder}/start`] = `${firstLba}\n`;
    files[`${folder}/size`] = `${sectors}\n`;
  }
  return files;
}
