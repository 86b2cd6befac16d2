// The story's stage: machines, disks with a past, a whole fleet, and what is looked at from the first packet on.
// The chapters (*-chapter.ts) are played on it, one after the other.
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { MachineSpec } from "../../../infra/lab/machine/machine-spec.ts";
import { ensureDebianImage } from "../../../infra/lab/operating-system/debian-image.ts";
import type { OperatingSystemImage } from "../../../infra/lab/operating-system/operating-system-image.ts";
import { ensureWitnessImage } from "../../../infra/lab/operating-system/witness-image.ts";
import { biosMachine, uefiMachine } from "../../../infra/lab/sample-machines.ts";
import type { LabMachine } from "../../../infra/lab/start-lab.ts";
import { terminalProgress } from "../../../infra/preparation/progress.ts";
import { watchArguments } from "../fleet/canaries.ts";
import { startCapture } from "../fleet/capture.ts";
import type { Capture } from "../fleet/capture.ts";
import { endFleetAfterwards, startFleet } from "../fleet/start-fleet.ts";
import type { Fleet } from "../fleet/start-fleet.ts";
import { useDisks, withRootMiB } from "../fleet/used-disks.ts";
import type { UsedDisks } from "../fleet/used-disks.ts";

/** Makes the write of the witness take about 20 s. */
const writeBytesPerSecond = 600_000;

/** Planted; they must turn up nowhere. */
export const secrets = {
  m1Password: "kanarie-7Zq3-a",
  m2Password: "kanarie-7Zq3-b",
  userData: "the user data's canary, Vb81xW",
};

export const m1 = withBmcPassword(withRootMiB(biosMachine(1), 1024), secrets.m1Password);
export const m2 = withBmcPassword(withRootMiB(uefiMachine(2), 2048), secrets.m2Password);
/** Runs somebody else's system: it is on from the start and not to be touched. */
export const m3 = biosMachine(3, { memoryMiB: 256, cpus: 1 });
export const ours = [m1, m2] as const;

function withBmcPassword(machine: MachineSpec, password: string): MachineSpec {
  return { ...machine, bmc: { ...machine.bmc, password } };
}

export interface Stage {
  readonly fleet: Fleet;
  readonly witness: OperatingSystemImage;
  readonly debian: OperatingSystemImage;
  readonly disks: ReadonlyMap<string, UsedDisks>;
  /** DHCP on the site's network. */
  readonly addresses: Capture;
}

let built: Stage | undefined;
const args = watchArguments();

/** Call once, at the top of the file that plays the story. */
export function setStage(): void {
  endFleetAfterwards();
  afterAll(() => args.stop());
  beforeAll(async () => {
    built = await build();
  });
}

export function stage(): Stage {
  if (built === undefined) throw new Error("The stage is not set");
  return built;
}

async function build(): Promise<Stage> {
  const progress = terminalProgress();
  const witness = await ensureWitnessImage(progress);
  const debian = await ensureDebianImage(progress);
  const disks = new Map<string, UsedDisks>();
  const fleet = await startFleet({
    machines: [m1, m2, m3],
    images: { "witness.qcow2": witness.qcow2.path, "debian.qcow2": debian.qcow2.path },
    writeBytesPerSecond,
    async prepare({ lab }) {
      for (const { name } of ours) disks.set(name, await useDisks(lab.machine(name)));
    },
  });
  const { lab } = fleet.paddock;
  const path = join(fleet.directory, "addresses.pcap");
  const addresses = await startCapture(lab, path, "port 67 or port 68");
  await lab.machine("m3").chassis("set", "power", "1");
  return { fleet, witness, debian, disks, addresses };
}

export function labMachine(name: string): LabMachine {
  return stage().fleet.paddock.lab.machine(name);
}

/** A file beside the fleet's own. */
export function fileBeside(name: string): string {
  return join(stage().fleet.directory, name);
}

/** Everything that was done to the machines so far. */
export async function journals(): Promise<string> {
  const all = await Promise.all(["m1", "m2", "m3"].map((name) => labMachine(name).events()));
  return JSON.stringify(all);
}

/** What was done to a machine after so many events. */
export async function doneTo(name: string, since: number): Promise<readonly string[]> {
  const events = await labMachine(name).events();
  return events.slice(since).map(({ event }) => event);
}

/** Command lines that were seen so far. */
export function seenArguments(): readonly string[] {
  return [...args.seen];
}

/** For tests in which machines boot. */
export const chapter = { timeout: 600_000 };
