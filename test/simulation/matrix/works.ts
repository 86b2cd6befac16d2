// The operations of a run as the world saw them: what the control plane committed about each, and what the ramdisk did
// for it.
import type { WorldEvent } from "../world/events.ts";

export interface Work {
  readonly id: string;
  /** As "clean", or "power off". */
  readonly work: string;
  state: string;
  /** A decision has taken its outcome in. */
  consumed: boolean;
  /** The control plane's database knows nothing of it any more. */
  forgotten: boolean;
  failure: { readonly kind: string; readonly destroyed: boolean } | undefined;
  /** How often the ramdisk was told that it may destroy. */
  goes: number;
  /** Steps that destroy, as the ramdisk reported them done. */
  done: number;
  changes: number;
}

type EventOf<K extends WorldEvent["kind"]> = Extract<WorldEvent, { readonly kind: K }>;

/** In the order in which they were ordered. */
export function worksOf(trace: readonly WorldEvent[]): readonly Work[] {
  const works = new Works();
  for (const event of trace) {
    if (event.kind === "commit") works.committed(event);
    else if (event.kind === "ramdisk-message") works.said(event);
    else if (event.kind === "disk") works.changed();
    else if (event.kind === "fault" && event.fault === "database-restored") works.forgotten();
    else if (event.kind === "running" && event.running !== "ramdisk") works.ended();
  }
  return [...works.byId.values()];
}

class Works {
  readonly byId = new Map<string, Work>();
  /** Which the ramdisk was told last that it may destroy for. */
  #running: Work | undefined;

  committed({ table, key, after }: EventOf<"commit">): void {
    if (table !== "operations" || after === undefined) return;
    const work = this.byId.get(key) ?? newWork(key, after);
    this.byId.set(key, work);
    work.state = String(after["state"]);
    work.consumed = after["consumed"] === true;
    work.failure = (after["failure"] ?? undefined) as Work["failure"];
  }

  said({ type, step, operationId = "" }: EventOf<"ramdisk-message">): void {
    const work = this.byId.get(operationId);
    if (work === undefined) return;
    if (type === "done" && (step === "write" || step === "erase")) work.done += 1;
    if (type !== "go") return;
    work.goes += 1;
    this.#running = work;
  }

  forgotten(): void {
    for (const work of this.byId.values()) work.forgotten = true;
  }

  changed(): void {
    if (this.#running !== undefined) this.#running.changes += 1;
  }

  ended(): void {
    this.#running = undefined;
  }
}

function newWork(id: string, row: Readonly<Record<string, unknown>>): Work {
  const { payload } = row["operation"] as { readonly payload: { readonly want?: string } };
  const work = [String(row["kind"]), payload.want ?? ""].join(" ").trim();
  return {
    id,
    work,
    state: "",
    consumed: false,
    forgotten: false,
    failure: undefined,
    goes: 0,
    done: 0,
    changes: 0,
  };
}
