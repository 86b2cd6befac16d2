// The story of the worker: kubectl scale claims an idle host, writes the image of a node on it, and a kubelet joins;
// scaled to 0 it is drained, cleaned and free again.
import { readFile } from "node:fs/promises";
import { admitNodes, nodeUserData } from "../kubernetes/node-bootstrap.ts";
import { relayInto } from "../lab/relay.ts";
import { namespace } from "./host-manifests.ts";
import { apply, kubectl, type Stage } from "./stage.ts";
import type { HostWatcher } from "./watch-hosts.ts";
import { clusterManifest, machineSetName, workersManifest } from "./worker-manifests.ts";

const minutes = 60_000;
const everything = "machinesets,machines,metal3machines,bmh";

export async function scaleUp(stage: Stage, hosts: HostWatcher): Promise<void> {
  const { paddock, transcript, worker, images } = stage;
  const { kubernetes, lab } = paddock;
  transcript.heading("A Node by kubectl scale");
  const kubeconfig = await readFile(kubernetes.adminKubeconfigPath, "utf8");
  await apply(stage, "cluster.yaml", clusterManifest(kubeconfig, kubernetes.url));
  const joinUrl = relayInto(lab, kubernetes.url, 6443);
  const userData = nodeUserData(await admitNodes(kubernetes, joinUrl));
  await apply(stage, "workers.yaml", workersManifest(userData, images.node));
  await scale(stage, 1);
  await hosts.until({ [worker.name]: "provisioned" }, 12 * minutes);
  transcript.say(`waiting for the kubelet of ${worker.name} to join from its own disk`);
  await untilMachines(stage, "Running", 10 * minutes);
  // A kubelet whose Node is registered late looks for it again after two minutes (its CSINode).
  await kubectl(stage, "wait", `node/${worker.name}`, "--for=condition=Ready", "--timeout=300s");
  await kubectl(stage, "get", "nodes", "-o", "wide");
  await kubectl(stage, "get", everything, "-n", namespace);
}

export async function scaleDown(stage: Stage): Promise<void> {
  await scale(stage, 0);
}

/** Nobody holds the worker any more. */
export async function showScaledDown(stage: Stage): Promise<void> {
  await untilMachines(stage, "", 2 * minutes);
  await kubectl(stage, "get", "nodes");
  await kubectl(stage, "get", everything, "-n", namespace);
}

async function scale(stage: Stage, replicas: number): Promise<void> {
  const what = ["machineset", machineSetName, "-n", namespace];
  await kubectl(stage, "scale", ...what, `--replicas=${replicas}`);
}

/** Tells the phases of the machines until all are in this one; "": until there is none. */
async function untilMachines(stage: Stage, phase: string, withinMs: number): Promise<void> {
  const { paddock, transcript } = stage;
  const path = '{range .items[*]}{.metadata.name}{": "}{.status.phase}{"\\n"}{end}';
  const end = Date.now() + withinMs;
  let told = "";
  for (;;) {
    const args = ["get", "machines", "-n", namespace, "-o", `jsonpath=${path}`];
    const { stdout } = await paddock.kubernetes.kubectl(args);
    const lines = stdout.split("\n").filter((line) => line !== "");
    if (stdout !== told) for (const line of lines) transcript.say(line);
    told = stdout;
    if (phase === "" ? lines.length === 0 : lines.every((line) => line.endsWith(`: ${phase}`)))
      return;
    if (Date.now() > end)
      throw new Error(
        `The machines are not ${phase || "gone"} within ${withinMs / 1000} s: ${told}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
