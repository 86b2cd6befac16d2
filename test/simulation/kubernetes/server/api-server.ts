// A kube-apiserver in memory: what it answers to whom, and what it stores. Answers at once, but for admission; time,
// outages and watches are simulated-cluster.ts and watches.ts.
import type { KubernetesAnswer, KubernetesRequest } from "../../../../site-agent/cluster/port.ts";
import type { Happened, KubernetesObject } from "../../world/events.ts";
import type { Admission, Caller, Verdict } from "./admission.ts";
import { isEqual, isObject, received } from "./frozen-json.ts";
import { ListPages } from "./list-pages.ts";
import { created, isReleased, markedDeleting, uidMismatch, updated } from "./object-rules.ts";
import type { Draft, ObjectStore } from "./object-store.ts";
import { namespaces, objectPath, readPath } from "./resources.table.ts";
import type { Resource, Target } from "./resources.table.ts";
import { selectorOf } from "./selectors.ts";
import { conflict, groupResource, modified, notFound, refusal } from "./status-answers.ts";

export interface ApiServerOptions {
  /** Of the cluster. */
  readonly name: string;
  readonly store: ObjectStore;
  readonly admission: Admission;
  readonly nowMs: () => number;
  readonly tell: (happened: Happened) => void;
  /** How old the state is that a list of an agent shows, ms; asked at each list. */
  readonly staleMs: () => number;
}

interface Write {
  readonly caller: Caller;
  readonly target: Target;
  readonly path: string;
  readonly name: string;
  readonly dryRun: boolean;
}

const unasked: Verdict = { isAsked: false, isAllowed: true, tookMs: undefined, refused: undefined };

export class ApiServer {
  readonly pages = new ListPages();
  readonly #options: ApiServerOptions;
  #uids = 0;

  constructor(options: ApiServerOptions) {
    this.#options = options;
  }

  async handle(caller: Caller, request: KubernetesRequest): Promise<KubernetesAnswer> {
    const target = readPath(request.path);
    if (target === undefined) {
      return refusal(404, "the server could not find the requested resource");
    }
    const { resource, namespace, query } = target;
    const { method, body } = request;
    const name = target.name ?? (method === "POST" ? nameOf(body) : undefined);
    if (name === undefined) {
      if (method === "GET") return this.#list(caller, target);
      return method === "POST" ? refusal(400, "metadata.name is missing") : notAllowed();
    }
    const path = objectPath(resource, namespace, name);
    const write: Write = { caller, target, path, name, dryRun: query.get("dryRun") === "All" };
    if (method === "POST") {
      return target.name === undefined ? await this.#create(write, body) : notAllowed();
    }
    if (method === "DELETE") return this.#delete(write, body);
    if (method !== "GET") return await this.#update(write, request);
    const found = this.#options.store.get(resource, path);
    return found === undefined ? notFound(resource, name) : { status: 200, body: found };
  }

