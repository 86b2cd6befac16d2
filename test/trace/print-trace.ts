// A trace as text: a block for each hop, in the order in which things happened. What only shows progress (a status
// or an Event is written, the watch brings it back, nothing else follows) is counted and not shown.
import { z } from "zod";
import type { Delivery } from "../../shared/protocol/frames.ts";
import {
  describeBatch,
  describeDelivery,
  describeFact,
  describeObservation,
  describeRequest,
  describeSite,
} from "./describe.ts";
import type { Trace } from "./run-trace.ts";
import { TracePage } from "./trace-page.ts";
import type { BlockLine } from "./trace-page.ts";
import type { TraceRecord } from "./trace-record.ts";

type RecordOf<K extends TraceRecord["kind"]> = Extract<TraceRecord, { kind: K }>;

/** The log line of a decision, as far as it is shown. */
const decidedFields = z.looseObject({
  state: z.string(),
  from: z.string().optional(),
  next: z.string(),
  wakeInMs: z.number().optional(),
  reason: z.string(),
  because: z.string(),
});

export function printTrace(trace: Trace): string {
  const printer = new Printer(trace);
  for (const record of trace.records) printer.take(record);
  return printer.finish();
}

/** The machine's work for one operation, collected until it ends. */
interface Work {
  readonly atMs: number;
  readonly operation: Extract<Delivery, { kind: "operation" }>["operation"] | undefined;
  readonly lines: string[];
}

class Printer {
  readonly #trace: Trace;
  readonly #page: TracePage;
  /** What came up and was not decided about yet. */
  #feeds: RecordOf<"feed">[] = [];
  #secrets: RecordOf<"secrets">[] = [];
  #observations: RecordOf<"observations">[] = [];
  #writes: RecordOf<"kubernetes-write">[] = [];
  #work: Work | undefined;
  /** Outbox rows of decisions that are shown. */
  readonly #shownRows = new Set<string>();
  /** Whether the newest frame had rows for Kubernetes that are shown. */
  #showsWrites = false;
  #quiet = 0;
  #settled = false;
  /** What the next decision is about, for its "in". */
  #news: string[] = [];

  constructor(trace: Trace) {
    this.#trace = trace;
    const { uid, name } = trace.input.host.metadata;
    this.#page = new TracePage(trace.appliedAtMs, (line) => line.replaceAll(String(uid), name));
    this.#open();
  }

  take(record: TraceRecord): void {
    if (record.kind !== "kubernetes-write") this.#showWrites();
    switch (record.kind) {
      case "admission":
        return this.#admission(record);
      case "feed":
        return void this.#feeds.push(record);
      case "secrets":
        return void this.#secrets.push(record);
      case "observations":
        return void this.#observations.push(record);
      case "decision":
        return this.#decision(record);
      case "delivered":
        return this.#delivered(record);
      case "kubernetes-write":
        return void this.#writes.push(record);
      case "site":
        return this.#site(record);
    }
  }

