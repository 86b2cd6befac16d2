// The demo's story: two machines that are off become hosts, get an operating system, call home, and are given
// back; in between the control plane loses its whole database.
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { OperatingSystemImage } from "../lab/operating-system/operating-system-image.ts";
import type { MachineSpec } from "../lab/machine/machine-spec.ts";
import type { Paddock } from "../paddock/paddock.ts";
import {
  dataSecrets,
  hostManifest,
  imagePatch,
  namespace,
  type Deployment,
} from "./host-manifests.ts";
import type { Phases } from "./phases.ts";
import type { Transcript } from "./transcript.ts";
import { watchHosts, type HostWatcher } from "./watch-hosts.ts";

export interface Stage {
  readonly paddock: Paddock;
  readonly transcript: Transcript;
  readonly phases: Phases;
  readonly directory: string;
  /** Booted, written and given back. */
  readonly machines: readonly MachineSpec[];
  /** Somebody else's: only looked at. */
  readonly external: MachineSpec;
  readonly image: OperatingSystemImage;
  /** Stops after the machines run their operating systems. */
  readonly keep: boolean;
}

const minutes = 60_000;

export async function playStory(stage: Stage): Promise<void> {
  const { paddock, transcript, phases, machines, keep } = stage;
  const hosts = watchHosts(paddock.kubernetes, namespace, transcript);
  const all = (state: string) =>
    Object.fromEntries(machines.map((machine) => [machine.name, state]));
  await phases.time("register, inspect, clean", () => applyHosts(stage, hosts, all("available")));
  await phases.time("write and boot the operating system", () =>
    provision(stage, hosts, all("provisioned")),
  );
  await phases.time("lose the database and adopt", () =>
    loseDatabase(stage, hosts, all("provisioned")),
  );
  if (keep) return;
  await phases.time("clean and give back", () => giveBack(stage, hosts, all("available")));
  await phases.time("delete", () => deleteHosts(stage, hosts, all("")));
}

async function applyHosts(
  stage: Stage,
  hosts: HostWatcher,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const { transcript, machines, external, directory } = stage;
  transcript.heading("Two machines that are off, and one that is somebody else's");
  await kubectl(stage, ["create", "namespace", namespace]);
  const files = [
    ...machines.map((machine) => [machine.name, hostManifest(machine)] as const),
    [
      external.name,
      hostManifest(external, { externallyProvisioned: true, online: false }),
    ] as const,
  ];
  for (const [name, text] of files) {
    const path = join(directory, `${name}.yaml`);
    await writeFile(path, text, { mode: 0o600 });
    await kubectl(stage, ["apply", "-f", path]);
  }
  await hosts.until({ ...wanted, [external.name]: "externally provisioned" }, 8 * minutes);
  await kubectl(stage, ["get", "baremetalhosts", "-n", namespace, "-o", "wide"]);
  const columns =
    "NAME:.metadata.name,CPUS:.spec.hardware.cpu.count,MEMORY:.spec.hardware.ramMebibytes,DISKS:.spec.hardware.storage[*].serialNumber,NICS:.spec.hardware.nics[*].mac";
  await kubectl(stage, ["get", "hardwaredata", "-n", namespace, "-o", `custom-columns=${columns}`]);
}

async function provision(
  stage: Stage,
  hosts: HostWatcher,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const { paddock, transcript, machines, image, directory } = stage;
  transcript.heading("An operating system for each");
  for (const [index, machine] of machines.entries()) {
    const deployment: Deployment = {
      machine,
      address: paddock.lab.siteAddress.replace(/\d+$/, String(11 + index)),
      siteAddress: paddock.lab.siteAddress,
      callBackUrl: paddock.services.callBackUrl(machine.name),
    };
    const path = join(directory, `${machine.name}-data.yaml`);
    await writeFile(path, dataSecrets(deployment), { mode: 0o600 });
    await kubectl(stage, ["apply", "-f", path]);
    const url = paddock.services.imageUrl(basename(image.qcow2.path));
    const patch = imagePatch(machine, { url, sha256: image.qcow2.sha256 });
    await kubectl(stage, [
      "patch",
      "bmh",
      machine.name,
      "-n",
      namespace,
      "--type=merge",
      "-p",
      patch,
    ]);
  }
  await hosts.until(wanted, 12 * minutes);
  transcript.say("waiting for the machines to call home from their own disks");
  await untilCalled(stage, 5 * minutes);
}

