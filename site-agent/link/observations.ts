// The ring of observations: numbered per boot id without a gap, on disk before sent, trimmed at the watermark
// that the control plane has committed. What an earlier boot left uncommitted is numbered again: the control
// plane folds a repeated observation without effect. Of an operation's progress only the newest waits.
import {
  observation,
  observationBody,
  type Observation,
  type ObservationBody,
} from "../../shared/protocol/observation.ts";
import type { AgentDatabase, Clock } from "../ports.ts";

/** A frame holds 64 KiB (shared/protocol/frames.ts); an observation must fit into one. */
export const maxObservationBytes = 60 * 1024;
const maxBatch = 100;

export interface Observations {
  /**
   * Numbers and stores it; what `also` writes is stored with it or not at all. Throws for a body that the
   * protocol does not allow: it would close the link each time.
   */
  add(body: ObservationBody, also?: () => void): void;
  /** The next to be sent above `seq`, oldest first: at least one if there is one, together about a frame. */
  takeAfter(seq: number): readonly Observation[];
  /** Everything up to here is committed. */
  trim(seq: number): void;
  lastSeq(): number;
  /** Operations that it has something to tell of. */
  operationIds(): readonly string[];
  /** Called after each `add`; at most one. */
  onAdd(handle: () => void): void;
}

export function makeObservations(
  database: AgentDatabase,
  clock: Clock,
  bootId: string,
): Observations {
  return new Ring(database, clock, bootId);
}

class Ring implements Observations {
  private next = 1;
  /** Highest number that was handed out: what is above may still be replaced. */
  private taken = 0;
  private readonly waitingProgress = new Map<string, number>();
  private notify: () => void = () => undefined;
  private readonly database: AgentDatabase;
  private readonly clock: Clock;
  private readonly bootId: string;

  constructor(database: AgentDatabase, clock: Clock, bootId: string) {
    this.database = database;
    this.clock = clock;
    this.bootId = bootId;
    database.transaction(() => this.renumber());
  }

  /** What an older program wrote and this one does not understand is dropped: it could never be sent. */
  private renumber(): void {
    const left = this.database.all("SELECT at_ms, body FROM observations ORDER BY rowid");
    this.database.run("DELETE FROM observations");
    for (const row of left) {
      const text = String(row["body"]);
      if (observationBody.safeParse(JSON.parse(text)).success)
        this.insert(Number(row["at_ms"]), text);
    }
  }

  add(body: ObservationBody, also: () => void = () => undefined): void {
    const text = JSON.stringify(observationBody.parse(body));
    const bytes = new TextEncoder().encode(text).length;
    if (bytes > maxObservationBytes) {
      throw new Error(`an observation of ${bytes} bytes does not fit into a frame`);
    }
    const before = this.next;
    try {
      this.database.transaction(() => {
        also();
        const atMs = Math.trunc(this.clock.nowMs());
        if (!this.replaceProgress(body, atMs, text)) this.insert(atMs, text);
      });
    } catch (cause) {
      // A number that was not stored would be a gap.
      this.next = before;
      throw cause;
    }
    this.notify();
  }

  operationIds(): readonly string[] {
    const ids = this.database
      .all("SELECT body FROM observations")
      .map((row) => observationBody.parse(JSON.parse(String(row["body"]))))
      .flatMap((body) => ("operationId" in body ? [body.operationId] : []));
    return [...new Set(ids)];
  }

  private insert(atMs: number, text: string): void {
    this.database.run(
      "INSERT INTO observations (boot_id, seq, at_ms, body) VALUES (?, ?, ?, ?)",
      this.bootId,
      this.next,
      atMs,
      text,
    );
    this.next += 1;
  }

  private replaceProgress(body: ObservationBody, atMs: number, text: string): boolean {
    if (body.kind !== "operation-progress") {
      if ("operationId" in body) this.waitingProgress.delete(body.operationId);
      return false;
    }
    const seq = this.waitingProgress.get(body.operationId) ?? 0;
    const isReplaced =
      seq > this.taken &&
      this.database.run(
        "UPDATE observations SET at_ms = ?, body = ? WHERE boot_id = ? AND seq = ?",
        atMs,
        text,
        this.bootId,
        seq,
      ).changes === 1;
    if (!isReplaced) this.waitingProgress.set(body.operationId, this.next);
    return isReplaced;
  }

  takeAfter(seq: number): readonly Observation[] {
    if (seq >= this.lastSeq()) return [];
    const items: Observation[] = [];
    let bytes = 0;
    for (const row of this.database.all(
      "SELECT seq, at_ms, body FROM observations WHERE boot_id = ? AND seq > ? ORDER BY seq LIMIT ?",
      this.bootId,
      seq,
      maxBatch,
    )) {
      const text = String(row["body"]);
      bytes += new TextEncoder().encode(text).length + 100;
      if (items.length > 0 && bytes > maxObservationBytes) break;
      items.push(
        observation.parse({
          seq: Number(row["seq"]),
          atMs: Number(row["at_ms"]),
          body: JSON.parse(text),
        }),
      );
    }
    this.taken = Math.max(this.taken, items.at(-1)?.seq ?? 0);
    return items;
  }

  trim(seq: number): void {
    // Those that a power cut brings back are committed already: they are sent again, and known.
    this.database.note("DELETE FROM observations WHERE boot_id = ? AND seq <= ?", this.bootId, seq);
  }

  lastSeq(): number {
    return this.next - 1;
  }

  onAdd(handle: () => void): void {
    this.notify = handle;
  }
}
