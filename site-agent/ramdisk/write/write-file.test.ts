import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureDebianPackages } from "../../../infra/preparation/debian-packages.ts";
import { silentProgress } from "../../../infra/preparation/progress.ts";
import { runProgram } from "../../../infra/preparation/run-program.ts";
import { toBase64 } from "../../../shared/bytes.ts";
import { diskIdentityOf } from "../../../shared/host/disk-identity.ts";
import { ok } from "../../../shared/result.ts";
import { makeExtentSource } from "../../../test/support/extent-source.ts";
import { makeFileMachine } from "../../../test/support/file-machine.ts";
import { makeMemoryAgent } from "../../../test/support/memory-agent.ts";
import { nodeCompression } from "../../adapters/node-compression.ts";
import { makeNodeClock } from "../../adapters/node-clock.ts";
import { makeNodeCrypto } from "../../adapters/node-crypto.ts";
import { buildConfigDrive } from "../../imaging/config-drive-image.ts";
import { readDisks } from "../inventory/read-disks.ts";
import type { StepContext } from "../step.ts";
import { writeStep } from "./write-step.ts";

const mib = 1024 * 1024;
let folder = "";

beforeAll(async () => {
  const packages = ["util-linux", "fdisk", "gdisk", "e2fsprogs", "dosfstools"];
  await ensureDebianPackages(packages, silentProgress);
  folder = await mkdtemp(join(tmpdir(), "farrier-write-"));
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** An image as distributions make them: GPT, EFI system partition, a file system with files. */
async function makeImage(path: string): Promise<Uint8Array> {
  const root = join(folder, "root");
  await mkdir(root);
  await writeFile(join(root, "hostname"), "a written machine\n");
  const script = `
    set -eu
    truncate -s 48M "$1"
    printf '%s\\n' 'label: gpt' 'size=16M,type=U,name=ESP' 'size=24M,name=root' | sfdisk --quiet "$1"
    mkfs.vfat --offset 2048 "$1" 16384 >/dev/null
    mkfs.ext4 -q -d "$2" -E offset=$((17 * 1048576)) "$1" 24M`;
  await runProgram("bash", ["-c", script, "bash", path, root]);
  return new Uint8Array(await readFile(path));
}

test("a disk has the image's partitions and files, a config drive and a sound table after a write", async () => {
  const image = await makeImage(join(folder, "image.raw"));
  const source = await makeExtentSource(image);
  const file = join(folder, "disk.img");
  await writeFile(file, Buffer.alloc(96 * mib, 0xaa));
  const machine = await makeFileMachine(file, "S1");
  const [listed] = await readDisks(machine.system);
  const drive = buildConfigDrive({
    uid: "uid-1",
    namespace: "metal3",
    name: "node-0",
    userData: Buffer.from("#cloud-config\n"),
    networkData: undefined,
    metaData: undefined,
  });
  if (!drive.ok) throw new Error(drive.error.message);
  const agent = makeMemoryAgent({
    handle: async () => ({ status: 200, body: source.chunks() }),
    upgrade: () => {},
  });
  const context: StepContext = {
    ports: {
      ...machine,
      ...agent,
      clock: makeNodeClock(),
      crypto: makeNodeCrypto(),
      compression: nodeCompression,
      addresses: () => [],
      log: { info: () => {}, warn: () => {}, error: () => {} },
    },
    boot: { agentUrl: "https://192.0.2.1", fingerprint: "", bootToken: "", bootMac: "" },
    operationToken: "token",
    signal: new AbortController().signal,
    onProgress: () => {},
    mayDestroy: () => Promise.resolve(ok(undefined)),
  };
  const result = await writeStep(
    {
      kind: "write",
      approvedDisks: [diskIdentityOf(listed!.storage)],
      rootDeviceHints: { deviceName: "/dev/sda" },
      extentsPath: "/extents",
      virtualBytes: image.length,
      configDrive: toBase64(drive.value),
      bootMode: "UEFI",
      bytesPerSecond: 0,
    },
    context,
  );
  expect(result).toMatchObject({
    ok: true,
    value: { contentDigest: source.contentDigest, configDrive: true },
  });

  const verified = await runProgram("sgdisk", ["--verify", file]);
  expect(verified.stdout).toContain("No problems found");
  const { stdout: table } = await runProgram("sfdisk", ["--json", file]);
  const { partitions } = JSON.parse(table).partitiontable;
  expect(partitions.map(({ name }: { name: string }) => name)).toEqual(["ESP", "root", "config-2"]);
  // The image's partitions, byte for byte; its tables have moved.
  const written = await readFile(file);
  expect(Buffer.compare(written.subarray(mib, 41 * mib), image.subarray(mib, 41 * mib))).toBe(0);
  const [, root, config] = partitions as { start: number; size: number }[];
  const cut = async (part: { start: number; size: number }, name: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, written.subarray(part.start * 512, (part.start + part.size) * 512));
    return path;
  };
  const rootFile = await cut(root!, "root.img");
  // Fails for any problem that it finds.
  await runProgram("e2fsck", ["-fn", rootFile]);
  const { stdout: hostname } = await runProgram("debugfs", ["-R", "cat /hostname", rootFile]);
  expect(hostname).toBe("a written machine\n");
  const probe = ["--probe", "--output", "export", await cut(config!, "config.iso")];
  const { stdout: label } = await runProgram("blkid", probe);
  expect(label).toContain("LABEL=config-2");
  expect(label).toContain("TYPE=iso9660");
}, 120_000);
