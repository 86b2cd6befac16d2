// The kubelets of machines: where an image that Farrier wrote for a machine boots, a Node joins a while later. It
// says which machine it is on, as the real one does, and nothing of who provided that. It is of the cluster that holds
// the host: its kubeconfig leads there.
import type { Kernel } from "../kernel/kernel.ts";
import type { Random } from "../kernel/random.ts";
import type { SimulatedCluster } from "../kubernetes/simulated-cluster.ts";
import { collectionPath, nodes, pods } from "../kubernetes/server/resources.table.ts";
import { podFinalizer } from "../kubernetes/server/evictions.ts";
import type { KubernetesApi } from "../../../site-agent/cluster/port.ts";
import { isDeleting, isForMachine } from "../judges/machine-of.ts";
import { specOf } from "../judges/host-of.ts";
import type { SimulatedFleetMachine } from "../machines/simulated-fleet-machine.ts";
import type { Happened } from "../world/events.ts";

export interface KubeletOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly clusters: ReadonlyMap<string, SimulatedCluster>;
  /** Of a machine's name. */
  readonly machine: (name: string) => SimulatedFleetMachine | undefined;
}

const triesAgainMs = 10_000;

export class Kubelets {
  readonly #options: KubeletOptions;
  /** What each machine runs: a number for each time that it began to. */
  readonly #runs = new Map<string, number>();

  constructor(options: KubeletOptions) {
    this.#options = options;
  }

  onHappened(happened: Happened): void {
    if (happened.kind !== "running") return;
    const { machine, running, system } = happened;
    const run = (this.#runs.get(machine) ?? 0) + 1;
    this.#runs.set(machine, run);
    const isNew = running === "operating system" && system !== "old";
    if (isNew) this.#later(machine, run, this.#options.random.between(5_000, 60_000));
  }

  #later(machine: string, run: number, ms: number): void {
    this.#options.kernel.timer(ms, () => void this.#join(machine, run));
  }

  async #join(name: string, run: number): Promise<void> {
    const machine = this.#options.machine(name);
    const cluster = machine === undefined ? undefined : this.#clusterOf(machine);
    if (machine === undefined || cluster === undefined || this.#runs.get(name) !== run) return;
    const { apiVersion, kind, collection } = nodes;
    const api = cluster.apiAs({ by: "kubelet", user: `system:node:${name}` });
    const answer = await api.request({
      method: "POST",
      path: collection,
      body: {
        apiVersion,
        kind,
        metadata: { name },
        spec: {},
        status: {
          nodeInfo: { systemUUID: machine.systemUuid },
          ...(cluster.hasOpenShift
            ? { conditions: [readySince(this.#options.kernel.nowMs())] }
            : {}),
          addresses: [{ type: "Hostname", address: name }],
        },
      },
    });
    const isDone = answer.ok && (answer.value.status < 300 || answer.value.status === 409);
    if (!isDone) this.#later(name, run, triesAgainMs);
    else if (cluster.hasOpenShift) await this.#runPods(api, name);
  }

  /** That have to leave when their Node does. */
  async #runPods(api: KubernetesApi, nodeName: string): Promise<void> {
    const { apiVersion, kind } = pods;
    for (let number = this.#options.random.between(0, 2); number > 0; number -= 1) {
      const name = `work-${nodeName}-${number}`;
      const path = collectionPath(pods, "farrier-system");
      const metadata = { name, namespace: "farrier-system", finalizers: [podFinalizer] };
      const body = { apiVersion, kind, metadata, spec: { nodeName } };
      await api.request({ method: "POST", path, body });
    }
  }

  /** Whose user data it had at its first boot. */
  #clusterOf({ bmcAddress }: SimulatedFleetMachine): SimulatedCluster | undefined {
    for (const cluster of this.#options.clusters.values()) {
      for (const object of cluster.objects.values()) {
        const isOfMachine = specOf(object).bmc?.address === `ipmi://${bmcAddress}`;
        if (isOfMachine && isForMachine(object) && !isDeleting(object)) return cluster;
      }
    }
    return undefined;
  }
}

/** Only Farrier's MachineSets count Nodes that are Ready. */
function readySince(atMs: number): object {
  return { type: "Ready", status: "True", lastTransitionTime: new Date(atMs).toISOString() };
}
