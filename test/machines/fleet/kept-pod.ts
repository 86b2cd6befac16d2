// A pod on a Node that its disruption budget keeps there, and how a Node is left: what drains are judged by.
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { pauseImageName } from "../../../infra/lab/operating-system/pause-image.ts";
import type { KubectlWords } from "../../kubernetes/kubectl-words.ts";
import type { MachineWords } from "../../kubernetes/machines/machine-words.ts";

const name = "work";
const labels = { app: name };

export interface KeptPod {
  /** Until it runs and may not be evicted. */
  start(): Promise<void>;
  /** Throws when it is gone or on its way. */
  expectThere(): Promise<void>;
  /** From now on it may be evicted. */
  lift(): Promise<void>;
  /** Follows the drain until the Node is gone: nothing of the host is touched while the pod is there. */
  expectNodeLeftInOrder(host: string): Promise<void>;
}

/** @param words in the namespace of the host */
export function keptPod(node: string, words: KubectlWords & MachineWords): KeptPod {
  // Nobody would start it again.
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels },
    spec: {
      nodeName: node,
      hostNetwork: true,
      automountServiceAccountToken: false,
      containers: [{ name, image: pauseImageName, imagePullPolicy: "Never" }],
    },
  };
  const budget = {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name },
    spec: { minAvailable: 1, selector: { matchLabels: labels } },
  };
  const isThere = async (what: string) =>
    (await words.kubectl(["get", what, "--output=name", "--ignore-not-found"])) !== "";
  return {
    async start() {
      await words.apply(pod, budget);
      await words.until(`pod/${name}`, ({ status }) => status?.["phase"] === "Running", 300_000);
      await words.until(`pdb/${name}`, ({ status }) => status?.["currentHealthy"] === 1);
    },
    async expectThere() {
      const { metadata, status } = await words.get(`pod/${name}`);
      expect(metadata.deletionTimestamp).toBeUndefined();
      expect(status).toMatchObject({ phase: "Running" });
    },
    async lift() {
      await words.kubectl(["delete", "pdb", name]);
    },
    async expectNodeLeftInOrder(host) {
      const seen: string[] = [];
      for (;;) {
        const { spec } = await words.get(`bmh/${host}`);
        const [hasPod, hasNode] = [await isThere(`pod/${name}`), await isThere(`node/${node}`)];
        const now = `pod ${hasPod}, image ${spec["image"] !== undefined}, node ${hasNode}`;
        if (now !== seen.at(-1)) seen.push(now);
        if (!hasNode) break;
        await sleep(500);
      }
      expect(seen[0]).toBe("pod true, image true, node true");
      expect(seen.filter((line) => line.startsWith("pod true, image false"))).toEqual([]);
      expect(seen.at(-1)).toBe("pod false, image false, node false");
    },
  };
}
