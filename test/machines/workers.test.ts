// The whole way with nothing played: kubectl scale, the released core of cluster-api, a machine with BIOS and a BMC,
// a kubelet that joins, a pod that is drained, and the machine given back.
import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { admitNodes, nodeUserData } from "../../infra/kubernetes/node-bootstrap.ts";
import { ensureNodeImage } from "../../infra/lab/operating-system/node-image.ts";
import { pauseImageName } from "../../infra/lab/operating-system/pause-image.ts";
import { relayInto } from "../../infra/lab/relay.ts";
import { biosMachine } from "../../infra/lab/sample-machines.ts";
import { startPaddock, type Paddock } from "../../infra/paddock/paddock.ts";
import { terminalProgress } from "../../infra/preparation/progress.ts";
import { testNamespace } from "../kubernetes/host-watch.ts";
import { secretObject } from "../kubernetes/objects.ts";
import { kubectlWords, type KubectlWords } from "../kubernetes/kubectl-words.ts";
import {
  clusterObjects,
  definitions,
  machineSet,
  machineSetName,
  templateName,
  workerObjects,
} from "../kubernetes/machines/machine-objects.ts";
import { machineWords, type MachineWords } from "../kubernetes/machines/machine-words.ts";
import { hostManifests } from "./fleet/host-object.ts";

const progress = terminalProgress();
const machine = biosMachine(1, { memoryMiB: 1536 });
const workers = `machineset/${machineSetName}`;
const networkDataName = "m1-network-data";
const minuteMs = 60_000;
/** Emulated, and what is written is 1.5 GiB. */
const slow = { timeout: 30 * minuteMs };
let directory: string;
let paddock: Paddock;
let words: KubectlWords & MachineWords;

beforeAll(async () => {
  const image = await ensureNodeImage(progress);
  directory = await mkdtemp(join(tmpdir(), "farrier-w-"));
  const imageDirectory = join(directory, "images");
  await mkdir(imageDirectory);
  await symlink(image.qcow2.path, join(imageDirectory, "node.qcow2"));
  const options = { directory, progress, imageDirectory, machines: [machine], clusterApi: true };
  paddock = await startPaddock({ ...options, bootSeconds: 600 });
  await paddock.join();
  const { kubernetes, lab, services } = paddock;
  const kubectl = kubectlWords(kubernetes);
  words = { ...kubectl, ...machineWords(kubectl) };
  await words.kubectl(["create", "namespace", testNamespace]);
  await words.apply(...definitions);
  const names = definitions.map(({ metadata }) => `crd/${metadata.name}`);
  await words.kubectl(["wait", "--for=condition=Established", "--timeout=30s", ...names]);
  const userData = nodeUserData(await admitNodes(kubernetes, relayInto(lab, kubernetes.url, 6443)));
  const source = {
    url: services.imageUrl("node.qcow2"),
    checksum: image.qcow2.sha256,
    checksumType: "sha256",
    diskFormat: "qcow2",
  };
  await words.apply(
    ...clusterObjects(await readFile(kubernetes.adminKubeconfigPath, "utf8")),
    ...workerObjects({ image: source }, templateName, userData),
    machineSet(machineSetName),
    secretObject(networkDataName, { networkData }),
    ...hostManifests(machine, {
      rootDeviceHints: { serialNumber: machine.disks[0]?.serial },
      networkData: { name: networkDataName },
    }).map((object) => {
      const { metadata } = object as { readonly metadata: object };
      return { ...object, metadata: { ...metadata, namespace: testNamespace } };
    }),
  );
  await untilHost("available");
});
afterAll(async () => {
  await paddock?.stop();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

const untilHost = (state: string) =>
  words.until(
    `bmh/${machine.name}`,
    ({ status }) => (status?.["provisioning"] as { state?: string } | undefined)?.state === state,
    15 * minuteMs,
  );

/** The site's agent gives addresses to machines that it boots, and to no others. */
const networkData = JSON.stringify({
  links: [{ id: "boot", type: "phy", ethernet_mac_address: machine.mac, mtu: 1500 }],
  networks: [
    {
      id: "net0",
      type: "ipv4",
      link: "boot",
      ip_address: "192.168.100.77",
      netmask: "255.255.255.0",
      routes: [],
    },
  ],
  services: [],
});

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "work", namespace: testNamespace },
  spec: {
    nodeName: machine.name,
    hostNetwork: true,
    automountServiceAccountToken: false,
    containers: [{ name: "work", image: pauseImageName, imagePullPolicy: "Never" }],
  },
};

describe("kubectl scale", () => {
  it("to 1 ends with a Ready Node that carries work", slow, async () => {
    await words.scale(workers, 1);
    await untilHost("provisioned");
    await words.until(workers, ({ status }) => status?.["readyReplicas"] === 1, 15 * minuteMs);
    const [held] = await words.list("machines", machineSetName);
    expect(held?.status).toMatchObject({ phase: "Running", nodeRef: { name: machine.name } });
    const node = await words.get(`node/${machine.name}`);
    const { nodeInfo } = node.status as { readonly nodeInfo: { readonly systemUUID: string } };
    expect(nodeInfo.systemUUID.toLowerCase()).toBe(machine.uuid);
    const { name } = held?.metadata ?? { name: "" };
    expect(node.spec["providerID"]).toBe(`metal3://${testNamespace}/${machine.name}/${name}`);
    await words.apply(pod);
    await words.until("pod/work", ({ status }) => status?.["phase"] === "Running", 5 * minuteMs);
  });

  it("to 0 drains it first, and gives the machine back", slow, async () => {
    await words.scale(workers, 0);
    const seen: string[] = [];
    const isThere = async (what: string) =>
      (await words.kubectl(["get", what, "--output=name", "--ignore-not-found"])) !== "";
    for (;;) {
      const host = await words.get(`bmh/${machine.name}`);
      const [hasPod, hasNode] = [await isThere("pod/work"), await isThere(`node/${machine.name}`)];
      const hasImage = host.spec["image"] !== undefined;
      const now = `pod ${hasPod}, image ${hasImage}, node ${hasNode}`;
      if (now !== seen.at(-1)) seen.push(now);
      if (!hasNode) break;
      await sleep(500);
    }
    expect(seen[0]).toBe("pod true, image true, node true");
    // Nothing of the host is touched while the pod is there, and the Node goes last.
    expect(seen.filter((line) => line.startsWith("pod true, image false"))).toEqual([]);
    expect(seen.at(-1)).toBe("pod false, image false, node false");
    await words.untilAll("machines", machineSetName, { count: 0 }, 5 * minuteMs);
    const { spec } = await untilHost("available");
    expect(spec).not.toHaveProperty("consumerRef");
  });
});
