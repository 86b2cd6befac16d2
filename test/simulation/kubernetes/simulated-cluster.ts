// An API server of the simulated world, as agents see it and as kubectl does. What it stores it tells. Writes of
// BareMetalHosts by people pass the control plane's webhook first, as failurePolicy Ignore has it.
import { err } from "../../../shared/result.ts";
import type { KubernetesApi, KubernetesRequest } from "../../../site-agent/cluster/port.ts";
import { FakeKubernetes } from "../../support/fake-kubernetes.ts";
import type { FakeObject } from "../../support/fake-kubernetes.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Random } from "../kernel/random.ts";
import type { Happened, KubernetesObject } from "../world/events.ts";

type By = "kubectl" | "farrier" | "claimer" | "garbage collector";

/** Posts an AdmissionReview; undefined: no answer came in time. */
export type Review = (body: object) => Promise<ReviewResponse | undefined>;

export interface ReviewResponse {
  readonly allowed: boolean;
}

export interface ClusterFaults {
  unreachable: boolean;
  webhookUnreachable: boolean;
  /** Of each write of the agent: to be answered 409. */
  conflicts: number;
  /** Of each request of the agent: to be answered 429. */
  throttles: number;
}

export interface SimulatedClusterOptions {
  readonly name: string;
  readonly kernel: Kernel;
  readonly random: Random;
  readonly tell: (happened: Happened) => void;
  readonly review: Review;
}

const hosts = "/apis/metal3.io/v1alpha1/namespaces";

export class SimulatedCluster {
  readonly name: string;
  readonly faults: ClusterFaults = {
    unreachable: false,
    webhookUnreachable: false,
    conflicts: 0,
    throttles: 0,
  };
  /** For agents. */
  readonly api: KubernetesApi;
  readonly #store: ToldKubernetes;
  readonly #options: SimulatedClusterOptions;
  #uids = 0;

  constructor(options: SimulatedClusterOptions) {
    this.#options = options;
    this.name = options.name;
    this.#store = new ToldKubernetes(options);
    this.api = {
      request: (request) => this.#request(request),
      watch: (path, onEvent, signal) => this.#store.watch(path, onEvent, signal),
    };
  }

  get objects(): ReadonlyMap<string, KubernetesObject> {
    return this.#store.objects as ReadonlyMap<string, KubernetesObject>;
  }

  heal(): void {
    Object.assign(this.faults, {
      unreachable: false,
      webhookUnreachable: false,
      conflicts: 0,
      throttles: 0,
    });
    this.#store.oldestVersion = 0;
  }

  /** All watches end. */
  disconnect(): void {
    this.#store.disconnect();
  }

  /** Watches from before now are refused. */
  forgetHistory(): void {
    this.#store.oldestVersion = Number.MAX_SAFE_INTEGER;
    this.#store.disconnect();
    const last = Math.max(
      0,
      ...[...this.objects.values()].map(({ metadata }) => Number(metadata.resourceVersion)),
    );
    this.#store.oldestVersion = last;
  }

  bookmark(): void {
    for (const collection of ["baremetalhosts", "hardwaredata", "namespaces"]) {
      this.#store.bookmark(collection);
    }
  }

