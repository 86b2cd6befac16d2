// A cluster of the simulated world: its API server as agents, people and other controllers reach it, with the time
// that a request takes and what goes wrong on the way.
import { err, ok } from "../../../shared/result.ts";
import type {
  KubernetesAnswer,
  KubernetesApi,
  KubernetesRequest,
} from "../../../site-agent/cluster/port.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Random } from "../kernel/random.ts";
import type { Happened, KubernetesObject } from "../world/events.ts";
import { Admission } from "./server/admission.ts";
import type { Caller, Review } from "./server/admission.ts";
import { ApiServer } from "./server/api-server.ts";
import { ClusterApi } from "./cluster-api.ts";
import { noFaults } from "./cluster-faults.ts";
import { Controllers } from "./server/controllers.ts";
import { Evictions } from "./server/evictions.ts";
import { ObjectStore } from "./server/object-store.ts";
import {
  hosts,
  isOfClusterApi,
  isOfOpenShift,
  namespaces,
  readPath,
  secrets,
} from "./server/resources.table.ts";
import type { Resource } from "./server/resources.table.ts";
import { refusal } from "./server/status-answers.ts";
import { secretsIn } from "./server/secrets-in.ts";
import { Watches } from "./server/watches.ts";

export interface SimulatedClusterOptions {
  readonly name: string;
  readonly kernel: Kernel;
  readonly random: Random;
  readonly tell: (happened: Happened) => void;
  readonly review: Review;
  /** The kinds of cluster-api are defined here, and its core is at work. */
  readonly hasClusterApi?: boolean;
  /** OpenShift's Machines are defined here, and Farrier keeps them. */
  readonly hasOpenShift?: boolean;
}

/** As the manifests give it to the cluster link. */
export const agentCaller: Caller = {
  by: "farrier",
  user: "system:serviceaccount:farrier-system:farrier-cluster-link",
};
const clusterApiCaller: Caller = {
  by: "cluster-api",
  user: "system:serviceaccount:capi-system:capi-manager",
};
/** With the kubeconfig of a workload cluster. */
export const workloadCaller: Caller = { by: "farrier", user: "kubernetes-admin of a workload" };
export const personCaller: Caller = { by: "kubectl", user: "kubernetes-admin" };

interface Line {
  readonly caller: Caller;
  readonly random: Random;
}

export class SimulatedCluster {
  readonly name: string;
  readonly hasOpenShift: boolean;
  readonly faults = noFaults();
  /** For agents. */
  readonly api: KubernetesApi;
  readonly #options: SimulatedClusterOptions;
  readonly #store: ObjectStore;
  readonly #server: ApiServer;
  readonly #watches: Watches;
  readonly #evictions: Evictions;
  /** Counts how often all connections broke. */
  #breaks = 0;
  #touches = 0;

  constructor(options: SimulatedClusterOptions) {
    const { name, kernel, random, tell } = options;
    const { faults } = this;
    this.hasOpenShift = options.hasOpenShift === true;
    const nowMs = (): number => kernel.nowMs();
    const store = new ObjectStore({
      nowMs,
      onChange: (change) => {
        const { path, verb, by, before, after } = change;
        tell({ kind: "object", cluster: name, path, verb, by, before, after });
        watches.onChange(change);
        controllers.onChange(change);
        if (options.hasClusterApi === true) clusterApi.onChange(change);
      },
    });
    const admission = new Admission({ ...options, random: random.split("admission"), faults });
    const ages = random.split("stale lists");
    const staleMs = (): number => ages.below(faults.staleListMs + 1);
    const server = new ApiServer({ name, store, admission, nowMs, tell, staleMs });
    const watches = new Watches({ kernel, random: random.split("watches"), store });
    const controllers = new Controllers({
      kernel,
      random: random.split("controllers"),
      store,
      server,
      isKnown: (resource) => this.hasOpenShift || !isOfOpenShift(resource),
      isDown: () => faults.unreachable,
    });
    this.name = name;
    this.#options = options;
    [this.#store, this.#server, this.#watches] = [store, server, watches];
    this.#evictions = new Evictions({ kernel, random: random.split("evictions"), server });
    this.api = this.apiAs(agentCaller);
    const clusterApi = new ClusterApi({
      kernel,
      random: random.split("cluster-api"),
      store,
      api: this.apiAs(clusterApiCaller),
    });
    this.#createNamespace("farrier-system");
  }

  /** Everything that it holds but Events, by path. */
  get objects(): ReadonlyMap<string, KubernetesObject> {
    return this.#store.objects;
  }

  /** The BareMetalHosts as they were so long ago, as far as that is remembered. */
  hostsAgo(ms: number): readonly KubernetesObject[] {
    return this.#store.listAt(hosts, this.#options.kernel.nowMs() - ms).items;
  }

  /** How somebody reaches the API server. The draws of one user disturb no other's. */
  apiAs(caller: Caller): KubernetesApi {
    const random = this.#options.random.split(`requests of ${caller.user}`);
    return {
      request: (request) => this.#request({ caller, random }, request),
      watch: (...watch) => this.#watch({ caller, random }, ...watch),
    };
  }

  heal(): void {
    Object.assign(this.faults, noFaults());
    this.widenWindow();
    this.endStall();
  }

  /** All watches break, and no request that is under way is answered. */
  disconnect(): void {
    this.#breaks += 1;
    this.#watches.breakAll();
  }

  /** Watches go on from the newest so many changes only, and tokens of lists are too old. */
  narrowWindow(changes: number): void {
    this.#store.keep(changes);
    this.#server.pages.expire();
    this.#watches.breakAll();
  }

  widenWindow(): void {
    this.#store.keep();
  }

  /** Nothing arrives at watches any more, though they stay open. */
  stall(): void {
    this.#watches.stall();
  }

  endStall(): void {
    this.#watches.endStall();
  }

  async #request(line: Line, request: KubernetesRequest): ReturnType<KubernetesApi["request"]> {
    const { kernel } = this.#options;
    const { faults } = this;
    const { random } = line;
    await kernel.sleep(random.between(1, 8));
    if (faults.unreachable) return unreachable();
    const breaks = this.#breaks;
    const answer = random.chance(faults.throttles) ? throttled : await this.#handle(line, request);
    await kernel.sleep(random.between(0, 7));
    const isLost = breaks !== this.#breaks || random.chance(faults.losesAnswers);
    return isLost ? unreachable() : ok(answer);
  }

