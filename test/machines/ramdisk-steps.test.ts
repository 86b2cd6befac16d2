// The ramdisk's own program on emulated machines of both kinds, over a real network and TLS: what it reads of
// the machine, that nothing of former content is recognised after an erase, and that what it wrote is a disk
// that other tools find sound.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { z } from "zod";
import { qemuArguments } from "../../infra/lab/machine/qemu-arguments.ts";
import type { MachineSpec } from "../../infra/lab/machine/machine-spec.ts";
import { biosMachine, uefiMachine } from "../../infra/lab/sample-machines.ts";
import { startLab } from "../../infra/lab/start-lab.ts";
import type { LabHandle } from "../../infra/lab/start-lab.ts";
import { ensureDebianPackages } from "../../infra/preparation/debian-packages.ts";
import { terminalProgress } from "../../infra/preparation/progress.ts";
import { runProgram } from "../../infra/preparation/run-program.ts";
import { buildRamdisk } from "../../infra/ramdisk/build-ramdisk.ts";
import { stepOutcome } from "../../shared/protocol/ramdisk.ts";
import { makeNodeCrypto } from "../../site-agent/adapters/node-crypto.ts";
import { nodeFiles } from "../../site-agent/adapters/node-files.ts";
import { nodePrograms } from "../../site-agent/adapters/node-programs.ts";
import { serverCertificate } from "../../site-agent/server-certificate.ts";
import { judgeWrittenDisk, makePartitionedImage } from "../support/partitioned-image.ts";
import type { DriverOrder } from "./ramdisk-driver.ts";

const progress = terminalProgress();
const bootToken = "b007".repeat(16);
const port = 8443;

const result = z.object({ ok: z.literal(true), outcome: stepOutcome });

