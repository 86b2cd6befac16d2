// What may happen while a host is being worked on: its agent and both control planes are killed, a machine of
// nobody boots from the network, one does not boot at all. Judged from outside, like the story.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ensureWitnessImage } from "../../infra/lab/operating-system/witness-image.ts";
import type { OperatingSystemImage } from "../../infra/lab/operating-system/operating-system-image.ts";
import { biosMachine } from "../../infra/lab/sample-machines.ts";
import { terminalProgress } from "../../infra/preparation/progress.ts";
import { readCapture, startCapture } from "./fleet/capture.ts";
import type { Capture } from "./fleet/capture.ts";
import { deploy, untilCalled, witnessUserData } from "./fleet/deployments.ts";
import { hostManifests, operationOf, stateOf } from "./fleet/host-object.ts";
import { judgeDeployment } from "./fleet/judge-disk.ts";
import { endFleetAfterwards, startFleet } from "./fleet/start-fleet.ts";
import type { Fleet } from "./fleet/start-fleet.ts";
import { until } from "./fleet/until.ts";
import { useDisks, withRootMiB } from "./fleet/used-disks.ts";

const m1 = withRootMiB(biosMachine(1), 1024);
/** Boots from the network at first, and belongs to nobody. */
const m8 = biosMachine(8, { memoryMiB: 256, cpus: 1 });

let image: OperatingSystemImage;
let fleet: Fleet;
let addresses: Capture;

endFleetAfterwards();

beforeAll(async () => {
  image = await ensureWitnessImage(terminalProgress());
  fleet = await startFleet({
    machines: [m1, m8],
    images: { "witness.qcow2": image.qcow2.path },
    // About half a minute for the write: time enough to kill everything in turn.
    writeBytesPerSecond: 400_000,
    async prepare({ lab }) {
      await useDisks(lab.machine("m1"));
    },
  });
  const path = join(fleet.directory, "addresses.pcap");
  addresses = await startCapture(fleet.paddock.lab, path, "port 67 or port 68");
  // It is inspected while the other one boots.
  await fleet.apply(...hostManifests(m1));
});

const long = { timeout: 600_000 };

test("a machine of nobody is left alone when it boots from the network, and is told once", async () => {
  const stranger = fleet.paddock.lab.machine("m8");
  await stranger.chassis("set", "power", "1");
  const asked = () => readCapture(addresses.path, `udp src port 68 and ether src ${m8.mac}`);
  const often = (times: number) => (packets: readonly string[]) => packets.length >= times;
  await until({ fact: "it asked three times", seconds: 120, everyMs: 1000 }, asked, often(3));
  await stranger.chassis("set", "reset", "1");
  await until({ fact: "it asked again", seconds: 120, everyMs: 1000 }, asked, often(6));
  await stranger.chassis("set", "power", "0");
  const log = await readFile(fleet.paddock.agent.logFile, "utf8");
  const told = log.split("\n").filter((line) => line.includes(m8.mac));
  expect(told, told.join("\n")).toHaveLength(1);
  const events = await stranger.events();
  expect(events.filter(({ event }) => event === "boot-device-set")).toEqual([]);
});

test(
  "an agent killed in the middle of a write leaves a disk that is written anew",
  long,
  async () => {
    await fleet.untilState("m1", "available", 500);
    await deploy(fleet, {
      machine: m1,
      address: "192.168.100.21",
      userData: witnessUserData(fleet, "m1", "no secret"),
      image: { fileName: "witness.qcow2", sha256: image.qcow2.sha256 },
    });
    await untilHalfWritten();
    await fleet.paddock.agent.kill();
    fleet.paddock.agent.start();
    const patience = { fact: "the host says that the write was interrupted", seconds: 120 };
    const host = await fleet.untilHost("m1", patience, (seen) => {
      return seen?.status?.errorType === "provisioning error";
    });
    expect(host?.status?.errorMessage).toMatch(/in the middle of the work.*starts again/);
    expect(stateOf(host)).toBe("provisioning");
    await fleet.kubectl("annotate", "baremetalhost", "m1", "farrier.dev/retry=");
  },
);

test("control planes killed in turn during a write change nothing of it", long, async () => {
  await untilHalfWritten();
  for (const instance of [fleet.paddock.hub.a, fleet.paddock.hub.b]) {
    await instance.kill();
    await instance.start();
  }
  await fleet.untilState("m1", "provisioned", 300);
  const call = await untilCalled(fleet, "m1", { seconds: 240 });
  expect(call?.query["instance"]).toBe(fleet.watch.latest("m1")?.metadata.uid);
  await judgeDeployment(fleet.paddock.lab.machine("m1").diskPath("root"), image.raw);
});

test("the events tell of two attempts, one interrupted and one complete", async () => {
  const reasons = (await fleet.events("m1")).map(({ reason }) => reason);
  const story = [
    "ProvisioningStarted",
    "ProvisioningError",
    "DeprovisioningStarted",
    "DeprovisioningComplete",
    "ProvisioningStarted",
    "ProvisioningComplete",
  ];
  expect(reasons.filter((reason) => story.includes(reason))).toEqual(story);
});

test(
  "a machine that does not boot is given up in time, with what was seen of it",
  long,
  async () => {
    await restartAgentWith({ bootSeconds: 30 });
    const wrong = "52:54:00:fa:00:77";
    await fleet.apply(...hostManifests(m8, { bootMACAddress: wrong }));
    const patience = { fact: "the inspection ends", seconds: 150 };
    const host = await fleet.untilHost("m8", patience, (seen) => {
      return seen?.status?.errorType === "inspection error";
    });
    const message = host?.status?.errorMessage ?? "";
    expect(message).toMatch(/within 30 s: power on ✓ \d\d:\d\d:\d\d, DHCP request from its MAC ✗/);
    expect(message).toContain(wrong);
    expect(message).toContain(`MACs seen instead: ${m8.mac}`);
    expect(message).toContain("spec.bootMACAddress");
    await addresses.stop();
    const answers = await readCapture(addresses.path, "udp src port 67");
    expect(answers.some((packet) => packet.includes(m1.mac))).toBe(true);
    expect(answers.filter((packet) => packet.includes(m8.mac))).toEqual([]);
  },
);

/** Some MiB of the image are on the disk, and more are to come. */
async function untilHalfWritten(): Promise<void> {
  const patience = { fact: "some MiB are written", seconds: 300 };
  await fleet.untilHost("m1", patience, (host) => {
    const operation = operationOf(host);
    return operation?.reason === "WritingImage" && / MiB of /.test(operation.message);
  });
}

async function restartAgentWith(site: object): Promise<void> {
  const path = join(fleet.directory, "agent.json");
  const config = JSON.parse(await readFile(path, "utf8")) as { site: object };
  await writeFile(path, JSON.stringify({ ...config, site: { ...config.site, ...site } }));
  await fleet.paddock.agent.stop();
  fleet.paddock.agent.start();
}
