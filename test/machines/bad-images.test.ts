// A host that is to be deployed with everything wrong: each mistake is told with field, value and way out, nothing
// is written meanwhile, and once it is mended the host goes on by itself, to the next mistake and at last to a
// running system.
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ensureWitnessImage } from "../../infra/lab/operating-system/witness-image.ts";
import type { OperatingSystemImage } from "../../infra/lab/operating-system/operating-system-image.ts";
import { biosMachine } from "../../infra/lab/sample-machines.ts";
import { terminalProgress } from "../../infra/preparation/progress.ts";
import { runProgram } from "../../infra/preparation/run-program.ts";
import { deploy, imageOf, serialOf, untilCalled, witnessUserData } from "./fleet/deployments.ts";
import { hostManifests, secretManifest } from "./fleet/host-object.ts";
import { digestOf, judgeDeployment, judgeUnrecognisable } from "./fleet/judge-disk.ts";
import { endFleetAfterwards, startFleet } from "./fleet/start-fleet.ts";
import type { Fleet } from "./fleet/start-fleet.ts";
import { digestOfMiddle, useDisks, withRootMiB } from "./fleet/used-disks.ts";
import type { UsedDisks } from "./fleet/used-disks.ts";

const m1 = withRootMiB(biosMachine(1), 1024);
const long = { timeout: 600_000 };

let witness: OperatingSystemImage;
let fleet: Fleet;
let disks: UsedDisks;

endFleetAfterwards();

beforeAll(async () => {
  witness = await ensureWitnessImage(terminalProgress());
  fleet = await startFleet({
    machines: [m1],
    images: { "witness.qcow2": witness.qcow2.path },
    async prepare({ lab }) {
      disks = await useDisks(lab.machine("m1"));
    },
  });
});

/** The error that the host shows next; it names each of the words. */
async function expectError(...words: readonly (string | RegExp)[]): Promise<void> {
  const patience = { fact: `an error about ${words.join(", ")}`, seconds: 300 };
  const isThere = (text: string) =>
    words.every((word) => (typeof word === "string" ? text.includes(word) : word.test(text)));
  const host = await fleet.untilHost("m1", patience, (seen) => {
    return isThere(seen?.status?.errorMessage ?? "");
  });
  expect(host?.status).toMatchObject({
    errorType: "provisioning error",
    operationalStatus: "error",
  });
}

async function expectUntouched(): Promise<void> {
  const machine = fleet.paddock.lab.machine("m1");
  expect(await digestOfMiddle(machine)).toBe(disks.middle);
  await judgeUnrecognisable(machine.diskPath("root"));
}

test("root device hints that fit no disk", long, async () => {
  await fleet.apply(...hostManifests(m1));
  await fleet.untilState("m1", "available", 500);
  await deploy(fleet, {
    machine: m1,
    address: "192.168.100.21",
    userData: witnessUserData(fleet, "m1", "no secret"),
    image: { fileName: "absent.qcow2", sha256: witness.qcow2.sha256 },
  });
  await fleet.kubectl("delete", "secret", "m1-user-data");
  await fleet.patch("m1", { rootDeviceHints: { serialNumber: "DISK-99" } });
  await expectError("rootDeviceHints", "DISK-99", serialOf(m1, "root"));
});

test("a user data Secret that does not exist", long, async () => {
  await fleet.patch("m1", { rootDeviceHints: { serialNumber: serialOf(m1, "root") } });
  await expectError(/userData/, '"m1-user-data"', /create it/);
  await expectUntouched();
});

test("an image that is not there", long, async () => {
  const userData = witnessUserData(fleet, "m1", "no secret");
  await fleet.apply(secretManifest("m1-user-data", { userData }));
  const url = fleet.paddock.services.imageUrl("absent.qcow2");
  await expectError(url, "404", "spec.image.url");
  await expectUntouched();
});

test("an image that is larger than the disk", long, async () => {
  const path = join(fleet.imageDirectory, "large.qcow2");
  await runProgram("qemu-img", ["create", "-q", "-f", "qcow2", path, "8G"]);
  const large = { fileName: "large.qcow2", sha256: await digestOf(path) };
  await fleet.patch("m1", { image: imageOf(fleet, large) });
  await expectError(String(8 * 1024 ** 3), serialOf(m1, "root"), "spec.rootDeviceHints");
  await expectUntouched();
});

test("an image with another checksum", long, async () => {
  const sha256 = witness.raw.sha256;
  await fleet.patch("m1", { image: imageOf(fleet, { fileName: "witness.qcow2", sha256 }) });
  await expectError("checksum", sha256, witness.qcow2.sha256, "spec.image.checksum");
  // It was written, but neither its first MiB nor the table at the end: nothing boots from this disk.
  await judgeUnrecognisable(fleet.paddock.lab.machine("m1").diskPath("root"));
});

test("everything mended: the host runs its system", long, async () => {
  const { sha256 } = witness.qcow2;
  await fleet.patch("m1", { image: imageOf(fleet, { fileName: "witness.qcow2", sha256 }) });
  await fleet.untilState("m1", "provisioned", 300);
  const status = fleet.watch.latest("m1")?.status;
  expect(status).toMatchObject({ errorMessage: "", errorCount: 0, operationalStatus: "OK" });
  await untilCalled(fleet, "m1", { seconds: 240 });
  await judgeDeployment(fleet.paddock.lab.machine("m1").diskPath("root"), witness.raw);
});