  #list({ by }: Caller, target: Target): KubernetesAnswer {
    const { store, nowMs, staleMs } = this.#options;
    const { resource, namespace } = target;
    const selects = selectorOf(target);
    const ageMs = by === "farrier" ? staleMs() : 0;
    return this.pages.answer(target, nowMs(), () => {
      const { version, items } =
        ageMs > 0
          ? store.listAt(resource, nowMs() - ageMs)
          : { version: store.version, items: store.list(resource, namespace) };
      return { version, items: items.filter(selects) };
    });
  }

  async #create(write: Write, body: unknown): Promise<KubernetesAnswer> {
    const { store, admission, nowMs } = this.#options;
    const { caller, target, path, name, dryRun } = write;
    const { resource, namespace } = target;
    const sent = received(body);
    const noRoom = this.#noRoom(target, name);
    if (noRoom !== undefined || !isObject(sent)) return noRoom ?? refusal(400, "no object");
    const birth = { name, namespace, uid: this.#newUid(), atMs: nowMs() };
    const ruled = created(resource, sent, birth);
    if (!ruled.ok) return ruled.answer;
    const question = { caller, resource, object: ruled.draft, oldObject: undefined, dryRun };
    const verdict = await admission.judge(question);
    const isTaken = store.get(resource, path) !== undefined;
    this.#tellReview(write, verdict, !isTaken);
    if (verdict.refused !== undefined) return verdict.refused;
    if (isTaken) {
      return refusal(409, `${groupResource(resource)} "${name}" already exists`, "AlreadyExists");
    }
    if (dryRun) return { status: 201, body: ruled.draft };
    const written = { resource, path, by: caller.by, verb: "create" } as const;
    return { status: 201, body: store.put(written, ruled.draft) };
  }

  /** A namespace that is not there, or is going, takes nothing new. */
  #noRoom({ resource, namespace }: Target, name: string): KubernetesAnswer | undefined {
    if (!resource.isNamespaced) return undefined;
    if (namespace === undefined) return notAllowed();
    const path = objectPath(namespaces, undefined, namespace);
    const found = this.#options.store.get(namespaces, path);
    if (found === undefined) return notFound(namespaces, namespace);
    if (found.metadata.deletionTimestamp === undefined) return undefined;
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
    return refusal(403, `${groupResource(resource)} "${name}" is forbidden: ${why}`);
  }

  /** Made anew as often as somebody else writes while admission is asked. */
  async #update(write: Write, request: KubernetesRequest): Promise<KubernetesAnswer> {
    const { store, admission } = this.#options;
    const { caller, target, path, name, dryRun } = write;
    const { resource } = target;
    const sent = { ...request, body: received(request.body) };
    for (;;) {
      const before = store.get(resource, path);
      if (before === undefined) return notFound(resource, name);
      const ruled = updated(target, before, sent);
      if (!ruled.ok) return ruled.answer;
      const question = { caller, resource, object: ruled.draft, oldObject: before, dryRun };
      const verdict = target.isStatus ? unasked : await admission.judge(question);
      const isCurrent = store.get(resource, path) === before;
      this.#tellReview(write, verdict, isCurrent);
      if (verdict.refused !== undefined) return verdict.refused;
      if (!isCurrent) continue;
      if (dryRun) return { status: 200, body: ruled.draft };
      return { status: 200, body: this.#store(write, before, ruled.draft) };
    }
  }

  #store({ caller, target, path }: Write, before: KubernetesObject, draft: Draft): Draft {
    const { store } = this.#options;
    const { resource, isStatus } = target;
    const { by } = caller;
    if (isReleased(draft)) {
      store.remove({ resource, path, by });
      return draft;
    }
    // What changes nothing is not written, and has no new version.
    if (isEqual(draft, before)) return before;
    return store.put({ resource, path, by, verb: isStatus ? "status" : "update" }, draft);
  }

  #delete({ caller, target, path, name, dryRun }: Write, options: unknown): KubernetesAnswer {
    const { store, nowMs } = this.#options;
    const { resource } = target;
    const { by } = caller;
    const before = store.get(resource, path);
    if (before === undefined) return notFound(resource, name);
    const refused = refusedDeletion(resource, before, options);
    if (refused !== undefined) return refused;
    if (before.metadata.deletionTimestamp !== undefined) return { status: 200, body: before };
    const draft = markedDeleting(before, nowMs());
    if (!isReleased(draft)) {
      if (dryRun) return { status: 200, body: draft };
      return { status: 200, body: store.put({ resource, path, by, verb: "delete" }, draft) };
    }
    if (!dryRun) store.remove({ resource, path, by });
    return { status: 200, body: { kind: "Status", apiVersion: "v1", status: "Success" } };
  }

  #tellReview(
    write: Write,
    { isAsked, isAllowed, tookMs, refused }: Verdict,
    isFree: boolean,
  ): void {
    if (!isAsked) return;
    const { name: cluster, tell } = this.#options;
    const { path, dryRun } = write;
    const stored = refused === undefined && isFree && !dryRun;
    tell({ kind: "review", cluster, path, dryRun, allowed: isAllowed, stored, tookMs });
  }

  /** Version 4 in form, as Kubernetes' are; the cluster's name makes them differ between clusters. */
  #newUid(): string {
    this.#uids += 1;
    const tail = Buffer.from(this.#options.name).toString("hex").padStart(12, "0").slice(-12);
    return `${this.#uids.toString(16).padStart(8, "0")}-0000-4000-8000-${tail}`;
  }
}

function notAllowed(): KubernetesAnswer {
  return refusal(405, "the server does not allow this method on the requested resource");
}

function nameOf(sent: unknown): string | undefined {
  const { metadata } = (isObject(sent) ? sent : {}) as { metadata?: { name?: unknown } };
  return typeof metadata?.name === "string" ? metadata.name : undefined;
}

interface DeleteOptions {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: string;
}

function refusedDeletion(
  resource: Resource,
  { metadata }: KubernetesObject,
  given: unknown,
): KubernetesAnswer | undefined {
  const options: DeleteOptions = isObject(given) ? given : {};
  const { preconditions = {}, propagationPolicy = "Background" } = options;
  if (propagationPolicy !== "Background") {
    throw new Error(`the simulated API server cannot delete with ${propagationPolicy}`);
  }
  const { name, uid, resourceVersion } = metadata;
  const { uid: ofUid = uid, resourceVersion: ofVersion = resourceVersion } = preconditions;
  if (ofUid !== uid) return conflict(resource, name, uidMismatch(ofUid, uid));
  return ofVersion === resourceVersion ? undefined : conflict(resource, name, modified);
}