/** Each machine calls once, with the instance id that its config drive gave it: its host's uid. */
async function untilCalled(
  { paddock, transcript, machines }: Stage,
  withinMs: number,
): Promise<void> {
  const end = Date.now() + withinMs;
  const heard = new Set<string>();
  while (heard.size < machines.length) {
    if (Date.now() > end)
      throw new Error(
        `Only ${[...heard].join(", ") || "no machine"} called home within ${withinMs / 1000} s`,
      );
    for (const call of await paddock.services.calls()) {
      if (heard.has(call.called)) continue;
      heard.add(call.called);
      const { instance = "?", host = "?" } = call.query;
      transcript.say(
        `${call.called} called home from ${call.from}: hostname ${host}, instance ${instance}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function loseDatabase(
  stage: Stage,
  hosts: HostWatcher,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const { paddock, transcript, machines } = stage;
  transcript.heading("The control plane loses its whole database");
  const before = await events(stage);
  await paddock.loseDatabase();
  await paddock.join();
  await hosts.until(wanted, 2 * minutes);
  await paddock.untilAdopted(machines.map((machine) => machine.name));
  const after = await events(stage);
  transcript.say(
    before === after
      ? "all hosts adopted from their own status; no machine was switched, booted or written"
      : "a machine was touched while it was adopted: that must not happen",
  );
  if (before !== after) throw new Error("Adoption touched a machine.");
  await kubectl(stage, ["get", "baremetalhosts", "-n", namespace]);
}

async function events({ paddock, machines, external }: Stage): Promise<string> {
  const all = await Promise.all(
    [...machines, external].map(({ name }) => paddock.lab.machine(name).events()),
  );
  return JSON.stringify(all);
}

async function giveBack(
  stage: Stage,
  hosts: HostWatcher,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const { transcript, machines } = stage;
  transcript.heading("Given back: cleaned and offered again");
  for (const { name } of machines) {
    await kubectl(stage, [
      "patch",
      "bmh",
      name,
      "-n",
      namespace,
      "--type=merge",
      "-p",
      '{"spec":{"image":null}}',
    ]);
  }
  await hosts.until(wanted, 8 * minutes);
  const columns = "HOST:.involvedObject.name,TYPE:.type,REASON:.reason,MESSAGE:.message";
  await kubectl(stage, [
    "get",
    "events",
    "-n",
    namespace,
    "--sort-by=.metadata.creationTimestamp",
    "-o",
    `custom-columns=${columns}`,
  ]);
}

async function deleteHosts(
  stage: Stage,
  hosts: HostWatcher,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const { transcript, machines, external } = stage;
  transcript.heading("Deleted");
  const names = [...machines.map((machine) => machine.name), external.name];
  await kubectl(stage, ["delete", "bmh", "-n", namespace, ...names, "--timeout=120s"]);
  await hosts.until(wanted, 1 * minutes);
}

/** Shows the command, runs it, shows what it says. */
async function kubectl({ paddock, transcript }: Stage, args: readonly string[]): Promise<void> {
  transcript.command(`kubectl ${args.map(quoted).join(" ")}`);
  const { code, stdout, stderr } = await paddock.kubernetes.kubectl(args, { timeoutMs: 150_000 });
  if (stderr !== "") transcript.output(stderr);
  if (stdout !== "") transcript.output(stdout);
  if (code !== 0) throw new Error(`kubectl ${args.slice(0, 3).join(" ")} failed: ${stderr.trim()}`);
}

function quoted(argument: string): string {
  return /^[A-Za-z0-9_./:=,@-]+$/.test(argument) ? argument : `'${argument}'`;
}
