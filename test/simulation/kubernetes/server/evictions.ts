// Evicts pods as an API server does: a disruption budget may be against it, and what goes takes its time to end.
import type { KubernetesAnswer, KubernetesRequest } from "../../../../site-agent/cluster/port.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Random } from "../../kernel/random.ts";
import type { Caller } from "./admission.ts";
import type { ApiServer } from "./api-server.ts";
import { refusal } from "./status-answers.ts";

export interface EvictionsOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly server: ApiServer;
}

/** Of a pod, until its kubelet says that it has ended. */
export const podFinalizer = "example.com/runs";

const evictions = /^(\/api\/v1\/namespaces\/[^/]+\/pods\/[^/]+)\/eviction$/;
const kubelet: Caller = { by: "kubelet", user: "system:node" };
const budget = "Cannot evict pod as it would violate the pod's disruption budget.";

export class Evictions {
  readonly #options: EvictionsOptions;

  constructor(options: EvictionsOptions) {
    this.#options = options;
  }

  /** Undefined: nobody asks for an eviction. */
  async answer(
    caller: Caller,
    { method, path: asked }: KubernetesRequest,
  ): Promise<KubernetesAnswer | undefined> {
    const path = method === "POST" ? evictions.exec(asked)?.[1] : undefined;
    if (path === undefined) return undefined;
    const { kernel, random, server } = this.#options;
    if (random.chance(0.25)) return refusal(429, budget, "TooManyRequests");
    const { status, body } = await server.handle(caller, { method: "DELETE", path });
    if (status === 404) return { status, body };
    kernel.timer(random.between(500, 20_000), () => {
      const metadata = { finalizers: null };
      void server.handle(kubelet, { method: "PATCH", patch: "merge", path, body: { metadata } });
    });
    return { status: 201, body: { kind: "Status", apiVersion: "v1", status: "Success" } };
  }
}
