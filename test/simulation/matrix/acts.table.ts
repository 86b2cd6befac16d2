// What of a run is an act, a record or neither. An act changes something outside of the process that does it; a record
// is what a process could read again after a crash. A call of a port that is in no table fails the matrix.
import type { WorldEvent } from "../world/events.ts";

/** Who writes the record that comes before an act, and the one that comes after it. */
export interface Kept {
  readonly intent: Recorder;
  readonly outcome: Recorder;
}

export type Recorder = "agent" | "control plane";

type Kind = WorldEvent["kind"];
type EventOf<K extends Kind> = Extract<WorldEvent, { readonly kind: K }>;
type Name<K extends Kind> = (event: EventOf<K>) => string | undefined;

const byAgent: Kept = { intent: "agent", outcome: "agent" };
const ordered: Kept = { intent: "control plane", outcome: "agent" };
const reported: Kept = { intent: "agent", outcome: "control plane" };
const byControlPlane: Kept = { intent: "control plane", outcome: "control plane" };

/** Undefined: this one is no act. */
const events: { readonly [K in Kind]?: readonly [Kept, Name<K>] } = {
  delivered: [ordered, ({ what }) => (what === "operation" ? "the order arrives" : undefined)],
  login: [byAgent, ({ agent }) => ofAgent(agent, "the BMC is logged in to")],
  "power-command": [byAgent, ({ agent, action }) => ofAgent(agent, `the BMC takes "${action}"`)],
  "boot-device": [
    byAgent,
    ({ agent, place }) => ofAgent(agent, `the BMC takes boot device "${place}"`),
  ],
  "ramdisk-message": [byAgent, nameOfMessage],
  disk: [byAgent, ({ change }) => `a disk is changed: ${change}`],
  power: [byAgent, ({ why }) => (why === "ramdisk" ? "the ramdisk switches off" : undefined)],
  running: [
    byAgent,
    ({ running }) => (running === "operating system" ? "the host's system runs" : undefined),
  ],
  reported: [
    reported,
    ({ what }) => (what.startsWith("operation-") ? `${what} arrives` : undefined),
  ],
  commit: [byControlPlane, ({ table, after }) => takenIn(table, after)],
  object: [
    byControlPlane,
    ({ by, verb, after }) => (by === "farrier" ? write(verb, after) : undefined),
  ],
};

/** Calls of the ramdisk that change something which no event tells. */
const acts: Readonly<Record<string, string>> = {
  "disk.flush": "a disk is flushed",
  "programs.efibootmgr": "a boot entry is made",
  "programs.sync": "the ramdisk syncs",
  "file.write": "the image is kept",
};

/** Calls that only look, or whose effect an event tells. */
const others: Readonly<Record<string, readonly string[]>> = {
  agent: [
    "http.request",
    "kubernetes.request",
    "kubernetes.watch",
    "duplex.connect",
    "server.handle",
    "udp.bind",
    "files.readFile",
    "files.writeFile",
    "files.open",
    "files.list",
    "files.makeFolder",
    "files.rename",
    "files.remove",
    "files.freeBytes",
    "file.read",
    "file.sync",
    "file.close",
    "database.note",
    "database.run",
    "database.transaction",
  ],
  ramdisk: [
    "http.request",
    "duplexes.connect",
    "disks.open",
    "disks.rereadPartitions",
    "disk.read",
    "disk.write",
    "disk.zero",
    "disk.close",
    "programs.wipefs",
    "programs.poweroff",
    "programs.reboot",
  ],
};

/** Statements of the control plane by which an operation goes on, and those that it has nothing to do with. */
const statements = ["commitHost", "acceptObservations", "takeOutbox", "ackOutbox"];
const otherStatements = [
  "statement",
  "listen",
  "loadHost",
  "loadAgent",
  "restHost",
  "forgetHost",
  "takeDue",
  "loadMachine",
  "restMachine",
  "renewLease",
  "endSession",
  "openSession",
  "siteKeys",
  "knownFacts",
  "sessionOfToken",
  "clusterOfAdmissionToken",
  "surroundings",
  "claimants",
  "applyFeed",
  "applySecrets",
  "catchUp",
];

export function actOf(
  event: WorldEvent,
): { readonly name: string; readonly kept: Kept } | undefined {
  const [kept, nameOf] = (events[event.kind] ?? []) as Partial<readonly [Kept, Name<Kind>]>;
  const name = nameOf?.(event as never);
  return name === undefined || kept === undefined ? undefined : { name, kept };
}

export function actOfCall(
  what: string,
): { readonly name: string; readonly kept: Kept } | undefined {
  const name = acts[what];
  return name === undefined ? undefined : { name, kept: byAgent };
}

export function isRecord(statement: string): boolean {
  return statements.includes(statement);
}

/** `process` as "agent", "ramdisk", "machine", "control plane". */
export function isKnownCall(process: string, what: string): boolean {
  if (process === "control plane") {
    const [port, statement = ""] = what.split(".");
    return (
      port !== "database" || statements.includes(statement) || otherStatements.includes(statement)
    );
  }
  return acts[what] !== undefined || (others[process] ?? []).includes(what);
}

function ofAgent(agent: string | undefined, name: string): string | undefined {
  return agent === undefined ? undefined : name;
}

function nameOfMessage({ type, step }: EventOf<"ramdisk-message">): string | undefined {
  if (type === "progress") return undefined;
  return ["the ramdisk", type === "hello" ? "has booted" : `and "${type}"`, step ?? ""]
    .join(" ")
    .trim();
}

function takenIn(table: string, after: EventOf<"commit">["after"]): string | undefined {
  return table === "operations" && after?.["consumed"] === true
    ? "the outcome is taken in"
    : undefined;
}

/** Events of Kubernetes are for people: nothing depends on them. */
function write(verb: string, { kind = "" }: EventOf<"object">["after"]): string | undefined {
  return kind === "Event" ? undefined : `Kubernetes stores: ${verb} ${kind}`;
}
