// The paddock: everything that Farrier needs, of one's own and real, put together: a Kubernetes API, a hub, a
// site with machines, an agent. The demo plays its story here and the machine tests judge it from outside.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startKubernetes, type KubernetesHandle } from "../kubernetes/start-kubernetes.ts";
import type { MachineSpec } from "../lab/machine/machine-spec.ts";
import type { LabProcess } from "../lab/lab-programs.ts";
import { quickKernelParameters } from "../lab/quick-kernel.table.ts";
import { startLab, type LabHandle } from "../lab/start-lab.ts";
import { asStep, type Progress } from "../preparation/progress.ts";
import { runProgram } from "../preparation/run-program.ts";
import { bootFiles } from "../ramdisk/boot-files.ts";
import { buildRamdisk, type Ramdisk } from "../ramdisk/build-ramdisk.ts";
import { emptyDatabase } from "./empty-database.ts";
import { startHub, type Hub } from "./hub.ts";
import { installManifests, installWebhook } from "./install-manifests.ts";
import { startSiteServices, type SiteServices } from "./site-services.ts";

export const siteName = "paddock";
export const clusterName = "stable";

export interface PaddockOptions {
  readonly directory: string;
  readonly progress: Progress;
  readonly machines: readonly MachineSpec[];
  /** Its files are served to the site as images. */
  readonly imageDirectory: string;
  /** Upper bound of a host's write speed; 0: none. */
  readonly writeBytesPerSecond?: number;
  readonly bootSeconds?: number;
  /** Runs the core of cluster-api beside the Kubernetes API. */
  readonly clusterApi?: boolean;
  /** Defines OpenShift's Machines and MachineSets, and has Farrier keep them. */
  readonly openShift?: boolean;
}

