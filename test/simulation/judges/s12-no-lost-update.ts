// S12: what somebody else has written meanwhile is not written over: in Kubernetes, and in the control plane's database.
// Nor is what an agent has observed passed over.
import { isDeepStrictEqual } from "node:util";
import type { KubernetesObject } from "../world/events.ts";
import { HeardReports } from "./heard-reports.ts";
import type { JudgeKind } from "./judge.ts";
import { specOf, statusOf } from "./host-of.ts";
import type { HostStatus } from "./host-of.ts";
import { isDeleting, machineOf } from "./machine-of.ts";

type Row = Readonly<Record<string, unknown>>;

export const s12: JudgeKind = {
  id: "S12",
  says: "Farrier writes over nothing that is newer than what it has seen, and neither observedGeneration nor a condition's time ever goes back",
  make: (report, reports = new HeardReports()) => ({
    on: {
      hello: (event) => reports.onHello(event),
      frame: (event) => reports.onFrame(event),
      object({ before, after, by, verb, path, cluster }, truth) {
        if (by !== "farrier" || before === undefined || verb === "gone") return;
        const lost = lostFinalizer(before, after);
        if (lost !== undefined) report(`Farrier took away finalizer ${lost}`, path);
        if (after.kind !== "BareMetalHost") return;
        const machine = machineOf(truth, cluster, after) ?? machineOf(truth, cluster, before);
        const problem =
          verb === "status"
            ? (backwards(before, after) ?? another(before, after))
            : (wrongFor(machine, before, after) ?? notOurs(machine, before, after));
        if (problem !== undefined) report(problem, path);
      },
      commit({ table, key, before, after, statement }) {
        if (before === undefined || after === undefined) return;
        const problem =
          table === "hosts"
            ? hostProblem(before, after)
            : (epochProblem(before, after) ?? reports.problemOf(before, after));
        if (problem !== undefined) report(`${statement}: ${problem}`, `${table} ${key}`);
      },
    },
  }),
};

/** Everybody takes his own away. */
function lostFinalizer(before: KubernetesObject, after: KubernetesObject): string | undefined {
  const left = after.metadata.finalizers ?? [];
  return (before.metadata.finalizers ?? []).find(
    (each) => each.startsWith("example.com/") && !left.includes(each),
  );
}

type Condition = NonNullable<HostStatus["conditions"]>[number];

function backwards(before: KubernetesObject, after: KubernetesObject): string | undefined {
  const { generation = Infinity } = after.metadata;
  const was = new Map((statusOf(before).conditions ?? []).map((each) => [each.type, each]));
  for (const is of statusOf(after).conditions ?? []) {
    const problem = olderThan(was.get(is.type), is, generation);
    if (problem !== undefined) return `condition ${is.type} ${problem}`;
  }
  return undefined;
}

function olderThan(was: Condition | undefined, is: Condition, newest: number): string | undefined {
  const [last, now] = [was?.observedGeneration ?? 0, is.observedGeneration];
  if (now !== undefined && now < last) return `has observed generation ${now} after ${last}`;
  if (now !== undefined && now > newest) return `has observed generation ${now} of ${newest}`;
  const byMs = timeOf(was?.lastTransitionTime) - timeOf(is.lastTransitionTime);
  return byMs > 0 ? `changed ${byMs / 1_000} s before its last change` : undefined;
}

/** Of one that had the name before: hosts are known to Farrier by their uid. */
function another(before: KubernetesObject, after: KubernetesObject): string | undefined {
  const [was = "", is = ""] = [before, after].map((each) => statusOf(each).provisioning?.ID);
  return is === "" || is === was || is === after.metadata.uid
    ? undefined
    : `the status is that of ${is}, which had the name before`;
}

/** NaN: not told, and neither before nor after anything. */
function timeOf(text: string | undefined): number {
  return text === undefined ? Number.NaN : Date.parse(text);
}

/** What a Metal3Machine has a say in while it uses the host. */
interface OfMachine {
  readonly spec: readonly string[];
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
}