  createNamespace(name: string): void {
    this.#put("kubectl", `/api/v1/namespaces/${name}`, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name },
    });
  }

  putSecret(namespace: string, name: string, content: Readonly<Record<string, string>>): void {
    const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
    const before = this.objects.get(path);
    const data = Object.fromEntries(
      Object.entries(content).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
    );
    const metadata = before?.metadata ?? { name, namespace };
    this.#put("kubectl", path, { apiVersion: "v1", kind: "Secret", ...before, metadata, data });
  }

  deleteSecret(namespace: string, name: string): void {
    this.#remove("kubectl", `/api/v1/namespaces/${namespace}/secrets/${name}`);
  }

  host(namespace: string, name: string): KubernetesObject | undefined {
    return this.objects.get(`${hosts}/${namespace}/baremetalhosts/${name}`);
  }

  async createHost(
    namespace: string,
    name: string,
    {
      spec,
      ...more
    }: { readonly spec: object; readonly annotations?: object; readonly labels?: object },
  ): Promise<void> {
    const object = {
      apiVersion: "metal3.io/v1alpha1",
      kind: "BareMetalHost",
      metadata: { name, namespace, generation: 1, ...more },
      spec,
    };
    await this.#write(`${hosts}/${namespace}/baremetalhosts/${name}`, object, undefined);
  }

  /** False: there is no such host. As kubectl does, reads and writes again after a conflict. */
  async changeHost(
    namespace: string,
    name: string,
    { change, mode = "write" }: HostChange,
  ): Promise<boolean> {
    const path = `${hosts}/${namespace}/baremetalhosts/${name}`;
    const before = this.objects.get(path);
    if (before === undefined) return false;
    const after = change(structuredClone(before) as FakeObject);
    await this.#write(path, after, before, mode);
    return true;
  }

  async deleteHost(namespace: string, name: string): Promise<void> {
    const path = `${hosts}/${namespace}/baremetalhosts/${name}`;
    const before = this.objects.get(path);
    if (before === undefined || before.metadata.deletionTimestamp !== undefined) return;
    const allowed = await this.#review("DELETE", before, before);
    const now = this.objects.get(path);
    if (!allowed || now === undefined) return;
    const { kernel } = this.#options;
    const deletionTimestamp = new Date(kernel.nowMs()).toISOString();
    const after = { ...now, metadata: { ...now.metadata, deletionTimestamp } };
    if ((now.metadata.finalizers ?? []).length === 0) this.#remove("kubectl", path);
    else this.#put("kubectl", path, after, "delete");
  }

  async #write(
    path: string,
    wanted: object,
    before: KubernetesObject | undefined,
    mode: "write" | "dry run" | "refused later" = "write",
  ): Promise<void> {
    for (let left = 5; left > 0; left -= 1) {
      const after = this.#completed(wanted as FakeObject, before);
      const kind = before === undefined ? "CREATE" : "UPDATE";
      const allowed = await this.#review(kind, after, before, mode === "dry run");
      const isStored = allowed && mode === "write";
      this.#tellReview(path, { allowed, isStored, dryRun: mode === "dry run" });
      if (!isStored) return;
      const isCurrent =
        this.objects.get(path)?.metadata.resourceVersion === before?.metadata.resourceVersion;
      if (!isCurrent) {
        // Written in the meantime; the change is made anew by whoever calls, as kubectl patch does at the server.
        const now = this.objects.get(path);
        if (now === undefined || before === undefined) return;
        const { spec, metadata } = wanted as FakeObject;
        const { annotations, finalizers } = metadata;
        const merged = { ...now.metadata, annotations, finalizers };
        return this.#finish(path, { ...now, spec, metadata: merged } as FakeObject, now);
      }
      return this.#finish(path, after, before);
    }
  }

  #finish(path: string, after: FakeObject, before: KubernetesObject | undefined): void {
    const verb = before === undefined ? "create" : "update";
    const isReleased =
      after.metadata["deletionTimestamp"] !== undefined &&
      ((after.metadata["finalizers"] as readonly string[] | undefined) ?? []).length === 0;
    if (isReleased) this.#remove("kubectl", path);
    else this.#put("kubectl", path, this.#completed(after, before), verb);
  }

  /** generation rises with the spec. */
  #completed(object: FakeObject, before: KubernetesObject | undefined): FakeObject {
    if (before === undefined) return object;
    const isSame = JSON.stringify(object["spec"]) === JSON.stringify(before.spec);
    const generation = (before.metadata.generation ?? 1) + (isSame ? 0 : 1);
    return { ...object, metadata: { ...object.metadata, generation } };
  }

  #tellReview(
    path: string,
    seen: { readonly allowed: boolean; readonly isStored: boolean; readonly dryRun: boolean },
  ): void {
    const { allowed, isStored: stored, dryRun } = seen;
    this.#options.tell({ kind: "review", cluster: this.name, path, dryRun, allowed, stored });
  }

  async #review(
    operation: string,
    object: object,
    oldObject: object | undefined,
    dryRun = false,
  ): Promise<boolean> {
    const { kernel, random, review } = this.#options;
    await kernel.sleep(random.between(2, 20));
    if (this.faults.webhookUnreachable) return true;
    const kind = { group: "metal3.io", version: "v1alpha1", kind: "BareMetalHost" };
    const { name, namespace } = (object as FakeObject).metadata;
    const answer = await review({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: {
        uid: `review-${random.next()}`,
        kind,
        resource: { group: "metal3.io", version: "v1alpha1", resource: "baremetalhosts" },
        requestKind: kind,
        operation,
        name,
        namespace,
        userInfo: { username: "kubernetes-admin" },
        object: operation === "DELETE" ? null : object,
        oldObject: oldObject ?? null,
        dryRun,
      },
    });
    return answer?.allowed ?? true;
  }

  #put(
    by: By,
    path: string,
    object: object,
    verb: "create" | "update" | "delete" = "update",
  ): void {
    this.#store.by = by;
    this.#store.verb = verb;
    const { metadata } = object as FakeObject;
    const isNew = !this.objects.has(path);
    if (isNew) this.#uids += 1;
    const created = new Date(this.#options.kernel.nowMs()).toISOString();
    const uid = isNew ? { uid: uidOf(this.name, this.#uids), creationTimestamp: created } : {};
    this.#store.put(path, { ...object, metadata: { ...metadata, ...uid } });
  }

  #remove(by: By, path: string): void {
    this.#store.by = by;
    this.#store.remove(path);
  }

  async #request(request: KubernetesRequest) {
    const { kernel, random } = this.#options;
    await kernel.sleep(random.between(1, 15));
    if (this.faults.unreachable) return err("unreachable", "the API server cannot be reached");
    const isWrite = request.method !== "GET";
    this.#store.refuse = () =>
      random.chance(this.faults.throttles)
        ? 429
        : isWrite && random.chance(this.faults.conflicts)
          ? 409
          : undefined;
    this.#store.by = "farrier";
    this.#store.verb = /\/status(\?|$)/.test(request.path) ? "status" : "update";
    return await this.#store.request(request);
  }
}

