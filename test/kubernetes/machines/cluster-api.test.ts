// The core of cluster-api, unmodified, with Farrier's kinds and nobody behind them: what it does by itself when
// somebody asks for machines. The names in brackets are those of upstream's observable behaviours.
import { readFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  startKubernetes,
  type KubernetesHandle,
} from "../../../infra/kubernetes/start-kubernetes.ts";
import { installManifests } from "../../../infra/paddock/install-manifests.ts";
import { terminalProgress } from "../../../infra/preparation/progress.ts";
import { testNamespace } from "../host-watch.ts";
import { kubectlWords, type KubectlWords } from "../kubectl-words.ts";
import {
  clusterName,
  clusterObjects,
  definitions,
  machineSet,
  templateName,
  workerObjects,
} from "./machine-objects.ts";
import { machineWords, type Held, type MachineWords } from "./machine-words.ts";

let folder: string;
const running: KubernetesHandle[] = [];
let words: KubectlWords & MachineWords;

async function start(name: string): Promise<KubernetesHandle> {
  const directory = join(folder, name);
  const kubernetes = await startKubernetes({
    directory,
    progress: terminalProgress(),
    clusterApi: true,
  });
  running.push(kubernetes);
  return kubernetes;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-cluster-api-"));
  const kubernetes = await start("first");
  const kubectl = kubectlWords(kubernetes);
  words = { ...kubectl, ...machineWords(kubectl) };
  await installManifests(kubernetes);
  await words.kubectl(["create", "namespace", testNamespace]);
  await words.apply(...definitions);
  const names = definitions.map(({ metadata }) => `crd/${metadata.name}`);
  await words.kubectl(["wait", "--for=condition=Established", "--timeout=30s", ...names]);
  const kubeconfig = await readFile(kubernetes.adminKubeconfigPath, "utf8");
  await words.apply(...clusterObjects(kubeconfig), ...workerObjects({ automatedCleaningMode }));
  await words.apply(machineSet("workers"));
});
afterAll(async () => {
  for (const kubernetes of running.toReversed()) await kubernetes.stop();
  await rm(folder, { recursive: true, force: true });
});

const automatedCleaningMode = "metadata";

/** The Machines of a pool and their Metal3Machines, once there are so many and each has what core gives it. */
async function untilMachines(pool: string, count: number) {
  const are = ({ metadata }: Held) =>
    metadata.ownerReferences?.some(({ kind }) => kind === "Machine") === true;
  const provided = await words.untilAll("metal3machines", pool, { count, are });
  return { machines: await words.list("machines", pool), provided };
}

describe("scaling a MachineSet", () => {
  it("makes a Machine and a Metal3Machine of the same name, cloned from the template [M14]", async () => {
    await words.scale("machineset/workers", 1);
    const { machines, provided } = await untilMachines("workers", 1);
    const [machine, metal3Machine] = [machines[0], provided[0]];
    expect(machines).toHaveLength(1);
    expect(machine?.metadata.name).toMatch(/^workers-[a-z0-9]+$/);
    expect(metal3Machine?.metadata).toMatchObject({
      name: machine?.metadata.name,
      labels: { "cluster.x-k8s.io/cluster-name": clusterName },
      annotations: {
        "cluster.x-k8s.io/cloned-from-name": templateName,
        "cluster.x-k8s.io/cloned-from-groupkind":
          "Metal3MachineTemplate.infrastructure.cluster.x-k8s.io",
      },
    });
    const owner = metal3Machine?.metadata.ownerReferences?.find(({ kind }) => kind === "Machine");
    expect(owner?.uid).toBe(machine?.metadata.uid);
    expect(metal3Machine?.spec).toMatchObject({
      automatedCleaningMode,
      image: { diskFormat: "qcow2" },
    });
    expect(machine?.spec).toMatchObject({
      infrastructureRef: { kind: "Metal3Machine", name: machine?.metadata.name },
    });
  });

  it("can be done through the scale subresource, which says its selector [M77]", async () => {
    const path = `/apis/cluster.x-k8s.io/v1beta2/namespaces/${testNamespace}/machinesets/workers/scale`;
    const { spec, status } = JSON.parse(await words.kubectl(["get", "--raw", path])) as Held;
    expect(spec).toEqual({ replicas: 1 });
    expect(status).toEqual({
      replicas: 1,
      selector: `cluster.x-k8s.io/cluster-name=${clusterName},pool=workers`,
    });
  });

  it("to 0 deletes both", async () => {
    await words.scale("machineset/workers", 0);
    await words.untilAll("machines", "workers", { count: 0 });
    expect(await words.list("metal3machines", "workers")).toEqual([]);
  });
});

describe("scaling a MachineDeployment", () => {
  it("makes machines through a MachineSet of its own [M77]", async () => {
    const rollout = {
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    };
    await words.apply(machineSet("rolled", { kind: "MachineDeployment", rollout }));
    await words.scale("machinedeployment/rolled", 2);
    const { machines, provided } = await untilMachines("rolled", 2);
    const names = (all: readonly Held[]) => all.map(({ metadata }) => metadata.name).toSorted();
    expect(names(provided)).toEqual(names(machines));
    const path = `/apis/cluster.x-k8s.io/v1beta2/namespaces/${testNamespace}/machinedeployments/rolled/scale`;
    const read = async () =>
      (JSON.parse(await words.kubectl(["get", "--raw", path])) as Held).status;
    await expect.poll(read, { timeout: 30_000 }).toEqual({
      replicas: 2,
      selector: `cluster.x-k8s.io/cluster-name=${clusterName},pool=rolled`,
    });
    await words.scale("machinedeployment/rolled", 0);
    await words.untilAll("machines", "rolled", { count: 0 });
  });
});

describe("without anybody who provides", () => {
  it("a Cluster waits for its infrastructure, with its control plane known", async () => {
    const { status } = await words.get(`cluster/${clusterName}`);
    expect(status).toMatchObject({ initialization: { controlPlaneInitialized: true } });
    expect(status?.["initialization"]).not.toHaveProperty("infrastructureProvisioned");
  });
});

describe("another one", () => {
  it("runs beside it", async () => {
    const second = await start("second");
    const { stdout } = await second.kubectl(["get", "clusters", "--all-namespaces"]);
    expect(stdout).toBe("");
  });
});
