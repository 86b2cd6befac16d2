// Which host a machine gets: all that may be taken, best first, and why each of the others may not. Equal ones are
// ordered by chance, as upstream does.
import {
  failureDomainLabel,
  rejections,
  type Rejection,
  type Wanted,
  type Words,
} from "./rejections.table.ts";
import type { HostBrief } from "../snapshot.ts";

export interface Question extends Wanted {
  readonly hosts: readonly HostBrief[];
  /** Preferred, not required. */
  readonly failureDomain: string | undefined;
  readonly draw: string;
  /** "label one with …": the way out where no host matches. */
  readonly wayOut: string;
}

export interface Choice {
  /** Uids of hosts, best first. */
  readonly candidates: readonly string[];
  /** For people: how many hosts were looked at, and what is with them. */
  readonly explanation: string;
}

/** More are not taken by others while one is being claimed; if they are, the next look shows it. */
const mostCandidates = 100;
/** Names of hosts that a message tells for each reason. */
const named = 3;

export function chooseHost(question: Question): Choice {
  const free: HostBrief[] = [];
  const refused = new Map<string, { readonly several: string; readonly names: string[] }>();
  for (const host of question.hosts) {
    const rejection = rejectionOf(host, question);
    if (rejection === undefined) {
      free.push(host);
      continue;
    }
    const { one, several } = rejection;
    const known = refused.get(one);
    if (known === undefined) refused.set(one, { several, names: [host.name] });
    else known.names.push(host.name);
  }
  return { candidates: rank(free, question), explanation: explain(question, refused) };
}

/** Why a host may not be taken, for one and for several such hosts; undefined: it may. */
export function rejectionOf(
  host: HostBrief,
  wanted: Wanted,
  among: readonly Rejection[] = rejections,
): { readonly one: string; readonly several: string } | undefined {
  const found = among.find(({ applies }) => applies(host, wanted));
  if (found === undefined) return undefined;
  const text = (words: Words) => (typeof words === "string" ? words : words(host));
  return { one: text(found.one), several: text(found.several) };
}

/** The failure domain first, then hosts that can be worked on now, then chance. */
function rank(hosts: readonly HostBrief[], { failureDomain, draw }: Question): readonly string[] {
  return hosts
    .map((host) => ({
      uid: host.uid,
      isElsewhere: failureDomain !== undefined && host.labels[failureDomainLabel] !== failureDomain,
      isAway: host.site?.connection !== "connected",
      chance: hash(`${draw} ${host.uid}`),
    }))
    .toSorted(
      (left, right) =>
        Number(left.isElsewhere) - Number(right.isElsewhere) ||
        Number(left.isAway) - Number(right.isAway) ||
        left.chance - right.chance,
    )
    .slice(0, mostCandidates)
    .map(({ uid }) => uid);
}

/** FNV-1a with the finalizer of MurmurHash3: an order that has nothing to do with names is all that is asked of it. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

function explain(
  { hosts, namespace, wayOut }: Question,
  refused: ReadonlyMap<string, { readonly several: string; readonly names: readonly string[] }>,
): string {
  if (hosts.length === 0) return `there is no BareMetalHost in namespace ${namespace}; create one`;
  const reasons = [...refused]
    .toSorted(([, left], [, right]) => right.names.length - left.names.length)
    .map(([one, { several, names }]) => {
      const sorted = names.toSorted();
      const more = sorted.length > named ? ", …" : "";
      const list = `(${sorted.slice(0, named).join(", ")}${more})`;
      return `${names.length} ${names.length === 1 ? one : several} ${list}`;
    });
  const looked = `${hosts.length} ${hosts.length === 1 ? "host" : "hosts"} looked at`;
  return `no available host found: ${looked}: ${reasons.join(", ")}; ${wayOut}`;
}