  async #handle({ caller, random }: Line, request: KubernetesRequest): Promise<KubernetesAnswer> {
    const isWrite = request.method !== "GET";
    if (caller.by === "farrier" && isWrite && random.chance(this.faults.conflicts)) {
      await this.#touch(request.path, random);
    }
    if (!this.#isDefined(readPath(request.path)?.resource)) return refusal(404, "page not found");
    const evicted = this.hasOpenShift ? await this.#evictions.answer(caller, request) : undefined;
    const answer = evicted ?? (await this.#server.handle(caller, request));
    const isGiven = answer.status < 300 && readPath(request.path)?.resource === secrets;
    if (isGiven) this.#tellRead(caller, answer.body);
    return answer;
  }

  #isDefined(resource: Resource | undefined): boolean {
    const { hasClusterApi = false } = this.#options;
    if (resource === undefined) return true;
    if (isOfOpenShift(resource)) return this.hasOpenShift;
    return hasClusterApi || !isOfClusterApi(resource);
  }

  #tellRead({ by }: Caller, body: unknown): void {
    const { tell, name: cluster } = this.#options;
    for (const place of secretsIn(body)) tell({ kind: "secret-read", cluster, by, ...place });
  }

  /** Somebody else is faster: he leaves a note, or a finalizer for a moment, as a backup does. */
  async #touch(writtenPath: string, random: Random): Promise<void> {
    if (readPath(writtenPath)?.name === undefined) return;
    const path = writtenPath.replace(/(\/status)?(\?.*)?$/, "");
    this.#touches += 1;
    const name = `example.com/touched-${this.#touches}`;
    if (random.chance(0.5)) {
      await this.#finalize(path, (held) => [...held, name]);
      const heldMs = random.between(200, 1_500);
      this.#options.kernel.timer(heldMs, () => {
        void this.#finalize(path, (held) => held.filter((each) => each !== name));
      });
    } else {
      const annotations = { "example.com/touched": String(this.#touches) };
      await this.#merge(path, { annotations });
    }
  }

  async #finalize(
    path: string,
    change: (held: readonly string[]) => readonly string[],
  ): Promise<void> {
    for (let isDone = false; !isDone;) {
      const { finalizers = [], resourceVersion } = this.objects.get(path)?.metadata ?? {};
      if (resourceVersion === undefined) return;
      const changed = { finalizers: change(finalizers), resourceVersion };
      isDone = (await this.#merge(path, changed)).status !== 409;
    }
  }

  async #merge(path: string, metadata: object): Promise<KubernetesAnswer> {
    const body = { metadata };
    return await this.#server.handle(personCaller, { method: "PATCH", patch: "merge", path, body });
  }

  async #watch(
    { caller, random }: Line,
    ...[path, onEvent, signal]: Parameters<KubernetesApi["watch"]>
  ): ReturnType<KubernetesApi["watch"]> {
    await this.#options.kernel.sleep(random.between(1, 8), signal);
    if (this.faults.unreachable) return { status: 0, reason: "connection refused" };
    if (random.chance(this.faults.throttles)) return { status: 429, reason: "too many requests" };
    const target = readPath(path);
    if (target === undefined || !this.#isDefined(target.resource)) {
      return { status: 404, reason: "not found" };
    }
    const { name: cluster, tell } = this.#options;
    const watch = { kind: "watch", cluster, resource: target.resource.name } as const;
    tell({ ...watch, open: true });
    const onRead: typeof onEvent = (event) => {
      if (target.resource === secrets) this.#tellRead(caller, event.object);
      onEvent(event);
    };
    const end = await this.#watches.open({ target, onEvent: onRead, signal });
    tell({ ...watch, open: false });
    return end;
  }

  /** As infra/manifests/cluster-link.yaml does. */
  #createNamespace(name: string): void {
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    const path = namespaces.collection;
    void this.#server.handle(personCaller, { method: "POST", path, body });
  }
}

function unreachable() {
  return err("unreachable", "the API server cannot be reached");
}

/** Of API priority and fairness: a text, and no Status. */
const throttled: KubernetesAnswer = { status: 429, body: undefined };
