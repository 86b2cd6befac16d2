// Sets the stage of the demo: images, machines with somebody's old data on their disks, and a fleet around them.
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { controlPlaneKind } from "../kubernetes/machine-objects.ts";
import { fillWithRandom, plantOldContent } from "../lab/disks/plant-disks.ts";
import type { MachineSpec } from "../lab/machine/machine-spec.ts";
import { ensureDebianImage } from "../lab/operating-system/debian-image.ts";
import { ensureNodeImage } from "../lab/operating-system/node-image.ts";
import type { OperatingSystemImage } from "../lab/operating-system/operating-system-image.ts";
import { biosMachine, uefiMachine } from "../lab/sample-machines.ts";
import { startPaddock, type Paddock } from "../paddock/paddock.ts";
import { asStep, silentProgress, type Progress } from "../preparation/progress.ts";
import type { Stage } from "./stage.ts";
import type { Transcript } from "./transcript.ts";

export interface PreparedImages {
  readonly debian: OperatingSystemImage;
  readonly node: OperatingSystemImage;
}

export async function prepareImages(progress: Progress): Promise<PreparedImages> {
  return { debian: await ensureDebianImage(progress), node: await ensureNodeImage(progress) };
}

export interface StageOptions {
  readonly directory: string;
  readonly transcript: Transcript;
  readonly progress: Progress;
  readonly prepared: PreparedImages;
  /** Called as soon as there is something to stop. */
  readonly onStarted: (paddock: Paddock) => void;
}

export async function setStage(options: StageOptions): Promise<Stage> {
  const { directory, transcript, progress, prepared } = options;
  const byHand = withSmallDisks(biosMachine(1));
  // A kubelet and its pods want more memory.
  const worker = withSmallDisks(uefiMachine(2, { memoryMiB: 1536 }));
  const external = biosMachine(3);
  const imageDirectory = join(directory, "images");
  await mkdir(imageDirectory);
  await symlink(prepared.debian.qcow2.path, join(imageDirectory, "debian.qcow2"));
  await symlink(prepared.node.qcow2.path, join(imageDirectory, "node.qcow2"));
  const paddock = await startPaddock({
    directory,
    progress,
    machines: [byHand, worker, external],
    imageDirectory,
    clusterApi: true,
    bootSeconds: 600,
  });
  options.onStarted(paddock);
  await Promise.all([
    asStep(progress, "fill the machines' disks with somebody's old data", () =>
      useDisks(paddock, [byHand, worker]),
    ),
    paddock.join(),
    defineControlPlane(paddock),
  ]);
  const url = (name: string) => paddock.services.imageUrl(name);
  const images = {
    debian: { url: url("debian.qcow2"), sha256: prepared.debian.qcow2.sha256 },
    node: { url: url("node.qcow2"), sha256: prepared.node.qcow2.sha256 },
  };
  return { paddock, transcript, directory, byHand, worker, external, images };
}

/** Nobody wants to watch gigabytes of old data being made. */
function withSmallDisks(machine: MachineSpec): MachineSpec {
  const disks = machine.disks.map((disk) => ({ ...disk, sizeMiB: Math.min(disk.sizeMiB, 2048) }));
  return { ...machine, disks };
}

/** Root disks hold random bytes all over, second disks old partitions and file systems. */
async function useDisks({ lab }: Paddock, machines: readonly MachineSpec[]): Promise<void> {
  for (const { name, disks } of machines) {
    for (const [index, disk] of disks.entries()) {
      const path = lab.machine(name).diskPath(disk.name);
      const sizeBytes = disk.sizeMiB * 1024 * 1024;
      if (index === 0) await fillWithRandom(path, sizeBytes);
      else
        await plantOldContent({ path, sizeBytes, text: "somebody's old secret" }, silentProgress);
    }
  }
}

/** The kind that the demo's cluster says its control plane is of. */
async function defineControlPlane({ kubernetes }: Paddock): Promise<void> {
  const input = JSON.stringify(controlPlaneKind);
  const { code, stderr } = await kubernetes.kubectl(["apply", "-f", "-"], { input });
  if (code !== 0) throw new Error(stderr);
}
