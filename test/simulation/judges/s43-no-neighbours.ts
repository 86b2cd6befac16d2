// S43: who may read one namespace learns nothing of another one's hosts: names, uids, BMC addresses, MACs, disks. Looked
// for in what Farrier writes for people: messages of the status, and Events. What a host's own spec says, or has said,
// is no secret to it; nor is what stands behind exchanged cables, or belonged to a host that is long gone, or a MAC of one
// that no site was told of in time, as it was refused its machine: nobody at the site knew whose it was.
import type { KubernetesObject } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";
import { onItsWayMs } from "./history.ts";
import { bootMacOf, specOf, statusOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

interface Known {
  /** "cluster/namespace" */
  readonly place: string;
  readonly name: string;
  /** Addresses and MACs that its specs have named. */
  readonly named: Set<string>;
  /** What it was told while nobody knew whose it is: its messages stay. */
  readonly learned: Set<string>;
}

const macPattern = /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/;

export const s43: JudgeKind = {
  id: "S43",
  says: "messages of a host say nothing of hosts of other namespaces",
  make(report) {
    const hosts = new Map<string, Known>();
    /** Whose word it is: uids. */
    const owners = new Map<string, Set<string>>();
    const swapped = new Set<string>();
    const goneMs = new Map<string, number>();
    /** When a site was told of each host first. */
    const toldMs = new Map<string, number>();
    const isLongGone = (uid: string, nowMs: number): boolean =>
      nowMs - (goneMs.get(uid) ?? Infinity) > onItsWayMs;
    const isUnknownMac = (truth: Truth, word: string, uid: string): boolean => {
      const sinceMs = toldMs.get(uid);
      const isUntold =
        sinceMs === undefined || (!goneMs.has(uid) && truth.nowMs() - sinceMs <= onItsWayMs);
      return macPattern.test(word) && isUntold;
    };
    const look = (truth: Truth, uid: string, text: string): void => {
      const own = hosts.get(uid);
      if (own === undefined) return;
      for (const word of new Set(text.split(/[^\w:./-]+/).map(bare))) {
        const others = [...(owners.get(word) ?? [])].filter(
          (other) => !isLongGone(other, truth.nowMs()) && !isUnknownMac(truth, word, other),
        );
        if (others.length === 0 && macPattern.test(word)) own.learned.add(word);
        if (own.learned.has(word)) continue;
        const isOfOthers = others.every((other) => hosts.get(other)?.place !== own.place);
        if (others.length === 0 || !isOfOthers) continue;
        if (freeWords(truth, own, swapped).has(word)) continue;
        report(`${own.place}/${own.name} is told "${word}": ${text}`, own.name);
      }
    };
    const remember = (truth: Truth, cluster: string, host: KubernetesObject): void => {
      const { uid, namespace = "", name } = host.metadata;
      const place = `${cluster}/${namespace}`;
      const known = hosts.get(uid) ?? {
        place,
        name,
        named: new Set<string>(),
        learned: new Set<string>(),
      };
      const isNew = !hosts.has(uid);
      hosts.set(uid, known);
      const fresh = namedIn(host).filter((word) => !known.named.has(word));
      if (fresh.length === 0 && !isNew) return;
      for (const word of fresh) known.named.add(word);
      const words = [uid, `${namespace}/${name}`, ...fresh, ...serialsOf(truth, known)];
      for (const word of words) owners.set(word, (owners.get(word) ?? new Set()).add(uid));
    };
    return {
      on: {
        fault({ fault, target }) {
          if (fault === "swapped-machine") for (const each of target.split("+")) swapped.add(each);
        },
        delivered({ what, hostUid, atMs }) {
          if (what === "document" && !toldMs.has(hostUid)) toldMs.set(hostUid, atMs);
        },
        object({ cluster, after, by, verb, atMs }, truth) {
          if (after.kind === "BareMetalHost") remember(truth, cluster, after);
          if (verb === "gone") goneMs.set(after.metadata.uid, atMs);
          const text = by === "farrier" && verb !== "gone" ? messagesOf(after) : "";
          if (text !== "") look(truth, aboutOf(after), text);
        },
      },
    };
  },
};

/** What the host may be told though others own it, too. */
function freeWords(truth: Truth, own: Known, swapped: ReadonlySet<string>): ReadonlySet<string> {
  const words = new Set(own.named);
  for (const machine of truth.machines.values()) {
    const isKnown = isNamedBy(own, machine) || swapped.has(machine.name);
    if (!isKnown) continue;
    for (const mac of machine.macs) words.add(mac);
    for (const { serialNumber } of machine.disks) words.add(serialNumber);
  }
  return words;
}

function serialsOf(truth: Truth, known: Known): readonly string[] {
  return [...truth.machines.values()]
    .filter((machine) => isNamedBy(known, machine))
    .flatMap(({ disks }) => disks.map(({ serialNumber }) => serialNumber));
}

function isNamedBy(
  { named }: Known,
  { bmcAddress, macs }: { readonly bmcAddress: string; readonly macs: readonly string[] },
): boolean {
  return named.has(hostPart(bmcAddress)) || macs.some((mac) => named.has(mac));
}

function namedIn(host: KubernetesObject): readonly string[] {
  return [hostPart(specOf(host).bmc?.address), bootMacOf(host)].filter((word) => word !== "");
}

/** As 10.1.0.11. */
function hostPart(address = ""): string {
  return address.replace(/^\w+:\/\//, "").replace(/[:/].*$/, "");
}

/** Without what a sentence or a port adds to a word. */
function bare(word: string): string {
  return word.replace(/[.:/-]+$/, "").replace(/^((?:\d+\.){3}\d+):\d+$/, "$1");
}

function messagesOf(object: KubernetesObject): string {
  if (object.kind === "Event") return (object["message"] ?? "") as string;
  if (object.kind !== "BareMetalHost") return "";
  const { conditions = [] } = (object.status ?? {}) as {
    readonly conditions?: readonly { readonly message?: string }[];
  };
  const messages = conditions.map(({ message = "" }) => message);
  return [statusOf(object).errorMessage ?? "", ...messages]
    .filter((each) => each !== "")
    .join("; ");
}

/** The host itself, or the one that an Event is about. */
function aboutOf(object: KubernetesObject): string {
  if (object.kind === "BareMetalHost") return object.metadata.uid;
  return ((object["involvedObject"] ?? {}) as { readonly uid?: string }).uid ?? "";
}
