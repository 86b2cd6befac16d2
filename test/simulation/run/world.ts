// The world of a scenario, put together: database, control-plane instances, wide area network, clusters, sites with
// their agents, machines and images. Starts everything; what is done to it is commands.ts and faults.ts.
import { makeKernel } from "../kernel/kernel.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { CallHook } from "../kernel/life.ts";
import { canaryPassword, findCanary, isToken } from "../kubernetes/canaries.ts";
import { SimulatedCluster, workloadCaller } from "../kubernetes/simulated-cluster.ts";
import { workloadDomain } from "../kubernetes/play-machine-command.ts";
import { err } from "../../../shared/result.ts";
import type { AgentDatabase } from "../../../site-agent/ports.ts";
import { makeLoginTrials } from "../machines/bmc/login-trials.ts";
import { makeSeededCrypto } from "../machines/crypto/seeded-crypto.ts";
import { makeMachine } from "../machines/simulated-fleet-machine.ts";
import type { SimulatedFleetMachine } from "../machines/simulated-fleet-machine.ts";
import type { Segment } from "../network/segment.ts";
import { Wan } from "../network/wan.ts";
import { bmcAddressOf, macOf } from "../workload/addresses.ts";
import type { Scenario } from "../workload/scenario.ts";
import type { Happened } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";
import { AgentProcess } from "./agent-process.ts";
import { makeBootNetworks } from "./boot-networks.ts";
import type { SimulatedDatabase } from "./database.ts";
import { makeEnrolToken } from "./enrolments.ts";
import { HostsByBmc } from "./hosts-by-bmc.ts";
import { Hub, noDatabaseFaults } from "./hub.ts";
import type { DatabaseFaults } from "./hub.ts";
import { Kubelets } from "./kubelets.ts";
import { makeImages } from "./images.ts";
import { Moments } from "./moments.ts";
import type { WorldImages } from "./images.ts";

export const startMs = Date.parse("2026-11-01T12:00:00Z");

type WorldTruth = Truth & {
  healed: boolean;
  /** How often cables of BMCs were exchanged. */
  exchanges: number;
};

export interface World {
  readonly kernel: Kernel;
  readonly scenario: Scenario;
  readonly moments: Moments;
  readonly hub: Hub;
  readonly wan: Wan;
  readonly database: SimulatedDatabase;
  readonly databaseFaults: DatabaseFaults;
  readonly clusters: ReadonlyMap<string, SimulatedCluster>;
  /** Copies, too: a copy stays here when it has ended. */
  readonly agents: Map<string, AgentProcess>;
  readonly machines: ReadonlyMap<string, SimulatedFleetMachine>;
  readonly networks: ReadonlyMap<string, Segment>;
  readonly images: WorldImages;
  /** Ends what does not belong on a boot network, and revocations. */
  readonly rogues: Set<() => void>;
  readonly truth: WorldTruth;
  /** Pairs of machines whose BMC cables are exchanged, as "m3+m7". */
  readonly swapped: Set<string>;
  readonly tell: (happened: Happened) => void;
}

export interface WorldOptions {
  readonly scenario: Scenario;
  readonly kernel: Kernel;
  readonly database: SimulatedDatabase;
  readonly tell: (happened: Happened) => void;
  /** Told of each call that a process makes of its ports. */
  readonly onCall?: CallHook | undefined;
}

export function kernelOf(scenario: Scenario): Kernel {
  return makeKernel(String(scenario.seed), startMs);
}

export function instanceNames({ instances }: Scenario): readonly string[] {
  return Array.from({ length: instances }, (_, at) => `control-plane:${at}`);
}

