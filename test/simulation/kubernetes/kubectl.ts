// What people and pipelines type: kubectl create, apply, patch and delete. Tries again as kubectl does after a
// conflict, and as people do when the API server is away.
import type {
  KubernetesAnswer,
  KubernetesApi,
  KubernetesRequest,
} from "../../../site-agent/cluster/port.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Random } from "../kernel/random.ts";
import type { Json } from "./server/frozen-json.ts";
import { namespaces } from "./server/resources.table.ts";

export interface KubectlOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly api: KubernetesApi;
}

const tries = 100;
const conflictTries = 5;

export class Kubectl {
  readonly #options: KubectlOptions;

  constructor(options: KubectlOptions) {
    this.#options = options;
  }

  async get(path: string): Promise<KubernetesAnswer> {
    return await this.#run({ method: "GET", path });
  }

  async create(collection: string, body: Json): Promise<KubernetesAnswer> {
    return await this.#run({ method: "POST", path: collection, body });
  }

  /** It may be there already. */
  async createNamespace(name: string): Promise<void> {
    await this.create(namespaces.collection, {
      apiVersion: namespaces.apiVersion,
      kind: namespaces.kind,
      metadata: { name },
    });
  }

  /** Creates it, or merges it into what is there. */
  async apply(collection: string, name: string, body: Json): Promise<KubernetesAnswer> {
    const made = await this.create(collection, body);
    return made.status === 409 ? await this.patch(`${collection}/${name}`, body) : made;
  }

  async patch(path: string, body: Json): Promise<KubernetesAnswer> {
    return await this.#run({ method: "PATCH", patch: "merge", path, body });
  }

  async delete(path: string): Promise<KubernetesAnswer> {
    return await this.#run({ method: "DELETE", path });
  }

  async #run(request: KubernetesRequest): Promise<KubernetesAnswer> {
    const { kernel, random, api } = this.#options;
    let conflicts = 0;
    for (let left = tries; left > 0; left -= 1) {
      const answer = await api.request(request);
      if (answer.ok) {
        const { status } = answer.value;
        const isConflict = status === 409 && request.method === "PATCH";
        conflicts += isConflict ? 1 : 0;
        const isWorthAnother = isConflict
          ? conflicts < conflictTries
          : status === 429 || status >= 500;
        if (!isWorthAnother) return answer.value;
      }
      await kernel.sleep(random.between(1_000, 4_000));
    }
    return { status: 503, body: undefined };
  }
}