export interface Agent {
  readonly logFile: string;
  start(): void;
  /** kill -9, at once. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface Paddock {
  readonly kubernetes: KubernetesHandle;
  readonly lab: LabHandle;
  readonly hub: Hub;
  readonly agent: Agent;
  readonly services: SiteServices;
  /** npm run admin, against instance A; the parsed --json output. */
  admin(...args: readonly string[]): Promise<unknown>;
  /** Adds cluster and site, installs the webhook, enrols the agent and starts it (anew). */
  join(): Promise<void>;
  /** Empties the database under the running control planes. */
  loseDatabase(): Promise<void>;
  /** Waits until the control plane knows these hosts. */
  untilAdopted(names: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

const adminProgram = new URL("../admin/admin.ts", import.meta.url).pathname;
const agentProgram = new URL("../../site-agent/main.ts", import.meta.url).pathname;

export async function startPaddock(options: PaddockOptions): Promise<Paddock> {
  const { directory, progress, machines } = options;
  await mkdir(directory, { recursive: true });
  const ramdisk = await buildRamdisk({ directory: join(directory, "ramdisk"), progress });
  const lab = await startLab({
    name: siteName,
    directory: join(directory, "lab"),
    progress,
    machines,
  });
  const undo: (() => Promise<void>)[] = [() => lab.stop()];
  const stop = async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const [{ kubernetes, linkKubeconfig }, hub] = await sideBySide(
      startCluster(options, lab, undo),
      startHub({ directory: join(directory, "hub"), address: lab.hubAddress, progress }).then(
        (started) => {
          undo.push(() => started.stop());
          return started;
        },
      ),
    );
    const services = await startSiteServices(lab, options.imageDirectory);
    const agent = await makeAgent({ options, lab, hub, linkKubeconfig, ramdisk });
    undo.push(() => agent.stop());
    const admin = (...args: readonly string[]) => runAdmin(hub, args);
    return {
      kubernetes,
      lab,
      hub,
      agent,
      services,
      admin,
      loseDatabase: () =>
        asStep(progress, "empty the whole database", () => emptyDatabase(hub.databaseUrl)),
      untilAdopted: (names) => untilKnown(admin, names),
      join: () => joinFleet({ kubernetes, hub, admin, agent, directory, progress }),
      stop,
    };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

async function startCluster(
  { directory, progress, clusterApi = false, openShift = false }: PaddockOptions,
  { hubAddress }: LabHandle,
  undo: (() => Promise<void>)[],
) {
  const place = { directory: join(directory, "kubernetes"), address: hubAddress };
  const kubernetes = await startKubernetes({ ...place, progress, clusterApi });
  undo.push(() => kubernetes.stop());
  const linkKubeconfig = await asStep(progress, "install kinds, rights and policy", () =>
    installManifests(kubernetes, { openShift }),
  );
  return { kubernetes, linkKubeconfig };
}

/** Throws when both have ended, so that nothing starts behind whoever cleans up. */
async function sideBySide<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}

async function runAdmin(hub: Hub, args: readonly string[]): Promise<unknown> {
  const { stdout } = await runProgram(process.execPath, [adminProgram, ...args, "--json"], {
    env: {
      ...process.env,
      FARRIER_URL: hub.a.url,
      FARRIER_ADMIN_TOKEN: hub.adminToken,
      FARRIER_CA: hub.caFile,
    },
  });
  return JSON.parse(stdout);
}

const hearWithinMs = 60_000;

/** The site has a session: what is applied from now on is not told that nobody is there. */
async function untilHeard(admin: Paddock["admin"]): Promise<void> {
  const until = Date.now() + hearWithinMs;
  while (Date.now() < until) {
    const { sites } = (await admin("sites")) as {
      sites: readonly { name: string; lastSeenMs: number | null }[];
    };
    if (sites.some((site) => site.name === siteName && site.lastSeenMs !== null)) return;
  }
  throw new Error(`The agent did not reach the control plane within ${hearWithinMs / 1000} s`);
}

async function untilKnown(admin: Paddock["admin"], names: readonly string[]): Promise<void> {
  for (;;) {
    const { hosts } = (await admin("hosts")) as {
      hosts: readonly { name: string; state?: string | null }[];
    };
    const known = new Set(hosts.filter((host) => host.state).map((host) => host.name));
    if (names.every((name) => known.has(name))) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

interface Parts {
  readonly kubernetes: KubernetesHandle;
  readonly hub: Hub;
  readonly admin: Paddock["admin"];
  readonly agent: Agent;
  readonly directory: string;
  readonly progress: Progress;
}

async function joinFleet({
  kubernetes,
  hub,
  admin,
  agent,
  directory,
  progress,
}: Parts): Promise<void> {
  await asStep(progress, `add cluster ${clusterName} and site ${siteName}`, async () => {
    const cluster = (await admin("cluster", "add", clusterName)) as { admissionPath: string };
    await admin("site", "add", siteName);
    const url = `${hub.b.url}${cluster.admissionPath}`;
    await installWebhook(kubernetes, { url, caPem: hub.caPem });
  });
  await asStep(progress, "enrol the agent", async () => {
    const args = ["token", "create", "--site", siteName, "--cluster", clusterName, "--approve"];
    const { token } = (await admin(...args)) as { token: string };
    await agent.stop();
    await writeFile(join(directory, "enrol-token"), token, { mode: 0o600 });
    agent.start();
    await untilHeard(admin);
  });
}

async function makeAgent(parts: {
  readonly options: PaddockOptions;
  readonly lab: LabHandle;
  readonly hub: Hub;
  readonly linkKubeconfig: string;
  readonly ramdisk: Ramdisk;
}): Promise<Agent> {
  const { options, lab, hub, linkKubeconfig, ramdisk } = parts;
  const { directory, progress } = options;
  const files = await bootFiles(progress);
  const config = {
    hub: { url: hub.a.url, feedUrl: hub.b.url },
    enrolTokenFile: join(directory, "enrol-token"),
    stateDirectory: join(directory, "agent"),
    site: {
      address: lab.siteAddress,
      prefixLength: 24,
      rangeFrom: lab.siteAddress.replace(/\d+$/, "100"),
      rangeTo: lab.siteAddress.replace(/\d+$/, "199"),
      interface: lab.bridge,
      bootLoaderBios: files.undionlyKpxe,
      bootLoaderUefi: files.snponlyEfi,
      kernel: ramdisk.kernelPath,
      initrds: ramdisk.initrdPaths,
      kernelParameters: ["rootfstype=ramfs", "console=ttyS0", "panic=30", ...quickKernelParameters],
      writeBytesPerSecond: options.writeBytesPerSecond ?? 0,
      bootSeconds: options.bootSeconds ?? 300,
      softPowerOffSeconds: 30,
    },
    cluster: {
      kubeconfig: linkKubeconfig,
      conversion: { host: lab.labAddress },
      ...(options.openShift === true ? { openShift: "machines-and-machinesets" } : {}),
    },
  };
  const configFile = join(directory, "agent.json");
  await writeFile(configFile, JSON.stringify(config, undefined, 2));
  const logFile = join(directory, "agent.log");
  let running: LabProcess | undefined;
  return {
    logFile,
    start() {
      running = lab.spawn([process.execPath, agentProgram, "--config", configFile], {
        logFile,
        env: { KUBECONFIG: undefined },
      });
    },
    kill: async () => await running?.kill(),
    async stop() {
      await running?.signal("SIGTERM");
      await running?.exited;
      running = undefined;
    },
  };
}
