// Prepares, builds the fleet, plays the story, and takes everything down again, whatever happens.
import { dirname, join } from "node:path";
import { biosMachine, uefiMachine } from "../lab/sample-machines.ts";
import { ensureDebianImage } from "../lab/operating-system/debian-image.ts";

import { fillWithRandom, plantOldContent } from "../lab/disks/plant-disks.ts";
import type { MachineSpec } from "../lab/machine/machine-spec.ts";
import { startPaddock, type Paddock } from "../paddock/paddock.ts";
import {
  asStep,
  silentProgress,
  terminalProgress,
  type ProgressOutput,
} from "../preparation/progress.ts";
import { namespace } from "./host-manifests.ts";
import { makePhases } from "./phases.ts";
import { playStory } from "./story.ts";
import { makeTranscript, type Transcript } from "./transcript.ts";

export interface DemoOptions {
  readonly directory: string;
  readonly output: ProgressOutput;
  readonly keep: boolean;
  readonly signal: AbortSignal;
}

export type Played = { readonly ok: true; end(): Promise<void> } | { readonly ok: false };

export async function playDemo(options: DemoOptions): Promise<Played> {
  const { directory, output, keep, signal } = options;
  const transcript = makeTranscript(output);
  const phases = makePhases();
  let paddock: Paddock | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("Stopped by you.")), { once: true });
  });
  aborted.catch(() => undefined);
  const play = async () => {
    const machines = [withSmallDisks(biosMachine(1)), withSmallDisks(uefiMachine(2))];
    const external = biosMachine(3);
    transcript.heading("Preparation");
    const progress = terminalProgress(output);
    const image = await phases.time("prepare", () => ensureDebianImage(progress));
    paddock = await phases.time("start", async () => {
      const started = await startPaddock({
        directory,
        progress,
        machines: [...machines, external],
        imageDirectory: dirname(image.qcow2.path),
      });
      paddock = started;
      await asStep(progress, "fill the machines' disks with somebody's old data", () =>
        useDisks(started, machines),
      );
      await started.join();
      return started;
    });
    await playStory({ paddock, transcript, phases, directory, machines, external, image, keep });
    transcript.heading("Times");
    transcript.output(phases.table());
  };
  try {
    await Promise.race([play(), aborted]);
    if (!keep) {
      await paddock?.stop();
      return { ok: true, end: async () => undefined };
    }
    if (paddock !== undefined) lookAround(transcript, paddock, directory);
    return { ok: true, end: async () => await paddock?.stop() };
  } catch (error) {
    transcript.live("");
    transcript.say(`FAILED: ${error instanceof Error ? error.message : String(error)}`);
    await paddock?.stop();
    transcript.output(
      `Logs: ${directory} (agent.log, hub/control-plane-a.log, lab/m1/serial.log)\nTry: look at the last lines of agent.log, then run "npm run demo" again.`,
    );
    return { ok: false };
  }
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

function lookAround(transcript: Transcript, paddock: Paddock, directory: string): void {
  transcript.heading("It is all yours");
  transcript.output(
    [
      `export KUBECONFIG=${paddock.kubernetes.adminKubeconfigPath} PATH=${dirname(paddock.kubernetes.kubectlPath)}:$PATH`,
      "",
      `kubectl get bmh -n ${namespace} -o wide`,
      `kubectl get hardwaredata m1 -n ${namespace} -o yaml`,
      `kubectl annotate bmh m1 -n ${namespace} reboot.metal3.io=`,
      `kubectl patch bmh m1 -n ${namespace} --type=merge -p '{"spec":{"image":null}}'`,
      "",
      `Logs and serial consoles: ${join(directory, "lab", "m1", "serial.log")}`,
      "End it with: npm run demo -- --down",
    ].join("\n"),
  );
}
