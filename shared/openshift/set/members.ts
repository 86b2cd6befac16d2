// The Machines of a MachineSet: those that it controls and its selector matches, and those of nobody that match. What
// is being deleted does not count any more.
import { readLabelSelector } from "../../machine/choice/label-selector.ts";
import type { MachineSetSnapshot, Member } from "../snapshot.ts";
import { err, ok, type Result } from "../../result.ts";
import { readySinceMs } from "../node-of.ts";

export interface Membership {
  readonly own: readonly Member[];
  readonly orphans: readonly Member[];
  /** Of all Machines of the namespace. */
  readonly names: ReadonlySet<string>;
  /** Their names by uid. */
  readonly uids: ReadonlyMap<string, string>;
  readonly labelled: number;
  readonly ready: number;
  readonly available: number;
  /** When each that is ready is available (epoch ms). */
  readonly availableAtMs: readonly number[];
  /** status.labelSelector */
  readonly selector: string;
}

/** "configuration": the selector cannot be used; the message says what to correct. */
export function membersOf(snapshot: MachineSetSnapshot): Result<Membership, "configuration"> {
  const { object, members, nowMs } = snapshot;
  const { selector, template, minReadySeconds = 0 } = object.spec;
  const test = readLabelSelector(selector, "spec.selector");
  if (!test.ok) return err("configuration", test.error.message);
  const terms = [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(selector.matchExpressions ?? []).map(termOf),
  ];
  if (terms.length === 0) {
    const message = "spec.selector is empty; give it labels that spec.template.metadata has";
    return err("configuration", message);
  }
  const labels = template.metadata?.labels ?? {};
  if (!test.value(labels)) {
    const message = `spec.template.metadata.labels do not match spec.selector (${terms.join(",")}); give them what it asks for`;
    return err("configuration", message);
  }
  const matching = members.filter(
    ({ object: { metadata } }) =>
      metadata.deletionTimestamp === undefined && test.value(metadata.labels ?? {}),
  );
  const own = matching.filter((member) => controllerOf(member) === object.metadata.uid);
  const readyAtMs = own.flatMap((member) => readySinceMs(member) ?? []);
  const availableAtMs = readyAtMs.map((at) => at + minReadySeconds * 1000);
  return ok({
    own,
    orphans: matching.filter((member) => controllerOf(member) === undefined),
    names: new Set(members.map(({ object: { metadata } }) => metadata.name)),
    uids: new Map(members.map(({ object: { metadata } }) => [metadata.uid, metadata.name])),
    labelled: own.filter((member) => hasLabels(member, labels)).length,
    ready: readyAtMs.length,
    available: availableAtMs.filter((at) => minReadySeconds === 0 || at <= nowMs).length,
    availableAtMs,
    selector: terms.toSorted().join(","),
  });
}

function controllerOf({ object }: Member): string | undefined {
  return object.metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid;
}

function hasLabels({ object }: Member, labels: Readonly<Record<string, string>>): boolean {
  const { labels: held = {} } = object.metadata;
  return Object.entries(labels).every(([key, value]) => held[key] === value);
}

interface Expression {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[] | undefined;
}

/** As kubectl writes selectors. */
function termOf({ key, operator, values = [] }: Expression): string {
  const name = operator.toLowerCase();
  if (name === "exists") return key;
  if (name === "doesnotexist") return `!${key}`;
  return `${key} ${name} (${values.toSorted().join(",")})`;
}
