// A whole Farrier for tests that need no machine: a Kubernetes API, a hub of two control planes, a site in a
// network namespace with one agent for both links, and BMCs that remember what was done to them.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { callAdminApi } from "../../infra/admin/call-admin-api.ts";
import { startKubernetes, type KubernetesHandle } from "../../infra/kubernetes/start-kubernetes.ts";
import { startLab, type LabHandle } from "../../infra/lab/start-lab.ts";
import { startHub, type Hub } from "../../infra/paddock/hub.ts";
import { installManifests, installWebhook } from "../../infra/paddock/install-manifests.ts";
import { terminalProgress } from "../../infra/preparation/progress.ts";
import { runProgram } from "../../infra/preparation/run-program.ts";
import { makeBmcs, type Bmcs } from "./bmcs.ts";
import { makeAgent, type FleetAgent } from "./fleet-agent.ts";
import { testNamespace, watchHosts, type HostWatch } from "./host-watch.ts";
import { kubectlWords, type KubectlWords } from "./kubectl-words.ts";
import { hostObject } from "./objects.ts";

export const siteName = "paddock";
const clusterName = "stable";

export interface Fleet extends KubectlWords {
  readonly directory: string;
  /** The site's network; it has no machines of its own. */
  readonly lab: LabHandle;
  readonly kubernetes: KubernetesHandle;
  readonly hub: Hub;
  readonly agent: FleetAgent;
  readonly hosts: HostWatch;
  readonly bmcs: Bmcs;
  /** The hub's database, to look at. */
  readonly sql: postgres.Sql;
  /** npm run admin -- token create …: the token's text. */
  makeToken(...args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

export interface FleetOptions {
  /** Runs the core of cluster-api beside the Kubernetes API. */
  readonly clusterApi?: boolean;
  /** Defines OpenShift's Machines and MachineSets, and has Farrier keep them. */
  readonly openShift?: boolean;
}

/** Takes about 15 s. */
export async function startFleet(options: FleetOptions = {}): Promise<Fleet> {
  const directory = await mkdtemp(join(tmpdir(), "farrier-fleet-"));
  const undo: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  const stop = async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    return { ...(await furnish(directory, undo, options)), stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

type Undo = (() => Promise<unknown>)[];

async function furnish(
  directory: string,
  undo: Undo,
  { clusterApi = false, openShift = false }: FleetOptions,
): Promise<Omit<Fleet, "stop">> {
  const progress = terminalProgress();
  const labOptions = { name: siteName, directory: join(directory, "lab"), progress, machines: [] };
  const lab = await startLab(labOptions);
  undo.push(() => lab.stop());
  const address = lab.hubAddress;
  const kubernetes = await startKubernetes({
    directory: join(directory, "kubernetes"),
    progress,
    address,
    clusterApi,
  });
  undo.push(() => kubernetes.stop());
  const kubeconfig = await installManifests(kubernetes, { openShift });
  const hub = await startHub({ directory: join(directory, "hub"), progress, address });
  undo.push(() => hub.stop());
  const agent = await makeAgent({ directory, lab, hub, kubeconfig, openShift });
  undo.push(() => agent.stop());
  const words = { ...kubectlWords(kubernetes), makeToken: tokenMaker(hub) };
  await words.kubectl(["create", "namespace", testNamespace]);
  const hosts = watchHosts(kubernetes.adminKubeconfigPath);
  undo.push(() => hosts.stop());
  const bmcs = makeBmcs(address);
  undo.push(async () => bmcs.close());
  const sql = postgres(hub.databaseUrl, { max: 2 });
  undo.push(() => sql.end());
  await addClusterAndSite(kubernetes, hub);
  await agent.writeToken(
    await words.makeToken("--site", siteName, "--cluster", clusterName, "--approve"),
  );
  agent.start();
  await untilAsked(words);
  return { directory, lab, kubernetes, hub, agent, hosts, bmcs, sql, ...words };
}

const adminProgram = new URL("../../infra/admin/admin.ts", import.meta.url).pathname;

function tokenMaker(hub: Hub): Fleet["makeToken"] {
  return async (...args) => {
    const { stdout } = await runProgram(
      process.execPath,
      [adminProgram, "token", "create", ...args, "--json"],
      {
        env: {
          FARRIER_URL: hub.a.url,
          FARRIER_ADMIN_TOKEN: hub.adminToken,
          FARRIER_CA: hub.caFile,
        },
      },
    );
    return (JSON.parse(stdout) as { token: string }).token;
  };
}

async function addClusterAndSite(kubernetes: KubernetesHandle, hub: Hub): Promise<void> {
  const target = { url: hub.a.url, token: hub.adminToken, ca: hub.caPem };
  const cluster = await callAdminApi(target, "POST", "/clusters", { name: clusterName });
  await callAdminApi(target, "POST", "/sites", { name: siteName });
  const { admissionPath } = cluster as { admissionPath: string };
  await installWebhook(kubernetes, { url: `${hub.b.url}${admissionPath}`, caPem: hub.caPem });
}

/** Policy and webhook take a moment to arrive at the server that has just stored them. */
async function untilAsked({ tryApply }: Pick<Fleet, "tryApply">): Promise<void> {
  const bmc = { credentialsName: "probe" };
  const probes = [
    { address: "ipmi://a:b@192.0.2.1", refusedBy: "ValidatingAdmissionPolicy" },
    { address: "abacus://192.0.2.1", refusedBy: "admission webhook" },
  ];
  for (const { address, refusedBy } of probes) {
    const probe = hostObject("probe", { bmc: { ...bmc, address } });
    const said = async () => (await tryApply([probe], "--dry-run=server")).stderr;
    while (!(await said()).includes(refusedBy)) await sleep(100);
  }
}
