// Prepares, builds the fleet, plays the story, and takes everything down again, whatever happens.
import { dirname, join } from "node:path";
import type { Paddock } from "../paddock/paddock.ts";
import { terminalProgress, type ProgressOutput } from "../preparation/progress.ts";
import { namespace } from "./host-manifests.ts";
import { makePhases } from "./phases.ts";
import { prepareImages, setStage } from "./set-stage.ts";
import { playStory } from "./story.ts";
import { makeTranscript, type Transcript } from "./transcript.ts";
import { machineSetName } from "./worker-manifests.ts";

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
    transcript.heading("Preparation");
    const progress = terminalProgress(output);
    const prepared = await phases.time("prepare", () => prepareImages(progress));
    const onStarted = (started: Paddock) => {
      paddock = started;
    };
    const options = { directory, transcript, progress, prepared, onStarted };
    const stage = await phases.time("start", () => setStage(options));
    await playStory(stage, phases, keep);
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

function lookAround(transcript: Transcript, paddock: Paddock, directory: string): void {
  transcript.heading("It is all yours");
  transcript.output(
    [
      `export KUBECONFIG=${paddock.kubernetes.adminKubeconfigPath} PATH=${dirname(paddock.kubernetes.kubectlPath)}:$PATH`,
      "",
      `kubectl get bmh -n ${namespace} -o wide`,
      `kubectl get nodes -o wide`,
      `kubectl scale machineset ${machineSetName} -n ${namespace} --replicas=0`,
      `kubectl get hardwaredata m1 -n ${namespace} -o yaml`,
      `kubectl annotate bmh m1 -n ${namespace} reboot.metal3.io=`,
      `kubectl patch bmh m1 -n ${namespace} --type=merge -p '{"spec":{"image":null}}'`,
      "",
      `Logs and serial consoles: ${join(directory, "lab", "m1", "serial.log")}`,
      "End it with: npm run demo -- --down",
    ].join("\n"),
  );
}
