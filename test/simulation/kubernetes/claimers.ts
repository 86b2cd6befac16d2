// Controllers that want machines, as Cluster API's machine controller of Metal3 does: they choose a host in a cache that
// is behind, write consumerRef, image and power bound to the version they saw, and give the host back in two steps. Well
// behaved: who may have a host already looks at the server before it takes another.
import type { Kernel } from "../kernel/kernel.ts";
import type { Random } from "../kernel/random.ts";
import type { KubernetesObject } from "../world/events.ts";
import type { Command } from "../workload/scenario.ts";
import type { Json } from "./server/frozen-json.ts";
import { hosts, objectPath } from "./server/resources.table.ts";
import type { SimulatedCluster } from "./simulated-cluster.ts";

type CommandOf<K extends Command["kind"]> = Extract<Command, { readonly kind: K }>;
type Outcome = "done" | "refused" | "unknown";

export interface ClaimersOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly cluster: SimulatedCluster;
}

const tries = 120;

export class Claimers {
  readonly #options: ClaimersOptions;
  readonly #mayHaveOne = new Set<string>();

  constructor(options: ClaimersOptions) {
    this.#options = options;
  }

  /** True: the claimer has a host. `image`: what spec.image becomes. */
  async claim(command: CommandOf<"claim">, image: Json): Promise<boolean> {
    const { namespace, claimer, staleMs } = command;
    const random = this.#options.random.split(`claim of ${claimer}`);
    for (let left = tries; left > 0; left -= 1) {
      const ownMs = this.#mayHaveOne.has(claimer) ? 0 : staleMs;
      if (this.#held(namespace, claimer, ownMs) !== undefined) return true;
      const free = this.#seen(namespace, staleMs).filter(isFree);
      if (free.length > 0) {
        const spec = { consumerRef: consumerRef(namespace, claimer), image, online: true };
        if ((await this.#write(claimer, random.pick(free), spec)) === "done") return true;
      }
      await this.#pause(random);
    }
    return false;
  }

  /** First the image, and when the host is clean, the mark. True: it was given back. */
  async release(command: CommandOf<"release">): Promise<boolean> {
    const { namespace, claimer, staleMs } = command;
    const random = this.#options.random.split(`release of ${claimer}`);
    for (let left = tries; left > 0; left -= 1) {
      const held = this.#held(namespace, claimer, staleMs);
      const spec = held === undefined ? undefined : nextOfRelease(held);
      if (held !== undefined && spec !== undefined) {
        const outcome = await this.#write(claimer, held, spec);
        if (outcome === "done" && "consumerRef" in spec) return true;
      }
      await this.#pause(random);
    }
    return false;
  }

  #seen(namespace: string, staleMs: number): readonly KubernetesObject[] {
    const all = this.#options.cluster.hostsAgo(staleMs);
    return all.filter(({ metadata }) => metadata.namespace === namespace);
  }

  #held(namespace: string, claimer: string, staleMs: number): KubernetesObject | undefined {
    return this.#seen(namespace, staleMs).find(
      (host) => specOf(host).consumerRef?.name === claimer,
    );
  }

  async #write(claimer: string, { metadata }: KubernetesObject, spec: Json): Promise<Outcome> {
    const { cluster } = this.#options;
    const { name, namespace, uid, resourceVersion } = metadata;
    const user = `system:serviceaccount:capm3-system:${claimer}`;
    const answer = await cluster.apiAs({ by: "claimer", user }).request({
      method: "PATCH",
      patch: "merge",
      path: objectPath(hosts, namespace, name),
      body: { metadata: { uid, resourceVersion }, spec },
    });
    const isDone = answer.ok && answer.value.status === 200;
    // Of a lost answer nobody knows, and one's own write is in no cache yet.
    if (!answer.ok || isDone) this.#mayHaveOne.add(claimer);
    if (!answer.ok) return "unknown";
    return isDone ? "done" : "refused";
  }

  async #pause(random: Random): Promise<void> {
    await this.#options.kernel.sleep(random.between(3_000, 15_000));
  }
}

interface Spec {
  readonly consumerRef?: { readonly name?: string };
  readonly image?: object;
  readonly externallyProvisioned?: boolean;
}

function specOf({ spec = {} }: KubernetesObject): Spec {
  return spec;
}

function stateOf({ status = {} }: KubernetesObject): string {
  const { provisioning } = status as { provisioning?: { readonly state?: string } };
  return provisioning?.state ?? "";
}

function isFree(host: KubernetesObject): boolean {
  const { annotations = {}, deletionTimestamp } = host.metadata;
  const { consumerRef: consumer, image, externallyProvisioned = false } = specOf(host);
  const isHeld = Object.keys(annotations).some((key) => key.startsWith("baremetalhost.metal3.io/"));
  const isWell = (host.status?.["errorMessage"] ?? "") === "" && deletionTimestamp === undefined;
  const isTaken = consumer !== undefined || image !== undefined || externallyProvisioned;
  return isWell && !isTaken && !isHeld && stateOf(host) === "available";
}

/** Undefined: it has to wait until the host is clean. */
function nextOfRelease(host: KubernetesObject): Json | undefined {
  if (specOf(host).image !== undefined) return { image: null, online: false };
  return ["available", ""].includes(stateOf(host)) ? { consumerRef: null } : undefined;
}

function consumerRef(namespace: string, name: string): Json {
  const apiVersion = "infrastructure.cluster.x-k8s.io/v1beta1";
  return { apiVersion, kind: "Metal3Machine", namespace, name };
}
