// A paddock whose machines become Nodes of its own cluster: with an image that brings a kubelet, and the user data by
// which that joins.
import { admitNodes, nodeUserData } from "../../../infra/kubernetes/node-bootstrap.ts";
import type { MachineSpec } from "../../../infra/lab/machine/machine-spec.ts";
import { networkData } from "../../../infra/lab/network-data.ts";
import { ensureNodeImage } from "../../../infra/lab/operating-system/node-image.ts";
import { relayInto } from "../../../infra/lab/relay.ts";
import type { PaddockOptions } from "../../../infra/paddock/paddock.ts";
import { terminalProgress } from "../../../infra/preparation/progress.ts";
import { kubectlWords, type KubectlWords } from "../../kubernetes/kubectl-words.ts";
import { machineWords, type MachineWords } from "../../kubernetes/machines/machine-words.ts";
import { serialOf } from "./deployments.ts";
import { hostManifests, secretManifest } from "./host-object.ts";
import { startFleet, type Fleet } from "./start-fleet.ts";

export interface NodeFleet {
  readonly fleet: Fleet;
  readonly words: KubectlWords & MachineWords;
  /** As a machine's template spells it. */
  readonly image: Readonly<Record<"url" | "checksum" | "checksumType" | "diskFormat", string>>;
  readonly userData: string;
  /** The machines' hosts with their Secrets, to apply. */
  readonly hosts: readonly object[];
}

const minuteMs = 60_000;
export const nodeWaits = {
  hostMs: 15 * minuteMs,
  joinMs: 25 * minuteMs,
  leaveMs: 5 * minuteMs,
  slow: { timeout: 30 * minuteMs },
} as const;

/** To be called in beforeAll. Words are kubectl's in the namespace. */
export async function startNodeFleet(
  machines: readonly MachineSpec[],
  namespace: string,
  kinds: Pick<PaddockOptions, "clusterApi" | "openShift">,
): Promise<NodeFleet> {
  const { qcow2 } = await ensureNodeImage(terminalProgress());
  const images = { "node.qcow2": qcow2.path };
  const fleet = await startFleet({ machines, images, bootSeconds: 600, ...kinds });
  const { kubernetes, lab, services } = fleet.paddock;
  const kubectl = kubectlWords(kubernetes, namespace);
  return {
    fleet,
    words: { ...kubectl, ...machineWords(kubectl) },
    image: {
      url: services.imageUrl("node.qcow2"),
      checksum: qcow2.sha256,
      checksumType: "sha256",
      diskFormat: "qcow2",
    },
    userData: nodeUserData(await admitNodes(kubernetes, relayInto(lab, kubernetes.url, 6443))),
    hosts: machines.flatMap((machine, index) => [
      secretManifest(`${machine.name}-network-data`, {
        networkData: networkData({ mac: machine.mac, address: `192.168.100.${21 + index}` }),
      }),
      ...hostManifests(machine, {
        rootDeviceHints: { serialNumber: serialOf(machine, "root") },
        networkData: { name: `${machine.name}-network-data` },
      }),
    ]),
  };
}
