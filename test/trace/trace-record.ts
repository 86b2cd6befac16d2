// What passed at the borders of one run, in order, and the taps that write it down: at the hub's HTTP and socket, in
// the logs, at Kubernetes. Changes nothing of what passes.
import { sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../../control-plane/store/database.ts";
import { readRows } from "../../control-plane/store/database.ts";
import { feedBatch, feedResource, secretsBody } from "../../shared/protocol/feed.ts";
import type { FeedBatch, FeedResource } from "../../shared/protocol/feed.ts";
import { delivery, fromAgent, toAgent } from "../../shared/protocol/frames.ts";
import type { Delivery } from "../../shared/protocol/frames.ts";
import type { Observation } from "../../shared/protocol/observation.ts";
import type { SecretFact } from "../../shared/protocol/facts/secret-fact.ts";
import { ok } from "../../shared/result.ts";
import type { KubernetesRequest } from "../../site-agent/cluster/port.ts";
import type { Duplex, HttpRequest, HttpResponse, Log, LogFields } from "../../site-agent/ports.ts";
import { FakeKubernetes } from "../support/fake-kubernetes.ts";
import type { WebServer } from "../support/memory-network.ts";

/** What one decision left in the tables. */
export interface Committed {
  readonly version: number;
  readonly wakeAtMs: number | undefined;
  readonly rows: readonly {
    readonly id: string;
    readonly link: string;
    readonly delivery: Delivery;
  }[];
}

export type TraceRecord = { readonly atMs: number } & (
  | {
      readonly kind: "admission";
      readonly object: string;
      readonly allowed: boolean;
      readonly answer: readonly string[];
    }
  | {
      readonly kind: "feed";
      readonly resource: FeedResource;
      readonly batch: FeedBatch;
      status?: number;
      cursor?: string;
    }
  | { readonly kind: "secrets"; readonly facts: readonly SecretFact[]; status?: number }
  | { readonly kind: "decision"; readonly fields: LogFields; committed?: Committed }
  | {
      readonly kind: "delivered";
      readonly items: readonly { readonly id: string; readonly delivery: Delivery }[];
    }
  | { readonly kind: "observations"; readonly items: readonly Observation[] }
  | {
      readonly kind: "kubernetes-write";
      readonly request: KubernetesRequest;
      readonly status: number;
    }
  | {
      readonly kind: "site";
      readonly who: "agent" | "machine" | "ramdisk";
      readonly what: string;
      readonly fields: LogFields;
    }
);

const answerBody = z.looseObject({ cursor: z.string().optional() });
const committedRow = z.object({
  version: z.coerce.number(),
  wake_at: z.coerce.number().nullable(),
  rows: z.array(z.object({ id: z.string(), link: z.string(), delivery })),
});

export class TraceRecorder {
  readonly records: TraceRecord[] = [];
  /** Resource versions that came from write-backs, and not from a user. */
  readonly ownVersions = new Set<string>();
  readonly kubernetes: FakeKubernetes;
  readonly #nowMs: () => number;
  readonly #database: Database;
  #lastRow = 0;

  constructor(nowMs: () => number, database: Database) {
    this.#nowMs = nowMs;
    this.#database = database;
    this.kubernetes = new TracedKubernetes(
      (request, status) => this.add({ kind: "kubernetes-write", request, status }),
      (version) => this.ownVersions.add(version),
    );
  }

  add(record: DistributiveOmit<TraceRecord, "atMs">): TraceRecord {
    const whole = { atMs: this.#nowMs(), ...record } as TraceRecord;
    this.records.push(whole);
    return whole;
  }

  readonly hubLog: Log = logOf((message, fields) => {
    if (message !== "decided") return;
    const record = this.add({ kind: "decision", fields });
    if (record.kind === "decision") void this.#readCommitted(record);
  });

  readonly agentLog: Log = this.siteLog("agent");

  siteLog(who: "agent" | "ramdisk"): Log {
    return logOf((what, fields) => void this.add({ kind: "site", who, what, fields }));
  }

  hub(server: WebServer): WebServer {
    return {
      http: {
        request: async (request) => {
          const record = this.#recordPost(request);
          const answer = await server.http.request(request);
          if (!answer.ok || record === undefined) return answer;
          const [text, copy] = await readAnswer(answer.value);
          record(copy.status, text);
          return ok(copy);
        },
      },
      duplexes: {
        connect: async (request) => {
          const opened = await server.duplexes?.connect(request);
          if (opened === undefined) throw new Error("this hub has no sockets");
          return opened.ok ? ok(this.#tapped(opened.value)) : opened;
        },
      },
    };
  }

  /** What to call with the answer. */
  #recordPost({ url, body }: HttpRequest): ((status: number, text: string) => void) | undefined {
    const { pathname } = new URL(url);
    const [, , , what, name] = pathname.split("/");
    const sent: unknown =
      body === undefined ? undefined : JSON.parse(new TextDecoder().decode(body));
    if (what === "secrets") {
      const record = this.add({ kind: "secrets", facts: secretsBody.parse(sent).facts });
      return (status) => Object.assign(record, { status });
    }
    const resource = feedResource.safeParse(name);
    if (what !== "feed" || !resource.success) return undefined;
    const batch = feedBatch.parse(sent);
    if (batch.kind === "watch" && batch.fromResourceVersion === "?") return undefined;
    const record = this.add({ kind: "feed", resource: resource.data, batch });
    return (status, text) =>
      Object.assign(record, { status, cursor: answerBody.parse(JSON.parse(text)).cursor });
  }

  #tapped(duplex: Duplex): Duplex {
    return {
      send: (text) => {
        const frame = fromAgent.parse(JSON.parse(text));
        if (frame.type === "observations") this.add({ kind: "observations", items: frame.items });
        return duplex.send(text);
      },
      close: (code, reason) => duplex.close(code, reason),
      onClose: (handle) => duplex.onClose(handle),
      onMessage: (handle) =>
        duplex.onMessage((text) => {
          const frame = toAgent.parse(JSON.parse(text));
          if (frame.type === "deliveries") this.add({ kind: "delivered", items: frame.items });
          handle(text);
        }),
    };
  }

  /** Is there before the clock moves on: the database knows no threads. */
  async #readCommitted(record: Extract<TraceRecord, { kind: "decision" }>): Promise<void> {
    const uid = String(record.fields["uid"]);
    const statement = sql`
      SELECT version, wake_at, (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
          'id', id::text, 'link', link, 'delivery', delivery) ORDER BY id), '[]')
        FROM outbox WHERE host_uid = hosts.uid AND id > ${this.#lastRow}::bigint
      ) AS rows
      FROM hosts WHERE uid = ${uid}`;
    const [row] = await readRows(this.#database, committedRow, statement);
    if (row === undefined) return;
    this.#lastRow = Math.max(this.#lastRow, ...row.rows.map(({ id }) => Number(id)));
    const { version, wake_at: wakeAtMs, rows } = row;
    record.committed = { version, wakeAtMs: wakeAtMs ?? undefined, rows };
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function logOf(tell: (message: string, fields: LogFields) => void): Log {
  const log: Log["info"] = (message, fields = {}) => tell(message, fields);
  return { info: log, warn: log, error: log };
}

async function readAnswer(response: HttpResponse): Promise<[text: string, copy: HttpResponse]> {
  const items: Uint8Array[] = [];
  for await (const item of response.body) if (item.ok) items.push(item.value);
  const copy = {
    ...response,
    body: (async function* () {
      for (const item of items) yield ok(item);
    })(),
  };
  return [Buffer.concat(items).toString(), copy];
}

class TracedKubernetes extends FakeKubernetes {
  readonly #wrote: (request: KubernetesRequest, status: number) => void;
  readonly #ownVersion: (version: string) => void;

  constructor(
    wrote: (request: KubernetesRequest, status: number) => void,
    ownVersion: (version: string) => void,
  ) {
    super();
    this.#wrote = wrote;
    this.#ownVersion = ownVersion;
  }

  override async request(request: KubernetesRequest) {
    const answer = await super.request(request);
    if (request.method === "GET" || !answer.ok) return answer;
    this.#wrote(request, answer.value.status);
    const { metadata } = (answer.value.body ?? {}) as { metadata?: { resourceVersion?: string } };
    if (metadata?.resourceVersion !== undefined) this.#ownVersion(metadata.resourceVersion);
    return answer;
  }
}
