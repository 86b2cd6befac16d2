// The last chapter looks back: at everything that was put down, run and sent since the first one.
import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { dumpDatabase, filesWith, formsOf } from "../fleet/canaries.ts";
import { readCapture } from "../fleet/capture.ts";
import { fileBeside, m1, m3, secrets, seenArguments, stage } from "./stage.ts";

const all = Object.values(secrets);

export function tellSecrets(): void {
  test("none is in a database, log, status, URL or frame", async () => {
    const { fleet } = stage();
    const dump = await dumpDatabase(fleet.paddock.hub.databaseUrl);
    await writeFile(fileBeside("at-the-end.copy"), dump);
    const kinds = "baremetalhosts,hardwaredata,events,configmaps";
    const objects = await fleet.kubectl("get", kinds, "--all-namespaces", "-o=yaml");
    await writeFile(fileBeside("objects.yaml"), objects);
    const told = ["while-writing.copy", "at-the-end.copy", "objects.yaml", "agent.log"];
    // With the database's own files, its log of changes included, and the agent's.
    const kept = ["hub", "agent", "lab/site-services.log"];
    expect(await readFile(fileBeside("while-writing.copy"), "utf8")).toContain(m1.mac);
    expect(await filesWith(all, [...told, ...kept].map(fileBeside))).toEqual([]);
  });

  test("none is in a program's arguments", () => {
    const lines = seenArguments();
    const forms = all.flatMap(formsOf);
    expect(lines.some((line) => line.startsWith("qemu-system-x86_64"))).toBe(true);
    expect(lines.filter((line) => forms.some((form) => line.includes(form)))).toEqual([]);
  });

  test("they cross the provisioning network inside TLS only", async () => {
    const packets = fileBeside("provisioning.pcap");
    expect(await filesWith(["GET /called/m1?instance="], [packets])).toEqual([packets]);
    expect(await filesWith(all, [packets])).toEqual([]);
  });

  test("a machine of nobody or of somebody else gets no address", async () => {
    const { addresses } = stage();
    await addresses.stop();
    const answers = await readCapture(addresses.path, "udp src port 67");
    expect(answers.some((packet) => packet.includes(m1.mac))).toBe(true);
    expect(answers.filter((packet) => packet.includes(m3.mac))).toEqual([]);
    const asked = await readCapture(addresses.path, `udp src port 68 and ether src ${m3.mac}`);
    expect(asked.length).toBeGreaterThan(0);
  });
}
