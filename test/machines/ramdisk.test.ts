// The ramdisk on the smallest machine that it promises to boot on, started without network boot:
// that drivers, address, Node and disk tools are there before any agent is.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { qemuArguments } from "../../infra/lab/machine/qemu-arguments.ts";
import { biosMachine } from "../../infra/lab/sample-machines.ts";
import { startLab } from "../../infra/lab/start-lab.ts";
import { terminalProgress } from "../../infra/preparation/progress.ts";
import { buildRamdisk } from "../../infra/ramdisk/build-ramdisk.ts";

const progress = terminalProgress();

const dhcp = `start 192.168.100.50
end 192.168.100.50
interface br0
option subnet 255.255.255.0
option lease 600
`;

test("the ramdisk runs its program with an address and all tools when a machine has 512 MiB", async () => {
  const directory = mkdtempSync(join(tmpdir(), "farrier-ramdisk-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const entryPath = join(import.meta.dirname, "ramdisk-stub.ts");
  const ramdisk = await buildRamdisk({ directory, progress, entryPath });
  expect(ramdisk.bytes).toBeLessThan(60_000_000);
  const initrd = join(directory, "initrd");
  writeFileSync(initrd, Buffer.concat(ramdisk.initrdPaths.map((path) => readFileSync(path))));

  const machine = biosMachine(1, { memoryMiB: 512 });
  const lab = await startLab({ name: "ramdisk", directory, progress, machines: [machine] });
  onTestFinished(() => lab.stop());
  const settings = `${dhcp}lease_file ${directory}/leases\n`;
  writeFileSync(join(directory, "leases"), "");
  writeFileSync(join(directory, "udhcpd.conf"), settings);
  lab.spawn(["busybox", "udhcpd", "-f", join(directory, "udhcpd.conf")]);
  const commandLine = `rootfstype=ramfs console=ttyS0 panic=30 farrier.mac=${machine.mac}`;
  const hardware = qemuArguments(machine, lab.machine("m1").paths, { order: ["disk"] });
  const load = ["-kernel", ramdisk.kernelPath, "-initrd", initrd, "-append", commandLine];
  const logFile = join(directory, "qemu.log");
  const qemu = lab.spawn(["qemu-system-x86_64", ...hardware, ...load], { logFile });

  const { serialLog } = lab.machine("m1").paths;
  const facts = await waitForStub(serialLog, qemu.exited);
  expect(facts).toMatchObject({
    node: process.version,
    addresses: expect.arrayContaining(["192.168.100.50/24"]),
    disks: ["sda", "sdb"],
    failed: [],
  });
  expect(facts.availableMiB).toBeGreaterThan(150);
});

interface StubFacts {
  readonly availableMiB: number;
}

async function waitForStub(serialLog: string, ended: Promise<unknown>): Promise<StubFacts> {
  let isOver = false;
  void ended.finally(() => {
    isOver = true;
  });
  const deadline = Date.now() + 240_000;
  for (;;) {
    const text = readFileSync(serialLog, { encoding: "utf8", flag: "a+" });
    const line = /^stub: (.*\})\r?$/m.exec(text)?.[1];
    if (line !== undefined) return JSON.parse(line) as StubFacts;
    if (isOver || Date.now() > deadline) {
      throw new Error(`The program never spoke; the console ends with: ${text.slice(-2000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