export interface HostChange {
  /** Changes a copy. */
  readonly change: (object: FakeObject) => FakeObject;
  readonly mode?: "write" | "dry run" | "refused later";
}

/** Version 4 in form, as Kubernetes' are. */
function uidOf(cluster: string, number: number): string {
  const tail = Buffer.from(cluster).toString("hex").padStart(12, "0").slice(-12);
  return `${number.toString(16).padStart(8, "0")}-0000-4000-8000-${tail}`;
}

class ToldKubernetes extends FakeKubernetes {
  by: By = "kubectl";
  verb: "create" | "update" | "status" | "delete" = "update";
  readonly #cluster: string;
  readonly #tell: (happened: Happened) => void;

  constructor({ name, tell }: Pick<SimulatedClusterOptions, "name" | "tell">) {
    super();
    this.#cluster = name;
    this.#tell = tell;
  }

  override put(path: string, object: Parameters<FakeKubernetes["put"]>[1]): FakeObject {
    const before = this.objects.get(path);
    const after = super.put(path, object);
    const verb = before === undefined ? "create" : this.verb;
    this.#object(path, verb, { before, after });
    this.requests.length = 0;
    return after;
  }

  override remove(path: string): void {
    const before = this.objects.get(path);
    super.remove(path);
    if (before !== undefined) this.#object(path, "gone", { before, after: before });
  }

  #object(
    path: string,
    verb: "create" | "update" | "status" | "delete" | "gone",
    { before, after }: { readonly before: FakeObject | undefined; readonly after: FakeObject },
  ): void {
    this.#tell({
      kind: "object",
      cluster: this.#cluster,
      path,
      verb,
      by: this.by,
      before: before as KubernetesObject | undefined,
      after: after as KubernetesObject,
    });
  }
}
