// A sequence of requests to a Kubernetes API, and what came of each without what differs from server to server: the
// real one and the one of the simulator must tell the same story.
import { join } from "node:path";
import { canonicalJson } from "../../shared/host/document/canonical-json.ts";
import type { KubernetesApi, KubernetesRequest } from "../../site-agent/cluster/port.ts";

export interface StoryWorld {
  /** As an administrator. */
  readonly api: KubernetesApi;
  readonly sleep: (ms: number) => Promise<void>;
}

export interface StoryObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface Seen {
  readonly step: string;
  readonly [fact: string]: unknown;
}

export const namespace = "story";
/** Before the first story. */
export const newNamespace = {
  method: "POST",
  path: "/api/v1/namespaces",
  body: { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
} as const;

/** What a real server answered. */
export function factsFile(story: string): string {
  return join(import.meta.dirname, "facts/api", `${story.replaceAll(" ", "-")}.jsonl`);
}

export const hosts = `/apis/metal3.io/v1alpha1/namespaces/${namespace}/baremetalhosts`;
export const secrets = `/api/v1/namespaces/${namespace}/secrets`;

export class Story {
  readonly seen: Seen[] = [];
  readonly #world: StoryWorld;
  readonly #versions = new Map<string, number>();

  constructor(world: StoryWorld) {
    this.#world = world;
  }

  /** Sends, notes what came, and gives the object that was answered. */
  async send(step: string, request: KubernetesRequest): Promise<StoryObject> {
    const answer = await this.#world.api.request(request);
    if (!answer.ok) throw new Error(`${step}: ${answer.error.message}`);
    const { status: code, body } = answer.value;
    const { reason, kind } = body as { reason?: string; kind?: string };
    const facts = code < 300 && kind !== "Status" ? this.factsOf(body as StoryObject) : {};
    this.seen.push({ step, code, ...(code < 300 ? {} : { reason }), ...facts });
    return body as StoryObject;
  }

  async create(step: string, collection: string, body: object): Promise<StoryObject> {
    return await this.send(step, { method: "POST", path: collection, body });
  }

  async get(path: string): Promise<StoryObject | undefined> {
    const answer = await this.#world.api.request({ method: "GET", path });
    if (!answer.ok) throw new Error(answer.error.message);
    return answer.value.status === 200 ? (answer.value.body as StoryObject) : undefined;
  }

  async patch(step: string, path: string, body: object): Promise<StoryObject> {
    return await this.send(step, { method: "PATCH", patch: "merge", path, body });
  }

  async put(step: string, path: string, body: object): Promise<StoryObject> {
    return await this.send(step, { method: "PUT", path, body });
  }

  async delete(step: string, path: string, body?: object): Promise<StoryObject> {
    return await this.send(step, { method: "DELETE", path, ...(body && { body }) });
  }

  /** Waits for the fact, which must come within a minute. */
  async until(step: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
    for (let left = 600; !(await isSo()); left -= 1) {
      if (left === 0) throw new Error(`${step}: has not come`);
      await this.#world.sleep(100);
    }
    this.seen.push({ step });
  }

  /** Follows until `finish`, which notes what came. */
  follow(step: string, path: string): { readonly events: unknown[]; finish(): Promise<void> } {
    const stop = new AbortController();
    const events: unknown[] = [];
    const ended = this.#world.api.watch(
      path,
      ({ type, object }) => {
        const { code } = object as { code?: number };
        const { metadata } = object as StoryObject;
        const { name, generation, finalizers, labels } = metadata;
        events.push(
          type === "ERROR" ? { type, code } : { type, name, generation, finalizers, labels },
        );
      },
      stop.signal,
    );
    return {
      events,
      finish: async () => {
        stop.abort();
        await ended;
        this.seen.push({ step, events });
      },
    };
  }

  /** One line a step, to compare and to keep. */
  get text(): string {
    return this.seen.map((step) => `${canonicalJson(step)}\n`).join("");
  }

  /** What is equal on every server. */
  factsOf({ metadata, spec, status, data }: StoryObject): object {
    const { name, uid, resourceVersion, generation, finalizers, labels, annotations } = metadata;
    const version = Number(resourceVersion);
    const before = this.#versions.get(uid) ?? 0;
    this.#versions.set(uid, Math.max(before, version));
    const isNewer = version > before;
    return {
      name,
      version: version === before ? "the same" : isNewer ? "newer" : "older",
      generation,
      finalizers,
      labels,
      annotations,
      isDeleting: metadata.deletionTimestamp !== undefined,
      graceSeconds: metadata["deletionGracePeriodSeconds"],
      spec,
      status,
      data,
    };
  }
}