export async function startWorld(given: WorldOptions): Promise<World> {
  const { scenario, kernel, database } = given;
  const moments = new Moments(kernel, scenario);
  const tell: WorldOptions["tell"] = (happened) => {
    given.tell(happened);
    moments.onHappened(happened);
  };
  const options = { ...given, tell };
  const { random } = kernel;
  const databaseFaults = noDatabaseFaults();
  const scan = scannerOf(tell);
  const wan = new Wan({ kernel, random: random.split("wan"), scan, tell, silentDeaths: 0.3 });
  const hub = new Hub({ ...options, random: random.split("hub"), wan, databaseFaults });
  for (const name of instanceNames(scenario)) await kernel.until(hub.start(name));
  const images = makeImages(scenario, kernel, { tell, scan });
  const networks = makeBootNetworks(scenario, kernel, { tell, scan, images });
  const reviewPaths = new Map<string, string>();
  const hosts = new HostsByBmc();
  const tellOfCluster: WorldOptions["tell"] = (happened) => {
    if (happened.kind === "object") hosts.onObject(happened);
    tell(happened);
  };
  const clusters = makeClusters({ ...options, tell: tellOfCluster }, hub, reviewPaths);
  for (const { name } of scenario.sites) await kernel.until(hub.admin("sites", { name }));
  for (const { name } of scenario.clusters) {
    const added = await kernel.until(hub.admin("clusters", { name }));
    reviewPaths.set(name, String(added["admissionPath"]));
  }
  const trials = makeLoginTrials();
  const agents = await makeAgents({ ...options, hub, wan, networks, clusters, trials });
  const kubelets = new Kubelets({
    kernel,
    random: random.split("kubelets"),
    clusters,
    machine: (name) => machines.get(name),
  });
  const machines: ReadonlyMap<string, SimulatedFleetMachine> = await makeMachines({
    ...options,
    networks,
    trials,
    tell(happened) {
      tell(happened);
      kubelets.onHappened(happened);
    },
  });
  const truth = makeTruth({ ...options, hosts, clusters, agents, machines, images });
  for (const agent of agents.values()) await kernel.until(agent.start());
  return {
    kernel,
    scenario,
    moments,
    hub,
    wan,
    database,
    databaseFaults,
    clusters,
    agents,
    machines,
    networks,
    images,
    rogues: new Set(),
    truth,
    swapped: new Set(),
    tell,
  };
}

function scannerOf(tell: (happened: Happened) => void): (sink: string, text: string) => void {
  return (sink, text) => {
    const found = findCanary(text);
    if (found !== undefined) tell({ kind: "leak", sink, text: found });
  };
}

function makeClusters(
  { scenario, kernel, tell }: WorldOptions,
  hub: Hub,
  reviewPaths: ReadonlyMap<string, string>,
): Map<string, SimulatedCluster> {
  return new Map(
    scenario.clusters.map(({ name, hasClusterApi = false, hasOpenShift = false }) => [
      name,
      new SimulatedCluster({
        name,
        hasClusterApi,
        hasOpenShift,
        kernel,
        random: kernel.random.split(`cluster ${name}`),
        tell,
        review: (body) => hub.review(reviewPaths.get(name) ?? "", body),
      }),
    ]),
  );
}

type Trials = ReturnType<typeof makeLoginTrials>;

async function makeAgents(
  options: WorldOptions & {
    readonly hub: Hub;
    readonly wan: Wan;
    readonly networks: ReadonlyMap<string, Segment>;
    readonly clusters: ReadonlyMap<string, SimulatedCluster>;
    readonly trials: Trials;
  },
): Promise<Map<string, AgentProcess>> {
  const { scenario, kernel, hub, networks, clusters, trials } = options;
  const agents = new Map<string, AgentProcess>();
  const add = async (
    name: string,
    site: AgentProcessSite,
    cluster: string | undefined,
  ): Promise<void> => {
    const roles = { site: site?.plan.name, cluster };
    const enrolToken = await kernel.until(makeEnrolToken(hub, roles));
    const random = kernel.random.split(`agent ${name}`);
    const crypto = (whose: string) =>
      makeSeededCrypto(random.split(whose), (key, data) => trials.heard(key, data));
    const known = cluster === undefined ? undefined : clusters.get(cluster);
    agents.set(
      name,
      new AgentProcess({
        ...options,
        name,
        random,
        crypto,
        roles,
        enrolToken,
        site,
        kubernetes: known?.api,
        keepsOpenShift: known?.hasOpenShift === true,
        workload: workloadsOf(clusters),
      }),
    );
  };
  for (const plan of scenario.sites) {
    const cluster = scenario.clusters.find(({ site }) => site === plan.name)?.name;
    const network = networks.get(plan.name);
    if (network === undefined) continue;
    await add(plan.name, { plan, network }, cluster);
  }
  for (const { name, site } of scenario.clusters) {
    if (site === undefined) await add(name, undefined, name);
  }
  return agents;
}

