// Numbers every call and every event of a run, so that a moment can be found again in the next run of the same
// scenario: until something else is done it goes the same way. Collects acts and records, each with its moments.
import type { AgentDatabase } from "../../../site-agent/ports.ts";
import type { CallHook, Life } from "../kernel/life.ts";
import type { Onlooker } from "../run/run.ts";
import type { World } from "../run/world.ts";
import type { WorldEvent } from "../world/events.ts";
import { actOf, actOfCall, isKnownCall, isRecord } from "./acts.table.ts";
import type { Kept, Recorder } from "./acts.table.ts";

export interface Moment {
  /** Of all calls and events of the run. */
  readonly number: number;
  /** That call or event. */
  readonly what: string;
  readonly atMs: number;
  /** The instance of the control plane that it happens in, or that the agent is connected to. */
  readonly instance: string;
  readonly isRamdiskUp: boolean;
  /** What the agent's journal says of the operation; "": nothing. */
  readonly journal: string;
}

/** A durable write: the moment before it, and the one when it is durable and nobody knows yet. */
export interface Written {
  readonly by: Recorder;
  readonly what: string;
  readonly before: Moment;
  readonly after: Moment;
}

export interface Act {
  readonly name: string;
  readonly kept: Kept;
  /** Done, and whoever does it does not know yet. */
  readonly at: Moment;
}

/** From the commit that orders it to the one that takes its outcome in. */
export interface Span {
  readonly id: string;
  readonly from: number;
  until: number;
}

const agent = "site-1";

export class RunWatch implements Onlooker {
  readonly written: Written[] = [];
  readonly acts: Act[] = [];
  readonly operations: Span[] = [];
  /** Calls that no table knows, as "ramdisk disk.trim". */
  readonly unknown = new Set<string>();
  #number = 0;
  #what = "";
  #world: World | undefined;
  #instance = "";
  #journal = "";
  /** Calls to the control plane's database that have not been answered. */
  readonly #statements = new Map<string, Moment>();
  /** Of calls to the agent's database within each other the outermost counts. */
  #depth = 0;
  #before: { readonly moment: Moment; readonly lines: readonly string[] } | undefined;

  onStart(world: World): void {
    this.#world = world;
  }

  onEnd(): void {
    this.#world = undefined;
  }

  readonly onCall: CallHook = (life, what, when) => {
    this.#number += 1;
    this.#what = nameOfCall(life, what, when);
    if (this.#world === undefined) return;
    const process = processOf(life);
    if (this.#isInOperation() && !isKnownCall(process, what))
      this.unknown.add(`${process} ${what}`);
    if (process === "control plane" && when === "before") {
      this.#statements.set(what, this.#moment(life.name));
    }
    if (process === "agent" && what.startsWith("database.")) this.#agentWrites(when);
    const act = when === "after" ? actOfCall(what) : undefined;
    if (act !== undefined) this.acts.push({ ...act, at: this.#moment() });
  };

  onEvent(event: WorldEvent): void {
    this.#number += 1;
    this.#what = event.kind;
    if (event.kind === "link" && event.agent === agent && event.change === "opened") {
      this.#instance = event.instance;
    }
    if (event.kind === "commit") this.#committed(event);
    const act = actOf(event);
    if (act !== undefined) this.acts.push({ ...act, at: this.#momentOf(event) });
  }

  #isInOperation(): boolean {
    return this.operations.at(-1)?.until === Infinity;
  }

  #moment(instance = this.#instance): Moment {
    return {
      number: this.#number,
      what: this.#what,
      atMs: this.#world?.kernel.nowMs() ?? 0,
      instance,
      isRamdiskUp: this.#world?.machines.get("m1")?.running === "ramdisk",
      journal: this.#journal,
    };
  }

  #momentOf(event: WorldEvent): Moment {
    if (event.kind !== "commit") return this.#moment();
    return this.#moment(this.#statements.get(`database.${event.statement}`)?.instance);
  }

  /** Of the rows of one statement the last one counts: it is told when all are in. */
  #committed(event: Extract<WorldEvent, { readonly kind: "commit" }>): void {
    const { statement, table, key, before, after } = event;
    const begun = this.#statements.get(`database.${statement}`);
    if (begun === undefined || !isRecord(statement)) return;
    const last = this.written.at(-1);
    if (last?.before === begun) this.written.pop();
    const moment = this.#momentOf(event);
    this.written.push({ by: "control plane", what: statement, before: begun, after: moment });
    if (table !== "operations") return;
    if (before === undefined) {
      this.operations.push({ id: key, from: begun.number, until: Infinity });
      this.#journal = "";
    }
    const span = this.operations.find(({ id }) => id === key);
    if (span !== undefined && after?.["consumed"] === true) span.until = this.#number;
  }

  #agentWrites(when: "before" | "after"): void {
    const database = this.#world?.agents.get(agent)?.database;
    if (database === undefined) return;
    if (when === "before") {
      this.#depth += 1;
      if (this.#depth === 1) this.#before = { moment: this.#moment(), lines: linesOf(database) };
      return;
    }
    this.#depth -= 1;
    const begun = this.#before;
    if (this.#depth > 0 || begun === undefined) return;
    const [what] = linesOf(database).filter((line) => !begun.lines.includes(line));
    if (what === undefined) return;
    this.#journal = /^journal (\w+)/.exec(what)?.[1] ?? this.#journal;
    this.written.push({ by: "agent", what, before: begun.moment, after: this.#moment() });
  }
}

/** What the agent would find again of its work; what was sent and is forgotten leaves no line. */
function linesOf(database: AgentDatabase): readonly string[] {
  const [{ seq, at } = {}] = database.all(
    "SELECT max(seq) AS seq, max(at_ms) AS at FROM observations",
  );
  return [
    ...database
      .all("SELECT id, state FROM operations")
      .map((row) => `journal ${String(row["state"])} ${String(row["id"])}`),
    ...database
      .all("SELECT host_uid, revision FROM documents")
      .map((row) => `document ${String(row["revision"])}`),
    ...(typeof seq === "number" ? [`observation ${seq} ${String(at)}`] : []),
  ];
}

export function nameOfCall({ name }: Life, what: string, when: "before" | "after"): string {
  return `${when} ${name} ${what}`;
}

function processOf({ name }: Life): string {
  if (name === agent) return "agent";
  const [kind = ""] = name.split(":");
  return kind === "control-plane" ? "control plane" : kind;
}
