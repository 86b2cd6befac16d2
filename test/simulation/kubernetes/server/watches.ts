// The watches of an API server, as their clients have them: each gets the changes of its resource in order and a
// little later, bookmarks if it asked for them, and an end. Silence ends one, too, as the agent's adapter has it.
import type { WatchEvent } from "../../../../site-agent/cluster/port.ts";
import type { Kernel, Timer } from "../../kernel/kernel.ts";
import type { Random } from "../../kernel/random.ts";
import type { Change, ObjectStore } from "./object-store.ts";
import type { Target } from "./resources.table.ts";
import { selectorOf } from "./selectors.ts";
import type { Selects } from "./selectors.ts";
import { statusObject } from "./status-answers.ts";

export interface WatchEnd {
  readonly status: number;
  readonly reason: string;
}

export interface WatchRequest {
  readonly target: Target;
  readonly onEvent: (event: WatchEvent) => void;
  readonly signal: AbortSignal;
}

export interface WatchesOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly store: ObjectStore;
}

/** The time without a byte after which the client library of the agent gives a watch up. */
const silenceMs = 30_000;
const bookmarkMs = 60_000;
/** Longest way of an event. */
const wayMs = 15;

export class Watches {
  readonly #options: WatchesOptions;
  readonly #open = new Set<OneWatch>();
  #isStalled = false;

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  open(request: WatchRequest): Promise<WatchEnd> {
    return new Promise((resolve) => {
      if (request.signal.aborted) return resolve({ status: 0, reason: "aborted" });
      const watch = new OneWatch(this.#options, request, (end) => {
        this.#open.delete(watch);
        resolve(end);
      });
      watch.isMute = this.#isStalled;
      this.#open.add(watch);
      watch.begin();
    });
  }

  onChange(change: Change): void {
    for (const watch of this.#open) watch.onChange(change);
  }

  /** What is open, or is opened from now on, gets nothing any more, though no connection is closed. */
  stall(): void {
    this.#isStalled = true;
    for (const watch of this.#open) watch.isMute = true;
  }

  /** New watches work; those that stalled stay silent until they end. */
  endStall(): void {
    this.#isStalled = false;
  }

  /** All connections break; what was on its way is lost. */
  breakAll(): void {
    for (const watch of this.#open) watch.end({ status: 0, reason: "connection reset" });
  }
}

class OneWatch {
  isMute = false;
  readonly #options: WatchesOptions;
  readonly #request: WatchRequest;
  readonly #selects: Selects;
  readonly #onEnd: (end: WatchEnd) => void;
  readonly #timers = new Set<Timer>();
  readonly #abort = (): void => this.end({ status: 0, reason: "aborted" });
  #queue: WatchEvent[] = [];
  #isDraining = false;
  #isOver = false;
  #heardMs: number;

  constructor(options: WatchesOptions, request: WatchRequest, onEnd: (end: WatchEnd) => void) {
    this.#options = options;
    this.#request = request;
    this.#onEnd = onEnd;
    this.#selects = selectorOf(request.target);
    this.#heardMs = options.kernel.nowMs();
  }

  begin(): void {
    const { target, signal } = this.#request;
    signal.addEventListener("abort", this.#abort, { once: true });
    const version = Number(target.query.get("resourceVersion") ?? "0");
    if (version === 0) this.#addAll();
    else this.#goOn(version);
    this.#watchSilence();
    if (target.query.get("allowWatchBookmarks") === "true") this.#bookmark();
    const timeoutMs = 1_000 * Number(target.query.get("timeoutSeconds") ?? "1800");
    this.#after(timeoutMs, () => this.#close());
  }

  onChange({ resource, before, after, version, verb }: Change): void {
    if (resource !== this.#request.target.resource || this.#isOver) return;
    const [was, is] = [this.#selects(before), verb !== "gone" && this.#selects(after)];
    if (is) this.#push({ type: was ? "MODIFIED" : "ADDED", object: after });
    else if (was) {
      // Of what is not selected any more the last selected form is told, with the new version.
      const metadata = { ...before?.metadata, resourceVersion: String(version) };
      this.#push({ type: "DELETED", object: { ...before, metadata } });
    }
  }

  end(end: WatchEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of this.#timers) timer.cancel();
    this.#request.signal.removeEventListener("abort", this.#abort);
    this.#onEnd(end);
  }

  #addAll(): void {
    const { resource, namespace } = this.#request.target;
    for (const object of this.#options.store.list(resource, namespace)) {
      if (this.#selects(object)) this.#push({ type: "ADDED", object });
    }
  }

  #goOn(version: number): void {
    const { store } = this.#options;
    const changes = store.changesSince(this.#request.target.resource, version);
    if (changes !== undefined) {
      for (const change of changes) this.onChange(change);
      return;
    }
    const message = `too old resource version: ${version} (${store.version})`;
    this.#push({ type: "ERROR", object: statusObject(410, message) });
    this.#after(wayMs + 1, () => this.#close());
  }

  #push(event: WatchEvent): void {
    this.#queue.push(event);
    if (this.#isDraining) return;
    this.#isDraining = true;
    const { kernel, random } = this.#options;
    kernel.ordered(random.between(1, wayMs), () => {
      this.#isDraining = false;
      this.#drain();
    });
  }

  #drain(): void {
    if (this.isMute) return;
    const events = this.#queue;
    this.#queue = [];
    this.#heardMs = this.#options.kernel.nowMs();
    for (const event of events) if (!this.#isOver) this.#request.onEvent(event);
  }

  /** In order, when its time is up; what waits is given first. The client of a mute one is not even told. */
  #close(): void {
    if (this.isMute) return;
    this.#drain();
    this.end({ status: 0, reason: "closed" });
  }

  /** Comes after all changes up to its version: they are before it in the queue. */
  #bookmark(): void {
    this.#after(bookmarkMs, () => {
      const { kind, apiVersion } = this.#request.target.resource;
      const resourceVersion = String(this.#options.store.version);
      const metadata = { resourceVersion, creationTimestamp: null };
      this.#push({ type: "BOOKMARK", object: { kind, apiVersion, metadata } });
      this.#bookmark();
    });
  }

  #watchSilence(): void {
    const leftMs = this.#heardMs + silenceMs - this.#options.kernel.nowMs();
    if (leftMs <= 0) return this.end({ status: 0, reason: "nothing came for 30 s" });
    this.#after(leftMs, () => this.#watchSilence());
  }

  #after(ms: number, run: () => void): void {
    if (this.#isOver) return;
    const timer = this.#options.kernel.timer(ms, () => {
      this.#timers.delete(timer);
      run();
    });
    this.#timers.add(timer);
  }
}
