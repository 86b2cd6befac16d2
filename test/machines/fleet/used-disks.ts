// The disks of the story's machines: what is on them before, and what of it is left.
import { fillWithRandom, plantOldContent } from "../../../infra/lab/disks/plant-disks.ts";
import type { Planted } from "../../../infra/lab/disks/plant-disks.ts";
import type { MachineSpec } from "../../../infra/lab/machine/machine-spec.ts";
import type { LabMachine } from "../../../infra/lab/start-lab.ts";
import { silentProgress } from "../../../infra/preparation/progress.ts";
import { digestOf } from "./judge-disk.ts";

const mib = 1024 * 1024;
const plantedText = "planted by the stable lad";

export function withRootMiB(machine: MachineSpec, sizeMiB: number): MachineSpec {
  const disks = machine.disks.map((disk) => (disk.name === "root" ? { ...disk, sizeMiB } : disk));
  return { ...machine, disks };
}

function sizeOf({ spec }: LabMachine, diskName: string): number {
  return (spec.disks.find(({ name }) => name === diskName)?.sizeMiB ?? 0) * mib;
}

export interface UsedDisks {
  readonly data: Planted;
  /** Of the part of the root disk that holds no signature. */
  readonly middle: string;
}

/** Random bytes all over the root disk, an old system on the other. */
export async function useDisks(machine: LabMachine): Promise<UsedDisks> {
  const root = machine.diskPath("root");
  await fillWithRandom(root, sizeOf(machine, "root"));
  return { data: await plantData(machine), middle: await digestOfMiddle(machine) };
}

export async function plantData(machine: LabMachine): Promise<Planted> {
  const disk = { path: machine.diskPath("data"), sizeBytes: sizeOf(machine, "data") };
  return await plantOldContent({ ...disk, text: plantedText }, silentProgress);
}

export function digestOfMiddle(machine: LabMachine): Promise<string> {
  return digestOf(machine.diskPath("root"), { start: 500 * mib, end: 600 * mib - 1 });
}
