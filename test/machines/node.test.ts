// The lab's node image on a machine that was never deployed by us: what fails here is the image, the lab or the
// rights that Nodes get, not the agent.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { admitNodes, nodeUserData } from "../../infra/kubernetes/node-bootstrap.ts";
import { startKubernetes, type KubernetesHandle } from "../../infra/kubernetes/start-kubernetes.ts";
import { ensureNodeImage } from "../../infra/lab/operating-system/node-image.ts";
import { pauseImageName } from "../../infra/lab/operating-system/pause-image.ts";
import { relayInto } from "../../infra/lab/relay.ts";
import { biosMachine } from "../../infra/lab/sample-machines.ts";
import { startLab, type LabHandle } from "../../infra/lab/start-lab.ts";
import { terminalProgress } from "../../infra/preparation/progress.ts";
import { writeConfigDrive } from "./config-drive.ts";

const progress = terminalProgress();
const machine = biosMachine(1, { memoryMiB: 1536 });
let directory: string;
let lab: LabHandle;
let kubernetes: KubernetesHandle;

beforeAll(async () => {
  const image = await ensureNodeImage(progress);
  directory = mkdtempSync(join(tmpdir(), "farrier-node-"));
  lab = await startLab({ name: "node", directory, progress, machines: [machine] });
  kubernetes = await startKubernetes({
    directory: join(directory, "kubernetes"),
    progress,
    address: lab.hubAddress,
  });
  const url = relayInto(lab, kubernetes.url, 6443);
  const userData = nodeUserData(await admitNodes(kubernetes, url));
  const m1 = lab.machine("m1");
  copyFileSync(image.raw.path, m1.diskPath("root"));
  truncateSync(m1.diskPath("root"), 4096 * 1024 * 1024);
  await writeConfigDrive(directory, m1.diskPath("data"), { mac: machine.mac, userData }, progress);
  await m1.chassis("set", "power", "1");
});
afterAll(async () => {
  await kubernetes?.stop();
  await lab?.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function kubectl(args: string, input?: object): Promise<string> {
  const options = input === undefined ? {} : { input: JSON.stringify(input) };
  const { code, stdout, stderr } = await kubernetes.kubectl(args.split(" "), options);
  if (code !== 0) throw new Error(`kubectl ${args}: ${stderr}\n${consoleEnd()}`);
  return stdout.trim();
}

const consoleEnd = () =>
  `The console ends with: ${readFileSync(lab.machine("m1").paths.serialLog, "utf8").slice(-2000)}`;

/** Polls until kubectl says it. */
async function until(args: string, said: string, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const last = await kubectl(args).catch((cause: Error) => cause.message);
    if (last === said) return;
    if (Date.now() > deadline) throw new Error(`kubectl ${args} says ${last}\n${consoleEnd()}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "work", namespace: "default" },
  spec: {
    nodeName: "host-1",
    hostNetwork: true,
    automountServiceAccountToken: false,
    containers: [{ name: "work", image: pauseImageName, imagePullPolicy: "Never" }],
  },
};

describe("a machine with the node image", () => {
  it("is a Ready Node under its own name, known by its system UUID", async () => {
    const ready = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}';
    await until(`get node host-1 --output=${ready}`, "True", 400);
    const uuid = await kubectl("get node host-1 --output=jsonpath={.status.nodeInfo.systemUUID}");
    expect(uuid.toLowerCase()).toBe(machine.uuid);
    expect(await kubectl("get node host-1 --output=jsonpath={.spec.providerID}")).toBe("");
  });

  it("runs a pod whose image came with it, and lets it be drained", async () => {
    await kubectl("create --filename=-", pod);
    await until("get pod work --output=jsonpath={.status.phase}", "Running", 120);
    await kubectl("drain host-1 --force --ignore-daemonsets --timeout=60s");
    expect(await kubectl("get pods --output=name")).toBe("");
  });
});
