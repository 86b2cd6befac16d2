// A small disk image as distributions make them: GPT, EFI system partition, a file system with a file.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureDebianPackages } from "../../infra/preparation/debian-packages.ts";
import { silentProgress } from "../../infra/preparation/progress.ts";
import { runProgram } from "../../infra/preparation/run-program.ts";

const mib = 1024 * 1024;

/** 48 MiB: an EFI system partition from 1 to 17 MiB, ext4 from 17 to 41 MiB with /hostname in it. */
const partitionedImage = {
  partitions: { from: mib, to: 41 * mib },
  names: ["ESP", "root"],
  hostname: "a written machine\n",
} as const;

export async function makePartitionedImage(path: string): Promise<void> {
  const packages = ["util-linux", "fdisk", "e2fsprogs", "dosfstools"];
  await ensureDebianPackages(packages, silentProgress);
  const root = await mkdtemp(join(tmpdir(), "farrier-image-"));
  try {
    await writeFile(join(root, "hostname"), partitionedImage.hostname);
    const script = `
      set -eu
      truncate -s 48M "$1"
      printf '%s\\n' 'label: gpt' 'size=16M,type=U,name=ESP' 'size=24M,name=root' |
        sfdisk --quiet "$1"
      mkfs.vfat --offset 2048 "$1" 16384 >/dev/null
      mkfs.ext4 -q -d "$2" -E offset=$((17 * 1048576)) "$1" 24M`;
    await runProgram("bash", ["-c", script, "bash", path, root]);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/**
 * Throws unless `diskFile` is a disk with a sound table, the image's partitions byte for byte, its files, and a
 * config drive that cloud-init would find. `scratch` is a folder for parts of the disk.
 */
export async function judgeWrittenDisk(
  diskFile: string,
  imageFile: string,
  scratch: string,
): Promise<void> {
  await ensureDebianPackages(["gdisk", "diffutils"], silentProgress);
  const { stdout: verified } = await runProgram("sgdisk", ["--verify", diskFile]);
  if (!verified.includes("No problems found")) throw new Error(`sgdisk says: ${verified}`);
  const { stdout: json } = await runProgram("sfdisk", ["--json", diskFile]);
  const table = JSON.parse(json) as {
    partitiontable: { partitions: { name: string; start: number; size: number }[] };
  };
  const { partitions } = table.partitiontable;
  const names = partitions.map(({ name }) => name).join();
  if (names !== "ESP,root,config-2") throw new Error(`The partitions are ${names}`);
  const { from, to } = partitionedImage.partitions;
  await runProgram("cmp", [
    `--ignore-initial=${from}`,
    `--bytes=${to - from}`,
    imageFile,
    diskFile,
  ]);
  const cut = async (index: number, name: string): Promise<string> => {
    const part = partitions[index];
    const path = join(scratch, name);
    const place = [`skip=${part?.start ?? 0}`, `count=${part?.size ?? 0}`, "bs=512", "status=none"];
    await runProgram("dd", [`if=${diskFile}`, `of=${path}`, ...place]);
    return path;
  };
  const root = await cut(1, "root.img");
  // Fails for any problem that it finds.
  await runProgram("e2fsck", ["-fn", root]);
  const { stdout: hostname } = await runProgram("debugfs", ["-R", "cat /hostname", root]);
  if (hostname !== partitionedImage.hostname) throw new Error(`/hostname holds ${hostname}`);
  const probe = ["--probe", "--output", "export", await cut(2, "config.iso")];
  const { stdout: label } = await runProgram("blkid", probe);
  if (!label.includes("LABEL=config-2") || !label.includes("TYPE=iso9660")) throw new Error(label);
}
