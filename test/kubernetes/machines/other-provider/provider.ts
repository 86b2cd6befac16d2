// A Metal3 machine provider that is not Farrier's: it claims, deploys, reboots, pauses and releases hosts as the
// released one does, from outside and by the fields of cluster-api reference 2.2 to 2.9 and 3.4 alone. Nothing here is
// of the product.
import { setTimeout as sleep } from "node:timers/promises";
import type { Deployment, HostApi, SeenHost } from "./host-api.ts";

/** One of the provider's own machines. */
export interface ForeignMachine {
  readonly name: string;
  readonly clusterName: string;
  /** Of an object that is there: hosts say that it owns them. */
  readonly uid?: string;
}

export interface OtherProvider {
  /** A host that is free now, by chance; undefined: there is none. */
  choose(labels?: Readonly<Record<string, string>>): Promise<SeenHost | undefined>;
  claim(machine: ForeignMachine, host: SeenHost): Promise<void>;
  /** Writes once what the host is to run. */
  deploy(name: string, deployment: Deployment): Promise<void>;
  /** Asks as often as a watch would tell. Throws with the last form after `withinMs`, 30 s by default. */
  until(name: string, wanted: (host: SeenHost) => boolean, withinMs?: number): Promise<SeenHost>;
  /** Empties the host, waits until nothing runs there, and lets go of it, or keeps it for its Cluster. */
  release(machine: ForeignMachine, name: string, how?: "for reuse"): Promise<void>;
  /** Remediation: off, and on again. */
  powerOff(name: string): Promise<void>;
  powerOn(name: string): Promise<void>;
  markUnhealthy(name: string): Promise<void>;
  /** Before a move: nothing is to happen to it, and its status travels with it. */
  pause(name: string): Promise<void>;
  resume(name: string): Promise<void>;
}

const apiVersion = "infrastructure.cluster.x-k8s.io/v1beta2";
const kind = "Metal3Machine";
const clusterLabel = "cluster.x-k8s.io/cluster-name";
const paused = "baremetalhost.metal3.io/paused";
const blockMove = "clusterctl.cluster.x-k8s.io/block-move";
const reuseLabel = "infrastructure.cluster.x-k8s.io/node-reuse";
const unhealthy = "capm3.metal3.io/unhealthy";
const ownPause = "metal3.io/capm3";

/** States in which the provider waits for the end of its release. */
const busyStates: readonly string[] = [
  "preparing",
  "provisioning",
  "provisioned",
  "deprovisioning",
  "powering off before delete",
  "deleting",
  "unknown",
];
const askEveryMs = 50;
/** The released one asks again after so long: what comes later holds it up. */
const usualMs = 30_000;

export const stateOf = ({ status }: SeenHost): string => status?.provisioning?.state ?? "";

