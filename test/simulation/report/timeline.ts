// A run as a person follows it: one line an event, in lanes by host and machine. Leaves out what repeats.
import type { Violation } from "../judges/judge.ts";
import { startMs } from "../run/world.ts";
import type { WorldEvent } from "../world/events.ts";
import { describeChange } from "./describe-change.ts";

/** Violations stand after the event that showed them, those of the end at the end. */
export function timelineOf(
  trace: readonly WorldEvent[],
  violations: readonly Violation[] = [],
): readonly string[] {
  const last = new Map<string, string>();
  const told: string[] = [];
  const tell = (atMs: number, lane: string, text: string): void => {
    const seconds = ((atMs - startMs) / 1_000).toFixed(3).padStart(10);
    told.push(`${seconds} s  ${lane.padEnd(16)} ${text.trimEnd()}`);
  };
  const tellViolations = (eventNumber: number): void => {
    for (const { id, atMs, machine, message } of violations.filter(
      (violation) => violation.eventNumber === eventNumber,
    )) {
      tell(atMs, machine ?? "world", `VIOLATION of ${id}: ${message}`);
    }
  };
  const shown = new Set(violations.map(({ eventNumber }) => eventNumber));
  for (const event of trace) {
    const [lane, text] = describe(event) ?? [];
    if (lane !== undefined && text !== undefined && last.get(lane) !== text) {
      last.set(lane, text);
      tell(event.atMs, lane, text);
    }
    if (shown.has(event.number)) tellViolations(event.number);
  }
  tellViolations(0);
  return told;
}

type Line = readonly [lane: string, text: string];
type EventOf<K extends WorldEvent["kind"]> = Extract<WorldEvent, { readonly kind: K }>;

function describe(event: WorldEvent): Line | undefined {
  const line = lines[event.kind] as ((event: WorldEvent) => Line | undefined) | undefined;
  return line?.(event);
}

const lines: { readonly [K in WorldEvent["kind"]]?: (event: EventOf<K>) => Line | undefined } = {
  "power-command": ({ machine, action, done, agent }) => [
    machine,
    `BMC: ${action}${done ? "" : ", not done"} (${agent ?? "somebody else"})`,
  ],
  power: ({ machine, on, why }) => [machine, `power ${on ? "on" : "off"} (${why})`],
  "boot-device": ({ machine, place, once }) => [
    machine,
    `BMC: boot ${place}${once ? ", once" : ""}`,
  ],
  login: ({ machine, ok, passwordNumber }) => [
    machine,
    `BMC: login ${ok ? "ok" : "FAILED"} with password ${passwordNumber ?? "?"}`,
  ],
  running: ({ machine, boot, running, system = "" }) => [
    machine,
    `boot ${boot} runs ${running} ${system}`,
  ],
  disk: ({ machine, boot, disk }) => [machine, `boot ${boot} changes ${disk}`],
  "ramdisk-message": ({ machine, direction, type, step = "", operationId = "" }) =>
    type === "progress" ? undefined : [machine, `${direction}: ${type} ${step} ${operationId}`],
  object: describeChange,
  started: ({ process, incarnation }) => [process, `starts (${incarnation})`],
  ended: ({ process, crash }) => [process, crash ? "CRASHES" : "stops"],
  fault: ({ target, fault }) => [target, `FAULT ${fault}`],
  log: ({ process, level, message, fields }) =>
    level === "info"
      ? undefined
      : [process, `${level}: ${message} ${JSON.stringify(fields).slice(0, 160)}`],
  leak: ({ sink, text }) => ["world", `LEAK in a ${sink}: ${text}`],
};