// Two machines at a time.
test.concurrent.for([
  ["BIOS", biosMachine(1, { memoryMiB: 512 }), "BIOS: the firmware's boot order"],
  ["UEFI", uefiMachine(1, { memoryMiB: 512 }), "first in the order, \\EFI\\BOOT\\BOOTX64.EFI"],
] as const)(
  "a ramdisk inspects, erases, writes and leaves when the machine has %s",
  async ([, machine, bootEntry], { onTestFinished }) => {
    const directory = mkdtempSync(join(tmpdir(), "farrier-steps-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const imageFile = join(directory, "image.raw");
    await makePartitionedImage(imageFile);
    const lab = await startLab({ name: "steps", directory, progress, machines: [machine] });
    onTestFinished(() => lab.stop());
    const [root, data] = ["root", "data"].map((name) => lab.machine(machine.name).diskPath(name));
    await dirty(root!, data!);
    const results = await driveRamdisk(lab, machine, { directory, imageFile });

    expect(results[0]).toMatchObject({
      kind: "inspect",
      hardware: {
        systemVendor: { manufacturer: machine.manufacturer, serialNumber: machine.serial },
        ramMebibytes: 512,
        nics: [{ mac: machine.mac, ip: "192.168.100.50", pxe: true }],
        // In any order: Linux finds the disks of one controller side by side.
        storage: expect.arrayContaining(
          machine.disks.map(({ serial, sizeMiB }) =>
            expect.objectContaining({ serialNumber: serial, sizeBytes: sizeMiB * 1024 * 1024 }),
          ),
        ),
      },
      identity: { systemUuid: machine.uuid, serialNumber: machine.serial, macs: [machine.mac] },
    });
    expect(results[1]).toMatchObject({ kind: "erase", disks: [{ ok: true }, { ok: true }] });
    expect(results[2]).toMatchObject({ kind: "write", configDrive: true });
    expect(results[2]).toMatchObject({ bootEntry: expect.stringContaining(bootEntry) });
    expect(results[3]).toEqual({ kind: "leave" });
    await judgeWrittenDisk(root!, imageFile, directory);
    const { stdout: left } = await runProgram("wipefs", ["--no-act", data!]);
    expect(left).toBe("");
  },
);

/** Former content that an erase has to make unrecognisable. */
async function dirty(root: string, data: string): Promise<void> {
  await ensureDebianPackages(["util-linux", "fdisk", "e2fsprogs"], progress);
  const script = `
    set -eu
    printf '%s\\n' 'label: gpt' 'size=100M' 'size=1G' | sfdisk --quiet "$1"
    mkfs.ext4 -q -E offset=1048576 "$1" 90M
    mkswap "$2" >/dev/null`;
  await runProgram("bash", ["-c", script, "bash", root, data]);
}

/** The outcomes of the driver's steps; returns when the machine is off. */
async function driveRamdisk(
  lab: LabHandle,
  machine: MachineSpec,
  { directory, imageFile }: { readonly directory: string; readonly imageFile: string },
) {
  const ports = { files: nodeFiles, programs: nodePrograms, crypto: makeNodeCrypto() };
  await ensureDebianPackages(["openssl"], progress);
  const certificate = await serverCertificate(ports, { directory, name: "ramdisk" });
  if (!certificate.ok) throw new Error(certificate.error.message);
  const asked: DriverOrder = {
    address: lab.siteAddress,
    port,
    mac: machine.mac,
    bootToken,
    keyFile: join(directory, "ramdisk.key"),
    certFile: join(directory, "ramdisk.crt"),
    imageFile,
    rootSerial: machine.disks[0]?.serial ?? "",
    bootMode: machine.firmware === "uefi" ? "UEFI" : "legacy",
  };
  const orderFile = join(directory, "order.json");
  writeFileSync(orderFile, JSON.stringify(asked));
  const driver = lab.spawn([
    process.execPath,
    join(import.meta.dirname, "ramdisk-driver.ts"),
    orderFile,
  ]);
  const messages: string[] = [];
  driver.stderr?.on("data", (chunk: Buffer) => messages.push(chunk.toString()));
  serveAddresses(lab, directory);
  const qemu = await bootRamdisk(lab, machine, {
    directory,
    fingerprint: certificate.value.fingerprint,
  });
  const outcomes = [];
  for await (const line of createInterface({ input: driver.stdout! })) {
    const parsed = result.safeParse(JSON.parse(line));
    if (!parsed.success) throw new Error(`A step failed: ${line}\n${messages.join("")}`);
    outcomes.push(parsed.data.outcome);
  }
  const { serialLog } = lab.machine(machine.name).paths;
  if (outcomes.length < 4) {
    const console = readFileSync(serialLog, "utf8").slice(-3000);
    throw new Error(`The driver ended early: ${messages.join("")}\nconsole: ${console}`);
  }
  await qemu.exited;
  return outcomes;
}

function serveAddresses(lab: LabHandle, directory: string): void {
  const settings = [
    "start 192.168.100.50",
    "end 192.168.100.50",
    `interface ${lab.bridge}`,
    "option subnet 255.255.255.0",
    `lease_file ${directory}/leases`,
  ];
  writeFileSync(join(directory, "leases"), "");
  writeFileSync(join(directory, "udhcpd.conf"), `${settings.join("\n")}\n`);
  lab.spawn(["busybox", "udhcpd", "-f", join(directory, "udhcpd.conf")]);
}

async function bootRamdisk(
  lab: LabHandle,
  machine: MachineSpec,
  { directory, fingerprint }: { readonly directory: string; readonly fingerprint: string },
) {
  const ramdisk = await buildRamdisk({ directory, progress });
  const initrd = join(directory, "initrd");
  writeFileSync(initrd, Buffer.concat(ramdisk.initrdPaths.map((path) => readFileSync(path))));
  const commandLine = [
    "rootfstype=ramfs console=ttyS0 panic=30",
    `farrier.agent=https://${lab.siteAddress}:${port}`,
    `farrier.fingerprint=${fingerprint}`,
    `farrier.token=${bootToken}`,
    `farrier.mac=${machine.mac}`,
  ].join(" ");
  const hardware = qemuArguments(machine, lab.machine(machine.name).paths, { order: ["disk"] });
  const load = ["-kernel", ramdisk.kernelPath, "-initrd", initrd, "-append", commandLine];
  return lab.spawn(["qemu-system-x86_64", ...hardware, ...load], {
    logFile: join(directory, "qemu.log"),
  });
}