  finish(): string {
    this.#showQuiet();
    this.#showObservations();
    this.#showWork("");
    const { state, errorMessage, settled } = this.#trace.end;
    const problem = errorMessage === "" ? "" : ` Its error: ${errorMessage}`;
    this.#page.paragraph(
      state === ""
        ? "Not settled: nothing was stored."
        : `${settled ? "Settled" : "Not settled"}: the host is ${state}.${problem}`,
    );
    return this.#page.text();
  }

  #open(): void {
    const { input, cluster, site } = this.#trace;
    const names = input.objects.map(
      ({ kind, metadata: { name, namespace } }) => `${kind} ${namespace}/${name}`,
    );
    this.#page.paragraph(
      `kubectl apply: ${names.join(", ")}`,
      "",
      `Times are virtual, in minutes and seconds from the apply. Cluster "${cluster}", site "${site}", one agent`,
      "with both links. Each block is one hop of the change: time, number, name, file; what goes in and comes out.",
    );
  }

  #admission({ atMs, object, allowed, answer }: RecordOf<"admission">): void {
    this.#page.heading("new");
    this.#page.block(atMs, "admission", [
      ["in", `AdmissionReview of the API server: CREATE BareMetalHost ${object}`],
      ["out", allowed ? "allowed, and for kubectl to show:" : "denied, and kubectl says:"],
      ...answer.map((text): BlockLine => ["", text]),
    ]);
  }

  #decision(record: RecordOf<"decision">): void {
    const { fields, committed } = record;
    const rows = committed?.rows ?? [];
    const isProgress = fields["reason"] === "Running";
    const isNews = rows.some(
      ({ delivery }) => !(isStatus(delivery) || (isProgress && isEvent(delivery))),
    );
    const isEnd = fields["next"] === "settled" && !this.#settled;
    const isMove = fields["from"] !== fields["state"];
    if (!isNews && !isEnd && !isMove) {
      this.#quiet += 1;
      return;
    }
    this.#settled ||= isEnd;
    this.#showQuiet();
    this.#showFeeds();
    this.#showObservations();
    this.#showDecision(record);
    this.#showCommit(record);
    if (isMove && fields["from"] !== undefined) this.#page.heading(String(fields["state"]));
  }

  #showDecision({ atMs, fields }: RecordOf<"decision">): void {
    const { from = "none", state, reason, because, next, wakeInMs } = decidedFields.parse(fields);
    const wake = wakeInMs === undefined ? "" : ` for at most ${wakeInMs / 1000} s`;
    const then = next === "wait" ? `waits${wake}` : next;
    const news = this.#news.splice(0).join("; ");
    this.#page.block(atMs, "decide", [
      ["in", `state ${from}; new: ${news === "" ? "the time" : news}`],
      ["out", from === state ? `state ${state}, ${then}` : `state ${state}`],
      ["", `because ${reason}: ${because}`],
    ]);
  }

  #showCommit({ atMs, committed }: RecordOf<"decision">): void {
    const { version = 0, rows = [] } = committed ?? {};
    for (const { id } of rows) this.#shownRows.add(id);
    const size = rows.length === 0 ? "nothing" : `${rows.length} row(s)`;
    this.#page.block(atMs, "commit", [
      ["in", `the decision, made from version ${version - 1} of the host's row`],
      ["out", `one statement: version ${version}, and in the outbox ${size}`],
      ...rows.map(({ link, delivery }): BlockLine => [
        "",
        `${link}: ${describeDelivery(delivery)}`,
      ]),
    ]);
  }

  #delivered({ atMs, items }: RecordOf<"delivered">): void {
    const orders = items.map(({ delivery }) => delivery).filter(({ kind }) => kind === "operation");
    for (const order of orders) {
      if (order.kind === "operation") this.#work = { atMs, operation: order.operation, lines: [] };
    }
    const shown = items.filter(({ id }) => this.#shownRows.has(id));
    this.#showsWrites = shown.some(({ delivery }) => delivery.kind === "write");
    if (shown.length === 0) return;
    const writes = shown.filter(({ delivery }) => delivery.kind === "write").length;
    const parts = [
      ...(shown.length > writes ? [`${shown.length - writes} to the hardware link`] : []),
      ...(writes > 0 ? [`${writes} to the cluster link`] : []),
    ];
    this.#page.block(atMs, "deliver", [
      ["in", `${shown.length} row(s) of the outbox`],
      ["out", `a frame on the agent's socket: ${parts.join(", ")}`],
    ]);
  }

  #site({ atMs, who, what, fields }: RecordOf<"site">): void {
    if (what === "operation ended") {
      this.#showWork(fields["ok"] === true ? "succeeded" : "failed");
      return;
    }
    const line = describeSite(who, what, fields);
    if (line === undefined) return;
    this.#work ??= { atMs, operation: undefined, lines: [] };
    this.#work.lines.push(`${this.#page.time(atMs)}  ${line}`);
  }

  #showWork(outcome: string): void {
    const work = this.#work;
    this.#work = undefined;
    if (work === undefined) return;
    const { atMs, operation, lines } = work;
    // Without an operation: what the machine does by itself.
    if (operation === undefined) return this.#page.paragraph(...lines);
    const told = lines.map((line): BlockLine => ["", line]);
    const end: BlockLine[] = outcome === "" ? [] : [["out", outcome]];
    const all: BlockLine[] = [["in", `operation ${operation.id}`], ...told, ...end];
    this.#page.block(atMs, "operate", all, `${operation.payload.kind}.ts`);
  }

  #showWrites(): void {
    const writes = this.#writes.splice(0);
    const pins = writes.filter(({ request }) => request.path.includes("/configmaps"));
    for (const { atMs, request, status } of pins) {
      this.#page.block(atMs, "pin", [
        ["in", "the site's sealing key, as the hub offers it, for the first time"],
        ["out", `its fingerprint is pinned: ${describeRequest(request)} → ${status}`],
      ]);
    }
    const shown = writes.filter((write) => !pins.includes(write));
    const [first] = shown;
    if (first === undefined || !this.#showsWrites) return;
    const lines = shown.map(({ request, status }) => `${describeRequest(request)} → ${status}`);
    this.#page.block(first.atMs, "write back", [
      ["in", "what the cluster link got"],
      ...outLines(counted(lines)),
    ]);
  }

  /** Of our own writes, brought back by the watch, only the newest is shown, and only when nothing else came. */
  #showFeeds(): void {
    const feeds = this.#feeds.splice(0);
    const foreign = feeds.filter((feed) => !this.#isEcho(feed));
    const others = foreign.length + this.#secrets.length + this.#observations.length;
    for (const feed of others > 0 ? foreign : feeds.slice(-1)) this.#showFeed(feed);
    for (const { atMs, facts, status } of this.#secrets.splice(0)) {
      this.#page.block(atMs, "seal", [
        ["in", "the Secrets that the host names, and the site's pinned key"],
        ...outLines(facts.map(describeFact)),
        ["", `posted to the hub → ${status ?? 0}`],
      ]);
      this.#news.push("the Secret's fact");
    }
  }

  #isEcho({ batch }: RecordOf<"feed">): boolean {
    const objects = batch.kind === "list" ? batch.items : batch.events.map(({ object }) => object);
    return objects.every(({ metadata }) => this.#trace.ownVersions.has(metadata.resourceVersion));
  }

  #showFeed(feed: RecordOf<"feed">): void {
    const { atMs, batch, resource, status, cursor } = feed;
    const whose = this.#isEcho(feed) ? " (our own write)" : "";
    const from = batch.kind === "watch" ? batch.fromResourceVersion : "";
    this.#page.block(atMs, "watch", [
      ["in", `${describeBatch(batch)}${whose}`],
      ["out", `POST …/feed/${resource}, from cursor ${from}`],
    ]);
    this.#page.block(atMs, "record", [
      ["in", "the batch, if the cursor still stands there"],
      ["out", `stored with the cursor in one statement: ${status ?? 0}, cursor ${cursor ?? ""}`],
    ]);
    this.#news.push(whose === "" ? "the object" : "what Kubernetes shows");
  }

  #showObservations(): void {
    const records = this.#observations.splice(0);
    const last = records.at(-1);
    if (last === undefined) return;
    const items = records.flatMap((record) => record.items);
    const words = items.map(describeObservation);
    const distinct = words.filter((word, index) => word !== words[index - 1]);
    const [first, end] = [items[0]?.seq ?? 0, items.at(-1)?.seq ?? 0];
    const numbers = first === end ? `observation ${first}` : `observations ${first} to ${end}`;
    this.#page.block(last.atMs, "observe", [
      ["in", `${numbers}: ${distinct.join(", ")}`],
      ["out", "in the tables, with the watermark; the host is to be decided about anew"],
    ]);
    this.#news.push("the observations");
  }

  #showQuiet(): void {
    if (this.#quiet > 0) {
      const many = this.#quiet === 1 ? "1 decision" : `${this.#quiet} decisions`;
      this.#page.note(`in between: ${many} that changed nothing but what is shown of the progress`);
    }
    this.#quiet = 0;
  }
}

function outLines(lines: readonly string[]): readonly BlockLine[] {
  return lines.map((line, index) => [index === 0 ? "out" : "", line]);
}

/** Equal ones once. */
function counted(lines: readonly string[]): readonly string[] {
  return [...new Set(lines)].map((line) => {
    const times = lines.filter((each) => each === line).length;
    return times === 1 ? line : `${line}, ${times} times`;
  });
}

function isEvent(delivery: Delivery): boolean {
  return delivery.kind === "write" && delivery.write.kind === "event";
}

function isStatus(delivery: Delivery): boolean {
  return delivery.kind === "write" && delivery.write.kind === "status";
}
