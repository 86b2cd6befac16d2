// S32: what arrives again, late or in another order takes nothing back and starts nothing anew. Rows are seen in the
// tier in memory only; what an agent runs is seen always. That one operation destroys once is S10.
import type { WorldEvent } from "../world/events.ts";
import type { JudgeKind } from "./judge.ts";
import { MachineCounts } from "./machine-counts.ts";

type Commit = Extract<WorldEvent, { readonly kind: "commit" }>;
type Row = NonNullable<Commit["before"]>;

const states: readonly unknown[] = ["pending", "accepted", "running", "succeeded"];

/** Columns that only grow, and what must be the same for that. */
const growing: Readonly<Record<string, readonly (readonly [column: string, of?: string])[]>> = {
  agents: [["counter"]],
  sessions: [["epoch"], ["committed_seq", "boot_id"]],
  links: [["epoch"]],
  hosts: [["version"], ["resource_version"]],
  objects: [["resource_version"]],
};

export const s32: JudgeKind = {
  id: "S32",
  says: "what comes twice or late takes no row back, begins no work that had ended, and makes or takes no Machine of a MachineSet too many",
  make(report) {
    /** "agent operation": of two agents with one identity neither need know what the other has ended. */
    const ended = new Set<string>();
    const counts = new MachineCounts();
    return {
      on: {
        commit({ table, key, statement, before, after }) {
          if (before === undefined || after === undefined) return;
          // An operator who approves an agent begins its count anew.
          if (statement === "setAgentState") return;
          const lost = lostColumn(table, before, after);
          if (lost === undefined) return;
          const text = `${String(before[lost])} → ${String(after[lost])}`;
          report(`${statement}: ${table}.${lost} of ${key}: ${text}`, table);
        },
        // It gives numbers anew that it had given before, to agents that were enrolled anew.
        fault(event) {
          counts.calm.on.fault(event);
          if (event.fault === "database-restored") ended.clear();
        },
        "fault-ended": (event) => counts.calm.on["fault-ended"](event),
        healed: (event) => counts.calm.on.healed(event),
        object(event) {
          const problem = counts.onObject(event);
          if (problem !== undefined) report(problem, event.path);
        },
        reported({ agent, what, operationId }) {
          const isEnd = what === "operation-succeeded" || what === "operation-failed";
          if (isEnd && operationId !== undefined) ended.add(`${agent} ${operationId}`);
        },
        "ramdisk-message"({ machine, agent = "", type, operationId = "" }) {
          if (type !== "run" || !ended.has(`${agent} ${operationId}`)) return;
          report(`${operationId} had ended, and runs again`, machine);
        },
      },
    };
  },
};

function lostColumn(table: string, before: Row, after: Row): string | undefined {
  if (table === "operations") return lostProgress(before, after);
  const found = growing[table]?.find(
    ([column, of]) =>
      (of === undefined || before[of] === after[of]) && isLess(after[column], before[column]),
  );
  return found?.[0];
}

function lostProgress(before: Row, after: Row): string | undefined {
  if (before["consumed"] === true && after["consumed"] !== true) return "consumed";
  if (isTakenOver(before, after)) return undefined;
  const [from, to] = [rankOf(before), rankOf(after)];
  const hasChangedItsEnd =
    from === rankOf({ state: "failed" }) && before["state"] !== after["state"];
  return to < from || hasChangedItsEnd ? "state" : undefined;
}

/** Work that may run twice, of an agent that is not the site's any more, is asked of the next one. */
function isTakenOver(before: Row, after: Row): boolean {
  const isFree = before["agent_id"] !== null && after["agent_id"] === null;
  return isFree && after["state"] === "pending" && after["class"] !== "once";
}

/** Both ends are the last. */
function rankOf({ state }: Row): number {
  return state === "failed" ? states.length - 1 : states.indexOf(state);
}

function isLess(one: unknown, other: unknown): boolean {
  if (typeof one === "bigint" && typeof other === "bigint") return one < other;
  return typeof one === "number" && typeof other === "number" && one < other;
}
