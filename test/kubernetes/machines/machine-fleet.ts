// A whole Farrier with the core of cluster-api, a herd of machines in memory, and a Cluster with a pool of workers
// that is its own management cluster. Kubelets there are none: a machine that has booted joins by the test's hand.
import { readFile } from "node:fs/promises";
import type { BareMetalHostSpec } from "../../../shared/metal3/bare-metal-host.ts";
import { startFleet, type Fleet } from "../fleet.ts";
import type { HerdMachine } from "../herd/herd-plan.ts";
import { startHerd, type Herd } from "../herd/start-herd.ts";
import {
  clusterObjects,
  definitions,
  machineSet,
  machineSetName,
  workerObjects,
} from "./machine-objects.ts";
import { machineWords, type MachineWords } from "./machine-words.ts";

export interface MachineFleet extends MachineWords {
  readonly fleet: Fleet;
  readonly herd: Herd;
  /** What was asked to be left out. */
  readonly leftOut: readonly object[];
  /** Applies hosts of the herd and waits until they are available. */
  addHosts(machines: readonly HerdMachine[], spec?: Partial<BareMetalHostSpec>): Promise<void>;
  /** What the kubelet of a machine would do: a Node that says its system UUID. */
  join(machine: HerdMachine, node?: NodeChoice): Promise<void>;
  stop(): Promise<void>;
}

export interface MachineFleetOptions {
  readonly machines: number;
  /** Added to the Metal3Cluster's spec. */
  readonly metal3Cluster?: object;
  /** Added to the spec of the template's Metal3Machines. */
  readonly template?: Readonly<Record<string, unknown>>;
  /** Kinds whose objects are not applied. */
  readonly leaveOut?: readonly string[];
}

/** Takes about 25 s. */
export async function startMachineFleet(options: MachineFleetOptions): Promise<MachineFleet> {
  const fleet = await startFleet({ clusterApi: true });
  try {
    const herd = await startHerd(fleet.lab, options.machines);
    await fleet.apply(...definitions);
    const names = definitions.map(({ metadata }) => `crd/${metadata.name}`);
    await fleet.kubectl(["wait", "--for=condition=Established", "--timeout=30s", ...names]);
    const kubeconfig = await readFile(fleet.kubernetes.adminKubeconfigPath, "utf8");
    const image = { ...herd.image, diskFormat: "raw" };
    const { leaveOut = [] } = options;
    const all = [
      ...clusterObjects(kubeconfig, options.metal3Cluster),
      ...workerObjects({ image, ...options.template }),
      machineSet(machineSetName),
    ];
    const isLeftOut = (object: object) =>
      "kind" in object && leaveOut.includes(object.kind as string);
    await fleet.apply(...all.filter((object) => !isLeftOut(object)));
    return {
      fleet,
      herd,
      leftOut: all.filter(isLeftOut),
      ...machineWords(fleet),
      ...hostWords(fleet, herd),
      stop: () => fleet.stop(),
    };
  } catch (cause) {
    await fleet.stop();
    throw cause;
  }
}

function hostWords(fleet: Fleet, herd: Herd): Pick<MachineFleet, "addHosts" | "join"> {
  return {
    async addHosts(machines, spec) {
      await fleet.apply(...machines.flatMap((each) => herd.objects(each, spec)));
      for (const { name } of machines) {
        await fleet.hosts.until(name, ({ status }) => status?.provisioning.state === "available", {
          timeoutMs: 120_000,
        });
      }
    },
    join: (machine, node) => fleet.apply(nodeObject(machine, node)),
  };
}

/** What else a kubelet must tell, and nobody here looks at. */
const unsaid = Object.fromEntries(
  [
    "architecture",
    "bootID",
    "containerRuntimeVersion",
    "kernelVersion",
    "kubeProxyVersion",
    "kubeletVersion",
    "machineID",
    "operatingSystem",
    "osImage",
  ].map((field) => [field, ""]),
);

export interface NodeChoice {
  /** Its machine's by default. */
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly providerID?: string;
}

export function nodeObject(
  { name, uuid }: Pick<HerdMachine, "name" | "uuid">,
  { providerID, ...metadata }: NodeChoice = {},
): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, ...metadata },
    ...(providerID === undefined ? {} : { spec: { providerID } }),
    status: {
      nodeInfo: { ...unsaid, systemUUID: uuid },
      addresses: [{ type: "Hostname", address: name }],
      conditions: [
        { type: "Ready", status: "True" },
        ...["DiskPressure", "MemoryPressure", "PIDPressure"].map((type) => ({
          type,
          status: "False",
        })),
      ],
    },
  };
}