const ofMachine: OfMachine = {
  spec: [
    "automatedCleaningMode",
    "consumerRef",
    "customDeploy",
    "image",
    "metaData",
    "networkData",
    "online",
    "userData",
  ],
  labels: ["cluster.x-k8s.io/cluster-name", "infrastructure.cluster.x-k8s.io/node-reuse"],
  annotations: ["clusterctl.cluster.x-k8s.io/block-move"],
};

/** An image stays what it is until the machine goes, and a machine that stays wants its host on. */
function wrongFor(
  machine: KubernetesObject | undefined,
  before: KubernetesObject,
  after: KubernetesObject,
): string | undefined {
  if (machine === undefined || isDeleting(machine)) return undefined;
  const [was, is] = [specOf(before), specOf(after)];
  if ((was.image ?? undefined) !== undefined && !isSame(was.image, is.image)) {
    return "Farrier replaced the image";
  }
  return was.online === true && is.online !== true ? "Farrier switched the host off" : undefined;
}

/** Of a host Farrier writes spec.architecture, finalizers, and takes annotations away; the rest is other people's. */
function notOurs(
  machine: KubernetesObject | undefined,
  before: KubernetesObject,
  after: KubernetesObject,
): string | undefined {
  const free = machine === undefined ? noneOfMachine : ofMachine;
  const { architecture: was, ...spec } = before.spec ?? {};
  const { architecture: is, ...written } = after.spec ?? {};
  if (!isSame(without(spec, free.spec), without(written, free.spec))) {
    return "Farrier changed the spec";
  }
  if (was !== is && was !== undefined && was !== "") return "Farrier replaced spec.architecture";
  return metadataNotOurs(free, before.metadata, after.metadata);
}

type Metadata = KubernetesObject["metadata"];

function metadataNotOurs(free: OfMachine, before: Metadata, after: Metadata): string | undefined {
  const { annotations = {} } = before;
  for (const [name, value] of Object.entries(after.annotations ?? {})) {
    const isOurs = annotations[name] === value || free.annotations.includes(name);
    if (!isOurs) return `Farrier wrote annotation ${name}`;
  }
  const others = ({ labels = {}, ownerReferences }: Metadata): unknown => [
    without(labels, free.labels),
    ownerReferences,
  ];
  return isSame(others(before), others(after)) ? undefined : "Farrier changed labels or owners";
}

const noneOfMachine: OfMachine = { spec: [], labels: [], annotations: [] };

function without(fields: Row, names: readonly string[]): Row {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
}

/** In any order of fields. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b) || isDeepStrictEqual(a, b);
}

/** What a decision looks at, or writes; whoever changes it gives the row a new version. */
const guarded = ["object", "deleted", "memory", "document", "power_on", "bmc_problem", "site"];

function hostProblem(before: Row, after: Row): string | undefined {
  const [was, is] = [Number(before["version"]), Number(after["version"])];
  const changed = guarded.find((column) => before[column] !== after[column]);
  if (is < was || (is === was && changed !== undefined)) {
    return `${changed ?? "the row"} changed, and version ${was} became ${is}`;
  }
  return (
    decrease("resource_version", before, after) ??
    decrease("operationCount", before["memory"], after["memory"]) ??
    documentProblem(before["document"], after["document"])
  );
}

function documentProblem(before: unknown, after: unknown): string | undefined {
  const [was, is] = [numberIn(before, "revision"), numberIn(after, "revision")];
  if (was === undefined || is === undefined || is > was || isSame(before, after)) return undefined;
  return `another document has revision ${is} after ${was}`;
}

/** 0: the session or link is nobody's. */
function epochProblem(before: Row, after: Row): string | undefined {
  return numberIn(after, "epoch") === 0 ? undefined : decrease("epoch", before, after);
}

function decrease(column: string, before: unknown, after: unknown): string | undefined {
  const [was, is] = [numberIn(before, column), numberIn(after, column)];
  if (was === undefined || is === undefined || is >= was) return undefined;
  return `${column} went back from ${was} to ${is}`;
}

function numberIn(row: unknown, column: string): number | undefined {
  const value = (row as Row | null | undefined)?.[column];
  return typeof value === "number" || typeof value === "bigint" ? Number(value) : undefined;
}
