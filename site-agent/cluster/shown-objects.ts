// Objects as a watch has shown them, so that a write that is bound to a version need not read its object first. What
// was shown may be old: nothing but such a write follows from it.
import { z } from "zod";
import type { KubernetesAnswer, KubernetesApi, KubernetesRequest, WatchEvent } from "./port.ts";
import type { FeedResource } from "../../shared/protocol/feed.ts";
import type { NewestSeen } from "./newest-seen.ts";
import { hostPath, providerPath } from "./writes/write-attempt.ts";

const versioned = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string(),
    resourceVersion: z.string().regex(/^\d+$/),
  }),
});
type Versioned = z.infer<typeof versioned>;

const place = { namespace: "namespace", name: "name" };
/** Those that are written to again and again. */
const kept: ReadonlyMap<string, FeedResource> = new Map(
  (
    [
      [hostPath(place), "baremetalhosts"],
      ...(["metal3clusters", "metal3machines", "machines.machine.openshift.io"] as const).map(
        (resource) => [providerPath(resource, place), resource] as const,
      ),
    ] as const
  ).map(([path, resource]) => [collectionOf(path), resource]),
);

type Noted = Pick<NewestSeen, "note" | "sending">;
const nobody: Noted = { note: () => undefined, sending: () => () => undefined };

export class ShownObjects {
  private readonly byPath = new Map<string, Versioned>();
  private readonly newest: Noted;

  /** What is shown, or answered to a write, is not to be followed by an older list. */
  constructor(newest: Noted = nobody) {
    this.newest = newest;
  }

  /** The same API; what its watches bring is kept. */
  listeningTo(api: KubernetesApi): KubernetesApi {
    return {
      request: (request) => api.request(request),
      watch: (path, onEvent, signal) => {
        const [collection = ""] = path.split("?");
        if (!kept.has(collection)) return api.watch(path, onEvent, signal);
        const hear = (event: WatchEvent) => {
          this.hear(collection, event);
          onEvent(event);
        };
        return api.watch(path, hear, signal);
      },
    };
  }

  /** For one write: reads are answered with what was shown, where something was, unless that did not do. */
  over(api: KubernetesApi, reads: "shown" | "all" = "shown"): ShownApi {
    return new ShownApi(api, this, reads === "all");
  }

  at(path: string): Versioned | undefined {
    return this.byPath.get(path);
  }

  /** A newer form of the object at a path, as an answer of the API server has it. */
  note(path: string, object: unknown): void {
    const read = versioned.safeParse(object);
    const resource = kept.get(collectionOf(path));
    if (!read.success || resource === undefined) return;
    this.newest.note(resource, read.data.metadata.resourceVersion);
    const before = this.byPath.get(path);
    if (before !== undefined && versionOf(before) >= versionOf(read.data)) return;
    this.byPath.set(path, lean(read.data, path));
  }

  /** The object at a path is about to be written: to be called when the API server has said what came of it. */
  sending(path: string): () => void {
    const resource = kept.get(collectionOf(path));
    return resource === undefined ? () => undefined : this.newest.sending({ resource, path });
  }

  forget(path: string): void {
    this.byPath.delete(path);
  }

  private hear(collection: string, { type, object }: WatchEvent): void {
    const read = versioned.safeParse(object);
    if (!read.success) return;
    const { namespace, name } = read.data.metadata;
    const path = collection.replace(/\/([^/]*)$/, `/namespaces/${namespace}/$1/${name}`);
    if (type === "DELETED") this.forget(path);
    else if (type !== "BOOKMARK") this.note(path, read.data);
  }
}

class ShownApi implements KubernetesApi {
  /** A read was answered with what was shown, and no change was sent on its strength, or it was an old one. */
  isDoubtful = false;
  readonly watch: KubernetesApi["watch"];
  private readonly api: KubernetesApi;
  private readonly shown: ShownObjects;
  private readonly readsAll: boolean;
  /** What it was answered with, by path. */
  private readonly used = new Map<string, Versioned>();

  constructor(api: KubernetesApi, shown: ShownObjects, readsAll: boolean) {
    this.api = api;
    this.shown = shown;
    this.readsAll = readsAll;
    this.watch = (...args) => api.watch(...args);
  }

  async request(request: KubernetesRequest): ReturnType<KubernetesApi["request"]> {
    const path = objectPathOf(request.path);
    const isRead = request.method === "GET";
    const known = isRead && !this.readsAll ? this.shown.at(path) : undefined;
    if (known !== undefined) {
      this.isDoubtful = true;
      this.used.set(path, known);
      return { ok: true, value: { status: 200, body: known } };
    }
    const answered = isRead ? undefined : this.shown.sending(path);
    const answer = await this.api.request(request);
    if (answer.ok) this.heed(path, answer.value);
    if (answer.ok && answer.value.status < 500) answered?.();
    return answer;
  }

  /** The watch has shown another form meanwhile: whoever wrote it first is known. */
  hasNewer(): boolean {
    return [...this.used].some(([path, used]) => (this.shown.at(path) ?? used) !== used);
  }

  private heed(path: string, { status, body }: KubernetesAnswer): void {
    const isDone = status < 300;
    const used = this.used.get(path);
    if (isDone) this.shown.note(path, body);
    else if (used === undefined || this.shown.at(path) === used) this.shown.forget(path);
    this.isDoubtful = this.isDoubtful && !isDone;
  }
}

function collectionOf(path: string): string {
  return path.replace(/\/namespaces\/[^/]*\//, "/").replace(/\/[^/]*$/, "");
}

function objectPathOf(path: string): string {
  return (path.split("?")[0] ?? "").replace(/\/status$/, "");
}

function versionOf({ metadata }: Versioned): bigint {
  return BigInt(metadata.resourceVersion);
}

const anyStatus = z.looseObject({});

/** Less what no write reads: who wrote which field, and the inventory in a host's status. */
function lean({ metadata, ...object }: Versioned, path: string): Versioned {
  const { managedFields: _fields, ...rest } = metadata;
  if (!path.includes("/baremetalhosts/")) return { ...object, metadata: rest };
  const { conditions, lastUpdated } = anyStatus.safeParse(object["status"]).data ?? {};
  return { ...object, metadata: rest, status: { conditions, lastUpdated } };
}
