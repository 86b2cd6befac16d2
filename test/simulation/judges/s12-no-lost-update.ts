// S12: what somebody else has written meanwhile is not written over: in Kubernetes, and in the control plane's database.
import type { KubernetesObject } from "../world/events.ts";
import type { JudgeKind } from "./judge.ts";
import { statusOf } from "./host-of.ts";

type Row = Readonly<Record<string, unknown>>;

export const s12: JudgeKind = {
  id: "S12",
  says: "Farrier writes over nothing that is newer than what it has seen, and observedGeneration never goes back",
  make: (report) => ({
    on: {
      object({ before, after, by, verb, path }) {
        if (after.kind !== "BareMetalHost" || by !== "farrier" || before === undefined) return;
        if (verb === "gone") return;
        const problem = verb === "status" ? backwards(before, after) : notOurs(before, after);
        if (problem !== undefined) report(problem, path);
      },
      commit({ table, key, before, after, statement }) {
        if (before === undefined || after === undefined) return;
        const problem =
          table === "hosts" ? hostProblem(before, after) : epochProblem(before, after);
        if (problem !== undefined) report(`${statement}: ${problem}`, `${table} ${key}`);
      },
    },
  }),
};

/** By type. */
function generationsOf(object: KubernetesObject): ReadonlyMap<string, number> {
  const { conditions = [] } = statusOf(object);
  return new Map(
    conditions.flatMap(({ type = "", observedGeneration }) =>
      observedGeneration === undefined ? [] : [[type, observedGeneration] as const],
    ),
  );
}

function backwards(before: KubernetesObject, after: KubernetesObject): string | undefined {
  const { generation = Infinity } = after.metadata;
  const was = generationsOf(before);
  for (const [type, is] of generationsOf(after)) {
    const last = was.get(type) ?? 0;
    if (is < last) return `condition ${type} has observed generation ${is} after ${last}`;
    if (is > generation) return `condition ${type} has observed generation ${is} of ${generation}`;
  }
  return undefined;
}

/** Of a host Farrier writes spec.architecture, finalizers, and takes annotations away; the rest is other people's. */
function notOurs(before: KubernetesObject, after: KubernetesObject): string | undefined {
  const { architecture: was, ...spec } = before.spec ?? {};
  const { architecture: is, ...written } = after.spec ?? {};
  if (!isSame(spec, written)) return "Farrier changed the spec";
  if (was !== is && was !== undefined && was !== "") return "Farrier replaced spec.architecture";
  const { annotations = {}, labels, ownerReferences } = before.metadata;
  for (const [name, value] of Object.entries(after.metadata.annotations ?? {})) {
    if (annotations[name] !== value) return `Farrier wrote annotation ${name}`;
  }
  const { labels: others, ownerReferences: owners } = after.metadata;
  return isSame([labels, ownerReferences], [others, owners])
    ? undefined
    : "Farrier changed labels or owners";
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
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
