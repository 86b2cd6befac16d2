// What somebody wrote into a host, told by what differs: a person who reads a time line wants the edit, not the object.
import type { WorldEvent } from "../world/events.ts";

type ObjectEvent = Extract<WorldEvent, { readonly kind: "object" }>;
type Fields = Readonly<Record<string, unknown>>;

/** Lane and text; undefined for what is no host. */
export function describeChange(event: ObjectEvent): readonly [string, string] | undefined {
  const { after, by, verb, cluster } = event;
  if (after.kind !== "BareMetalHost") return undefined;
  const lane = `${cluster}/${after.metadata.name}`;
  if (verb === "gone") return [lane, `gone from Kubernetes (${by})`];
  if (by === "farrier" && verb === "status") return [lane, describeStatus(after.status)];
  const edits = editsOf(event);
  return [lane, `${by}: ${verb} ${edits.length === 0 ? "nothing new" : edits.join(", ")}`];
}

function describeStatus(given: Fields | undefined): string {
  const status = (given ?? {}) as {
    readonly provisioning?: { readonly state?: string };
    readonly operationalStatus?: string;
    readonly errorMessage?: string;
    readonly poweredOn?: boolean;
  };
  const state = status.provisioning?.state ?? "";
  const power = status.poweredOn === true ? "on" : "off";
  const detached = status.operationalStatus === "detached" ? ", detached" : "";
  const error = (status.errorMessage ?? "") === "" ? "" : `: ${status.errorMessage}`;
  return `is ${state === "" ? "without a state" : state}, ${power}${detached}${error}`;
}

/** Of spec, annotations, finalizers and the deletion, each as "image: new value" or "image: removed". */
function editsOf({ before, after }: ObjectEvent): readonly string[] {
  const [old, now] = [before?.metadata, after.metadata];
  return [
    ...differences(before?.spec ?? {}, after.spec ?? {}),
    ...differences(old?.annotations ?? {}, now.annotations ?? {}),
    ...differences({ finalizers: old?.finalizers }, { finalizers: now.finalizers }),
    ...(old?.deletionTimestamp === undefined && now.deletionTimestamp !== undefined
      ? ["deleted"]
      : []),
  ];
}

function differences(before: Fields, after: Fields): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => {
    const [old, now] = [JSON.stringify(before[name]), JSON.stringify(after[name])];
    if (old === now) return [];
    return [`${name}: ${now === undefined ? "removed" : shortened(name, after[name], now)}`];
  });
}

/** An image is told by the end of its URL. */
function shortened(name: string, value: unknown, text: string): string {
  const url = name === "image" ? (value as { readonly url?: unknown } | null)?.url : undefined;
  return typeof url === "string" ? (url.split("/").at(-1) ?? url) : text.slice(0, 100);
}