/** Each cluster's API server is that of its workload clusters, too, for whoever has their token. */
function workloadsOf(
  clusters: ReadonlyMap<string, SimulatedCluster>,
): ConstructorParameters<typeof AgentProcess>[0]["workload"] {
  return (server, token = "") => {
    const [name = "", ...domain] = new URL(server).hostname.split(".");
    const isOurs = domain.join(".") === workloadDomain && isToken(token);
    const cluster = isOurs ? clusters.get(name) : undefined;
    return (
      cluster?.apiAs(workloadCaller) ?? {
        request: async () => err("unreachable", `nobody is at ${server}`),
      }
    );
  };
}

type AgentProcessSite = ConstructorParameters<typeof AgentProcess>[0]["site"];

async function makeMachines({
  scenario,
  kernel,
  tell,
  onCall,
  networks,
  trials,
}: WorldOptions & {
  readonly networks: ReadonlyMap<string, Segment>;
  readonly trials: Trials;
}): Promise<Map<string, SimulatedFleetMachine>> {
  const machines = new Map<string, SimulatedFleetMachine>();
  for (const plan of scenario.machines) {
    const network = networks.get(plan.site);
    if (network === undefined) throw new Error(`${plan.name} is at no site of the scenario`);
    const bmcAddress = bmcAddressOf(plan);
    const random = kernel.random.split(`machine ${plan.name}`);
    const machine = await makeMachine({
      plan,
      kernel,
      random,
      tell,
      plug: () => network.join(undefined, { name: plan.name, machine: plan.name }),
      onCall,
      bmcUdp: network.join(bmcAddress.split(":")[0]).udp,
      bmcAddress,
      macs: [macOf(plan), macOf(plan, 1)],
      user: "admin",
      password: canaryPassword(plan.name, 1),
      crypto: (whose) => makeSeededCrypto(random.split(whose)),
      agentOf: (from) => network.agentAt(from),
      trials,
    });
    machines.set(plan.name, machine);
  }
  return machines;
}

function makeTruth({
  database,
  kernel,
  scenario,
  clusters,
  agents,
  machines,
  images,
  hosts,
}: Pick<
  World,
  "database" | "kernel" | "scenario" | "clusters" | "agents" | "machines" | "images"
> & { readonly hosts: HostsByBmc }): WorldTruth {
  const truth: WorldTruth = {
    healed: false,
    exchanges: 0,
    get changes() {
      return hosts.changes + truth.exchanges;
    },
    nowMs: () => kernel.nowMs(),
    machines,
    images: [...images.byName.values()],
    clusters: scenario.clusters.map(({ name }) => name),
    sites: scenario.sites.map(({ name }) => name),
    guards: new Map(
      scenario.sites.flatMap(({ name, guard }) => (guard === undefined ? [] : [[name, guard]])),
    ),
    objects: (cluster) => clusters.get(cluster)?.objects ?? new Map(),
    hostsOf(name) {
      const machine = machines.get(name);
      return machine === undefined ? [] : hosts.of(machine.bmcAddress);
    },
    rows: (table) => database.rows(table),
    journal: (site) =>
      [...agents.values()]
        .filter(({ name }) => name.split("#")[0] === site)
        .map(({ name, database }) => ({
          agent: name,
          rows: database
            .all("SELECT id, state FROM operations ORDER BY rowid")
            .map((row) => ({ operationId: String(row["id"]), state: String(row["state"]) })),
        })),
    revisions: (agent) =>
      new Map(
        agents
          .get(agent)
          ?.database.all("SELECT host_uid, revision FROM documents")
          .map((row) => [String(row["host_uid"]), Number(row["revision"])]),
      ),
    holders: (hostUid) =>
      [...agents.values()]
        .filter(({ isCopy, life }) => !isCopy || life?.alive === true)
        .filter(({ database }) => holds(database, hostUid))
        .map(({ name }) => name),
    waiting: (site) =>
      [...agents.values()]
        .filter(({ name }) => name.split("#")[0] === site)
        .map(({ database }) => database.all("SELECT count(*) AS count FROM observations"))
        .reduce((sum, [row]) => sum + Number(row?.["count"] ?? 0), 0),
  };
  return truth;
}

function holds(database: AgentDatabase, hostUid: string): boolean {
  const document = "SELECT 1 FROM documents WHERE host_uid = ? AND spec IS NOT NULL";
  return database.all(document, hostUid).length > 0;
}
