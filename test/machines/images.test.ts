// The lab's operating system images on machines that were never deployed by us: the image is copied
// to the disk from outside, so that what fails here is the image or the lab, not the agent.

import { createHash } from "node:crypto";
import { copyFileSync, createReadStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { TestContext } from "vitest";
import { ensureDebianImage } from "../../infra/lab/operating-system/debian-image.ts";
import type { OperatingSystemImage } from "../../infra/lab/operating-system/operating-system-image.ts";
import { ensureWitnessImage } from "../../infra/lab/operating-system/witness-image.ts";
import type { MachineSpec } from "../../infra/lab/machine/machine-spec.ts";
import { biosMachine, uefiMachine } from "../../infra/lab/sample-machines.ts";
import { startLab } from "../../infra/lab/start-lab.ts";
import type { LabHandle } from "../../infra/lab/start-lab.ts";
import { terminalProgress } from "../../infra/preparation/progress.ts";
import { configDriveUuid as uuid, writeConfigDrive } from "./config-drive.ts";

const progress = terminalProgress();

async function digestOfStart(path: string, bytes: number): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of createReadStream(path, { end: bytes - 1 })) hash.update(part as Buffer);
  return hash.digest("hex");
}

/** Listens inside the lab's reach for the first request and says what was asked for. */
function firstCall(lab: LabHandle): Promise<string> {
  const script = `require("node:http").createServer((q, a) => { console.log(q.url); a.end(); })
    .listen(8080, "192.168.100.1");`;
  const home = lab.spawn([process.execPath, "-e", script]);
  return new Promise((resolve, reject) => {
    home.stdout?.once("data", (part: Buffer) => resolve(part.toString().trim()));
    void home.exited.then(() => reject(new Error("The program that listens ended")));
  });
}

async function startWithImage(
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  deployed: {
    readonly machine: MachineSpec;
    readonly image: OperatingSystemImage;
    readonly userData: string;
  },
): Promise<{ lab: LabHandle; called: Promise<string> }> {
  const { machine, image, userData } = deployed;
  const directory = mkdtempSync(join(tmpdir(), "farrier-image-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const lab = await startLab({ name: "images", directory, progress, machines: [machine] });
  onTestFinished(() => lab.stop());
  const m1 = lab.machine("m1");
  copyFileSync(image.raw.path, m1.diskPath("root"));
  truncateSync(m1.diskPath("root"), 4096 * 1024 * 1024);
  await writeConfigDrive(directory, m1.diskPath("data"), { mac: machine.mac, userData }, progress);
  const failed = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => {
      const text = readFileSync(m1.paths.serialLog, "utf8");
      reject(new Error(`Nobody called home; the console ends with: ${text.slice(-2000)}`));
    }, 800_000);
    onTestFinished(() => clearTimeout(timer));
  });
  const called = Promise.race([firstCall(lab), failed]);
  await m1.chassis("set", "power", "1");
  return { lab, called };
}

async function pressPowerButton(lab: LabHandle): Promise<void> {
  const m1 = lab.machine("m1");
  await m1.chassis("set", "shutdown", "1");
  while (!(await m1.chassis("get", "power")).includes("power:0")) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const last = (await m1.events()).at(-1);
  expect(last).toMatchObject({ event: "stopped", cause: "guest-shutdown" });
}

const firmwares = [
  ["BIOS", biosMachine(1)],
  ["UEFI", uefiMachine(1)],
] as const;

// Two machines at a time.
describe("the witness", { concurrent: true }, () => {
  test.for(firmwares)(
    "calls home and leaves its disk alone under %s",
    async ([, machine], here) => {
      const image = await ensureWitnessImage(progress);
      const userData = "#!/bin/sh\nwget -q -O - http://192.168.100.1:8080/booted/$UUID\n";
      const { lab, called } = await startWithImage(here, { machine, image, userData });
      expect(await called).toBe(`/booted/${uuid}`);
      await pressPowerButton(lab);
      const root = lab.machine("m1").diskPath("root");
      expect(await digestOfStart(root, image.virtualBytes)).toBe(image.raw.sha256);
    },
  );
});

describe("Debian's cloud-init", { concurrent: true }, () => {
  test.for(firmwares)("obeys the config drive under %s", async ([, machine], here) => {
    const image = await ensureDebianImage(progress);
    const userData = `#!/bin/sh
curl -s "http://192.168.100.1:8080/$(hostname)/$(cloud-init query instance_id)/$(cloud-id)"
`;
    const { lab, called } = await startWithImage(here, { machine, image, userData });
    expect(await called).toBe(`/host-1/${uuid}/configdrive`);
    await pressPowerButton(lab);
  });
});