export function startOtherProvider(api: HostApi, namespace: string): OtherProvider {
  const rebootKey = ({ metadata }: SeenHost) =>
    `reboot.metal3.io/metal3-remediation-${metadata.uid}`;

  async function until(name: string, wanted: (host: SeenHost) => boolean, withinMs = usualMs) {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const host = await api.get(name);
      if (wanted(host)) return host;
      if (Date.now() > deadline) {
        const { spec, status, metadata } = host;
        const { labels, annotations } = metadata;
        const seen = JSON.stringify({ labels, annotations, spec, status });
        throw new Error(`${name} not within ${withinMs} ms: ${wanted.toString()}; ${seen}`);
      }
      await sleep(askEveryMs);
    }
  }

  const consumerOf = ({ name }: ForeignMachine) => ({ kind, name, namespace, apiVersion });
  const clusterOf = ({ clusterName: name }: ForeignMachine) => ({
    kind: "Cluster",
    name,
    namespace,
    apiVersion: "cluster.x-k8s.io/v1beta2",
  });
  const isConsumer = (machine: ForeignMachine, { spec }: SeenHost) =>
    spec.consumerRef?.["name"] === machine.name && spec.consumerRef["kind"] === kind;
  const annotate = (name: string, annotations: Readonly<Record<string, string | null>>) =>
    api.patch(name, { metadata: { annotations } });
  const labelSecret = async ({ spec }: SeenHost, value: string | null) => {
    const secret = spec.bmc?.credentialsName;
    if (secret === undefined) throw new Error("the host names no BMC Secret");
    await api.patchSecret(secret, { metadata: { labels: { [clusterLabel]: value } } });
  };

  return {
    until,
    async choose(labels = {}) {
      const free = (await api.list()).filter(
        (host) =>
          Object.entries(labels).every(([key, value]) => host.metadata.labels?.[key] === value) &&
          isFree(host),
      );
      return free[Math.floor(Math.random() * free.length)];
    },
    async claim(machine, host) {
      await api.patch(host.metadata.name, {
        metadata: {
          labels: { [clusterLabel]: machine.clusterName, [reuseLabel]: null },
          annotations: { [blockMove]: "" },
          ...(machine.uid === undefined
            ? {}
            : { ownerReferences: [ownerOf(machine, machine.uid)] }),
        },
        spec: { consumerRef: consumerOf(machine) },
      });
      await labelSecret(host, machine.clusterName);
    },
    async deploy(name, deployment) {
      const { spec } = await api.get(name);
      const { automatedCleaningMode, ...runs } = deployment;
      const isEmpty = spec.image === undefined && spec.customDeploy === undefined;
      const cleaning = automatedCleaningMode === undefined ? {} : { automatedCleaningMode };
      await api.patch(name, { spec: { ...(isEmpty ? runs : {}), ...cleaning, online: true } });
    },
    async release(machine, name, how) {
      const host = await api.get(name);
      if (!isConsumer(machine, host)) throw new Error(`${name} is not of ${machine.name}`);
      await labelSecret(host, null);
      const { disablePowerOff = false } = host.spec;
      const nothing = { image: null, customDeploy: null, userData: null };
      const data = { metaData: null, networkData: null };
      await api.patch(name, { spec: { ...nothing, ...data, online: disablePowerOff } });
      await until(name, isLeft);
      await api.patch(name, {
        metadata: {
          labels: { [clusterLabel]: null, ...(how && { [reuseLabel]: "md-foreign" }) },
          annotations: { [paused]: null, [blockMove]: null },
          ...(machine.uid === undefined ? {} : { ownerReferences: null }),
        },
        spec: { consumerRef: how === undefined ? null : clusterOf(machine) },
      });
    },
    async powerOff(name) {
      const key = rebootKey(await api.get(name));
      await annotate(name, { [key]: JSON.stringify({ mode: "hard", force: false }) });
      await until(name, ({ status }) => status?.poweredOn === false);
    },
    async powerOn(name) {
      await annotate(name, { [rebootKey(await api.get(name))]: null });
      await until(name, ({ status }) => status?.poweredOn === true);
    },
    markUnhealthy: (name) => annotate(name, { [unhealthy]: "capm3/UnhealthyNode" }),
    async pause(name) {
      const { hardware: _travelsByItself, ...status } = (await api.get(name)).status ?? {};
      await annotate(name, {
        [blockMove]: null,
        [paused]: ownPause,
        "baremetalhost.metal3.io/status": JSON.stringify(status),
      });
    },
    async resume(name) {
      const { metadata } = await api.get(name);
      if (metadata.annotations?.[paused] === ownPause) await annotate(name, { [paused]: null });
    },
  };
}

function isFree(host: SeenHost): boolean {
  const { metadata, spec, status } = host;
  const { annotations = {} } = metadata;
  return (
    spec.consumerRef === undefined &&
    metadata.deletionTimestamp === undefined &&
    (status?.errorMessage ?? "") === "" &&
    annotations[paused] === undefined &&
    annotations[unhealthy] === undefined &&
    ["ready", "available"].includes(stateOf(host))
  );
}

function isLeft(host: SeenHost): boolean {
  const state = stateOf(host);
  if (state === "externally provisioned") return host.status?.poweredOn === false;
  return !busyStates.includes(state);
}

function ownerOf({ name }: ForeignMachine, uid: string): object {
  return { apiVersion, kind, name, uid, controller: true };
}
