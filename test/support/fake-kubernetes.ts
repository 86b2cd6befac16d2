// A Kubernetes API in memory, as much of it as the cluster link asks for: objects with resource versions, merge
// patches, apply on status, watches with bookmarks and a window, list pages.
import { err, ok } from "../../shared/result.ts";
import type {
  KubernetesApi,
  KubernetesRequest,
  WatchEvent,
} from "../../site-agent/cluster/port.ts";

export interface FakeObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    uid: string;
    resourceVersion: string;
    [field: string]: unknown;
  };
  [field: string]: unknown;
}

interface Watcher {
  readonly collection: string;
  readonly onEvent: (event: WatchEvent) => void;
  readonly end: (status: number) => void;
}

export class FakeKubernetes implements KubernetesApi {
  /** By path. */
  readonly objects = new Map<string, FakeObject>();
  readonly requests: KubernetesRequest[] = [];
  /** Watches that ask for an older version than this are refused with 410. */
  oldestVersion = 0;
  /** Asked before each request: a status is the answer, and nothing happens. */
  refuse: (request: KubernetesRequest) => number | "unreachable" | undefined = () => undefined;
  private version = 100;
  private readonly history: { collection: string; version: number; event: WatchEvent }[] = [];
  private readonly watchers = new Set<Watcher>();

  put(
    path: string,
    object: Omit<FakeObject, "metadata"> & { metadata: Record<string, unknown> },
  ): FakeObject {
    const before = this.objects.get(path);
    this.version += 1;
    const stored = {
      ...object,
      metadata: { uid: `uid-${path}`, ...object.metadata, resourceVersion: String(this.version) },
    } as FakeObject;
    this.objects.set(path, stored);
    this.emit(path, { type: before === undefined ? "ADDED" : "MODIFIED", object: stored });
    return stored;
  }

  remove(path: string): void {
    const object = this.objects.get(path);
    if (object === undefined) return;
    this.version += 1;
    this.objects.delete(path);
    const last = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(this.version) },
    };
    this.emit(path, { type: "DELETED", object: last });
  }

  bookmark(collection: string): void {
    this.version += 1;
    const event = {
      type: "BOOKMARK",
      object: { metadata: { resourceVersion: String(this.version) } },
    };
    for (const watcher of this.watchers)
      if (watcher.collection === collection) watcher.onEvent(event);
  }

  /** Ends all watches, as a restart of the server does. */
  disconnect(): void {
    for (const watcher of this.watchers) watcher.end(0);
  }

  async request(request: KubernetesRequest) {
    this.requests.push(request);
    const refused = this.refuse(request);
    if (refused === "unreachable") return err(refused, "the API server cannot be reached");
    if (refused !== undefined) return ok({ status: refused, body: { message: "refused" } });
    const [path = "", query = ""] = request.path.split("?");
    if (request.method === "GET" && isCollection(path)) {
      return ok(this.list(path, new URLSearchParams(query)));
    }
    return ok(this.change(path, request));
  }

  watch(path: string, onEvent: (event: WatchEvent) => void, signal: AbortSignal) {
    const [bare = "", query = ""] = path.split("?");
    const from = Number(new URLSearchParams(query).get("resourceVersion") ?? "0");
    return new Promise<{ status: number; reason: string }>((resolve) => {
      if (from < this.oldestVersion) return resolve({ status: 410, reason: "too old" });
      const collection = collectionOf(bare);
      for (const past of this.history) {
        if (past.collection === collection && past.version > from) onEvent(past.event);
      }
      const watcher: Watcher = {
        collection,
        onEvent,
        end: (status) => {
          this.watchers.delete(watcher);
          resolve({ status, reason: "closed" });
        },
      };
      this.watchers.add(watcher);
      signal.addEventListener("abort", () => watcher.end(0), { once: true });
    });
  }

  private emit(path: string, event: WatchEvent): void {
    const collection = collectionOf(path.slice(0, path.lastIndexOf("/")));
    this.history.push({ collection, version: this.version, event });
    for (const watcher of this.watchers)
      if (watcher.collection === collection) watcher.onEvent(event);
  }

  private list(path: string, query: URLSearchParams) {
    const collection = collectionOf(path);
    const all = [...this.objects]
      .filter(([key]) => collectionOf(key.slice(0, key.lastIndexOf("/"))) === collection)
      .map(([, object]) => object);
    const start = Number(query.get("continue") ?? "0");
    const end = start + Number(query.get("limit") ?? "500");
    const more = end < all.length ? { continue: String(end) } : {};
    const metadata = { resourceVersion: String(this.version), ...more };
    return { status: 200, body: { metadata, items: all.slice(start, end) } };
  }

  private change(path: string, request: KubernetesRequest): { status: number; body: unknown } {
    const bare = path.replace(/\/status$/, "");
    const object = this.objects.get(bare);
    if (request.method === "POST") return this.create(path, request.body as FakeObject);
    if (object === undefined) return { status: 404, body: { message: "not found" } };
    if (request.method === "GET") return { status: 200, body: object };
    if (request.method === "DELETE") return this.delete(bare, object, request.body);
    const body = request.body as { metadata?: { uid?: string; resourceVersion?: string } };
    const { uid, resourceVersion } = body.metadata ?? {};
    const conflict =
      (uid !== undefined && uid !== object.metadata.uid) ||
      (resourceVersion !== undefined && resourceVersion !== object.metadata.resourceVersion);
    if (conflict) return { status: 409, body: { message: "the object has been modified" } };
    // Replacing the status leaves everything else as it is (status is a subresource).
    const wanted =
      request.method === "PUT"
        ? { ...object, status: (body as { status?: unknown }).status }
        : (mergePatch(object, body) as FakeObject);
    const changed = this.put(bare, wanted);
    if (isReleased(changed)) this.remove(bare);
    return { status: 200, body: changed };
  }

  /** With finalizers left it only begins. */
  private delete(path: string, object: FakeObject, options: unknown) {
    const { preconditions = {} } = (options ?? {}) as {
      preconditions?: { uid?: string; resourceVersion?: string };
    };
    const { uid, resourceVersion } = object.metadata;
    if (
      (preconditions.uid ?? uid) !== uid ||
      (preconditions.resourceVersion ?? resourceVersion) !== resourceVersion
    ) {
      return { status: 409, body: { message: "the precondition does not hold" } };
    }
    const deletionTimestamp = "2026-11-01T12:00:00Z";
    const metadata = { ...object.metadata, deletionTimestamp };
    if (isReleased({ ...object, metadata })) this.remove(path);
    else this.put(path, { ...object, metadata });
    return { status: 200, body: {} };
  }

  private create(collection: string, object: FakeObject) {
    const path = `${collection}/${object.metadata.name}`;
    if (this.objects.has(path)) return { status: 409, body: { message: "already exists" } };
    return { status: 201, body: this.put(path, object) };
  }
}

/** All namespaces of a resource are one collection: ".../namespaces/x/secrets" is "secrets". */
function collectionOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Below /api/v1 and /apis/GROUP/VERSION come pairs of a resource and a name; a collection has no name. */
function isCollection(path: string): boolean {
  const below = path.replace(/^\/(?:api\/[^/]+|apis\/[^/]+\/[^/]+)\//, "");
  return below.split("/").length % 2 === 1;
}

function isReleased({ metadata }: FakeObject): boolean {
  const finalizers = metadata["finalizers"];
  const isHeld = Array.isArray(finalizers) && finalizers.length > 0;
  return metadata["deletionTimestamp"] !== undefined && !isHeld;
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> = { ...(target as Record<string, unknown> | undefined) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}
