// Chapter 2: an image for both machines at once, written slowly enough to be watched.
import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { dumpDatabase } from "../fleet/canaries.ts";
import { startCapture } from "../fleet/capture.ts";
import { deploy, serialOf, untilCalled, witnessUserData } from "../fleet/deployments.ts";
import { operationOf } from "../fleet/host-object.ts";
import type { HostObject } from "../fleet/host-object.ts";
import { judgeDeployment } from "../fleet/judge-disk.ts";
import { chapter, fileBeside, labMachine, m1, m2, ours, secrets, stage } from "./stage.ts";

const mib = 1024 * 1024;
const asked = [
  { machine: m1, address: "192.168.100.21" },
  { machine: m2, address: "192.168.100.22" },
];

export function tellDeployment(): void {
  const since = new Map<string, number>();

  test("both machines get the image and call back from it", chapter, async () => {
    const { fleet, witness } = stage();
    const traffic = await startCapture(fleet.paddock.lab, fileBeside("provisioning.pcap"), "");
    const image = { fileName: "witness.qcow2", sha256: witness.qcow2.sha256 };
    for (const each of asked) {
      const { name } = each.machine;
      since.set(name, fleet.watch.count(name));
      const userData = witnessUserData(fleet, name, secrets.userData);
      const warnings = await deploy(fleet, { ...each, image, userData });
      expect(warnings).toContain(`serial ${serialOf(each.machine, "root")}`);
    }
    await fleet.untilHost("m1", { fact: "m1 is being written", seconds: 120 }, isWriting);
    const dump = await dumpDatabase(fleet.paddock.hub.databaseUrl);
    await writeFile(fileBeside("while-writing.copy"), dump);
    await Promise.all(ours.map(({ name }) => fleet.untilState(name, "provisioned", 300)));
    for (const { machine, address } of asked) {
      const { name } = machine;
      const states = fleet.watch.states(name, since.get(name));
      expect(states.slice(-2)).toEqual(["provisioning", "provisioned"]);
      const instance = fleet.watch.latest(name)?.metadata.uid;
      const call = await untilCalled(fleet, name, { seconds: 240 });
      expect(call).toMatchObject({ query: { instance }, from: address });
    }
    await traffic.stop();
  });

  test("the disk is the image, byte for byte", async () => {
    for (const { name } of ours) {
      await judgeDeployment(labMachine(name).diskPath("root"), stage().witness.raw);
    }
  });

  test("a slow write shows bytes, total, speed and time left", () => {
    const { fleet, witness } = stage();
    const told = fleet.watch.seen("m1", since.get("m1")).filter(({ object }) => isWriting(object));
    const total = `${(witness.virtualBytes / mib).toFixed(1)} MiB`;
    const form = new RegExp(`^(.+?) of ${total.replace(".", "\\.")}, \\d+ %, .+/s, .+ left$`);
    const messages = new Set(told.map(({ object }) => operationOf(object)?.message ?? ""));
    const bytes = [...messages].flatMap((text) => form.exec(text)?.[1] ?? []).map(readBytes);
    expect(bytes.length, [...messages].join("\n")).toBeGreaterThanOrEqual(5);
    expect(bytes).toEqual([...new Set(bytes)].toSorted((a, b) => a - b));
    expect((told.at(-1)?.atMs ?? 0) - (told[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(15_000);
  });

  test("the events tell the story, each once", async () => {
    const reasons = (await stage().fleet.events("m1")).map(({ reason }) => reason);
    const story = [
      "Registered",
      "BMCAccessValidated",
      "ProfileSet",
      "InspectionStarted",
      "InspectionComplete",
      "ProvisioningStarted",
      "WritingImage",
      "ProvisioningComplete",
    ];
    expect(reasons.filter((reason) => story.includes(reason))).toEqual(story);
    // The power is switched on for the ramdisk and for the system; all else happens once.
    const others = reasons.filter((reason) => reason !== "PoweringOn");
    expect(others).toEqual([...new Set(others)]);
  });
}

function isWriting(host: HostObject | undefined): boolean {
  return operationOf(host)?.reason === "WritingImage";
}

/** "1.5 MiB" → bytes. */
function readBytes(text: string): number {
  const [number = "", unit = ""] = text.split(" ");
  return Number(number) * 1024 ** ["B", "KiB", "MiB", "GiB"].indexOf(unit);
}
