// A machine whose one disk is a file: the real Disks adapter, the real util-linux, and sysfs as the kernel
// would show it for the partition table that is really in the file (read by sfdisk at each re-read).
import { open } from "node:fs/promises";
import { nodePrograms } from "../../site-agent/adapters/node-programs.ts";
import type { Programs } from "../../site-agent/ports.ts";
import { makeNodeDisks } from "../../site-agent/ramdisk/adapters/node-disks.ts";
import type { Disks, SystemFiles } from "../../site-agent/ramdisk/ports.ts";
import { ok } from "../../shared/result.ts";
import { makeFakeSystemFiles } from "./fake-system-files.ts";

const devicePath = "/dev/sda";

export interface FileMachine {
  readonly devicePath: string;
  readonly system: SystemFiles;
  readonly disks: Disks;
  readonly programs: Programs;
  /** Program lines that ran, with the device's name. */
  readonly ran: readonly string[];
}

/** `file` exists and has a size that is a multiple of 512. Call `disks.rereadPartitions` after making a table. */
export async function makeFileMachine(file: string, serialNumber: string): Promise<FileMachine> {
  const handle = await open(file);
  const { size } = await handle.stat();
  await handle.close();
  const base = "/sys/block/sda";
  const device = "/sys/devices/pci0000:00/0000:00:04.0/virtio1/host0/target0:0:0/0:0:0:0/block/sda";
  let partitions: Record<string, string> = {};
  const ran: string[] = [];
  const system = makeFakeSystemFiles(() => ({
    files: {
      [`${base}/size`]: `${size / 512}\n`,
      [`${base}/ro`]: "0\n",
      [`${base}/removable`]: "0\n",
      [`${base}/queue/logical_block_size`]: "512\n",
      [`${base}/queue/rotational`]: "1\n",
      [`${base}/device/vpd_pg80`]: `\0\x80\0\x08${serialNumber}`,
      ...partitions,
    },
    links: { [base]: device },
  }));
  const programs: Programs = {
    run(argv, options) {
      ran.push(argv.join(" "));
      // Partition nodes do not exist for a file; what wipefs would do there is left to our own zeros.
      if (argv.some((part) => /^\/dev\/sda\d/.test(part))) {
        return Promise.resolve(ok({ code: 0, stdout: "", stderr: "" }));
      }
      return nodePrograms.run(
        argv.map((part) => (part === devicePath ? file : part)),
        options,
      );
    },
  };
  const real = makeNodeDisks(programs);
  const disks: Disks = {
    open: (path) => real.open(path === devicePath ? file : path),
    async rereadPartitions() {
      partitions = await partitionFiles(base, file);
      return ok(undefined);
    },
  };
  return { devicePath, system, disks, programs, ran };
}

async function partitionFiles(base: string, file: string): Promise<Record<string, string>> {
  const ran = await nodePrograms.run(["sfdisk", "--json", file]);
  if (!ran.ok) throw new Error(ran.error.message);
  // 1: no partition table that it recognises.
  if (ran.value.code !== 0) return {};
  const table: unknown = JSON.parse(ran.value.stdout);
  const files: Record<string, string> = {};
  for (const { node, start, size } of (table as SfdiskTable).partitiontable.partitions ?? []) {
    const number = Number(node.slice(file.length).replace(/^p/, ""));
    files[`${base}/sda${number}/partition`] = `${number}\n`;
    files[`${base}/sda${number}/start`] = `${start}\n`;
    files[`${base}/sda${number}/size`] = `${size}\n`;
  }
  return files;
}

interface SfdiskTable {
  readonly partitiontable: {
    readonly partitions?: readonly {
      readonly node: string;
      readonly start: number;
      readonly size: number;
    }[];
  };
}
