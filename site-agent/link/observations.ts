// The ring of observations: numbered per boot id without a gap, on disk before sent, trimmed at the watermark
// that the control plane has committed. What an earlier boot left uncommitted is numbered again: the control
// plane folds a repeated observation without effect.
import {
  observation,
  type Observation,
  type ObservationBody,
} from "../../shared/protocol/observation.ts";
import type { AgentDatabase, Clock } from "../ports.ts";

export interface Observations {
  add(body: ObservationBody): void;
  /** Those above `seq`, oldest first. */
  after(seq: number, limit: number): readonly Observation[];
  /** Everything up to here is committed. */
  trim(seq: number): void;
  lastSeq(): number;
  /** Called after each `add`. */
  onAdd(handle: () => void): void;
}

export function makeObservations(
  database: AgentDatabase,
  clock: Clock,
  bootId: string,
): Observations {
  let next = 1;
  let notify: () => void = () => undefined;
  const insert = (atMs: number, body: string) =>
    database.run(
      "INSERT INTO observations (boot_id, seq, at_ms, body) VALUES (?, ?, ?, ?)",
      bootId,
      next++,
      atMs,
      body,
    );
  database.transaction(() => {
    const left = database.all("SELECT at_ms, body FROM observations ORDER BY rowid");
    database.run("DELETE FROM observations");
    for (const row of left) insert(Number(row["at_ms"]), String(row["body"]));
  });
  return {
    add(body) {
      insert(Math.trunc(clock.nowMs()), JSON.stringify(body));
      notify();
    },
    after: (seq, limit) =>
      database
        .all(
          "SELECT seq, at_ms, body FROM observations WHERE boot_id = ? AND seq > ? ORDER BY seq LIMIT ?",
          bootId,
          seq,
          limit,
        )
        .map((row) =>
          observation.parse({
            seq: Number(row["seq"]),
            atMs: Number(row["at_ms"]),
            body: JSON.parse(String(row["body"])),
          }),
        ),
    trim(seq) {
      database.run("DELETE FROM observations WHERE boot_id = ? AND seq <= ?", bootId, seq);
    },
    lastSeq: () => next - 1,
    onAdd(handle) {
      notify = handle;
    },
  };
}
