// A machine without a host: takes back the one that names it, else asks for a claim on the best of those that are
// free, else waits and says why none is.
import { machineRules } from "../../capm3/validation/machine-rules.table.ts";
import type { Because } from "../../stop.ts";
import { chooseHost, rejectionOf } from "./choose-host.ts";
import { judge, notTrue } from "../status/conditions.ts";
import { associated } from "../status/conditions.table.ts";
import { ownerOfHost } from "../consumer/consumer.ts";
import type { MachineAwaited } from "../decision.ts";
import { because, flavourOf, tell, wait, type MachineDraft, type Stop } from "../draft.ts";
import { hasFinalizer, isDeployed } from "../gates.ts";
import { readLabelSelector } from "./label-selector.ts";
import { rejections, type Wanted } from "./rejections.table.ts";
import type { HostBrief } from "../snapshot.ts";
import { freeHostLookMs } from "../waits.ts";

export function findHost(draft: MachineDraft): Stop {
  const { object } = draft.snapshot;
  if (!hasFinalizer(draft)) {
    const message = "waits for Kubernetes to show the finalizer";
    return wait(because("AssociatingBareMetalHost", message), ["object"]);
  }
  const own = ownHost(draft);
  if (own !== undefined) return claim(draft, [own.uid], `takes back host ${own.name}`);
  if (isDeployed(draft)) {
    const message = `no host has this machine as its consumer any more${lastHost(object.metadata.annotations)}; delete its Machine to get another`;
    return fail(draft, because("HostGone", message), ["object", "free-host"]);
  }
  if (isOwnerLeaving(draft)) {
    return wait(because("Deleting", "its Machine is being deleted: it gets no host"), ["object"]);
  }
  const problem = specProblem(draft);
  if (problem !== undefined) return fail(draft, because("InvalidSpec", problem), ["object"]);
  return choose(draft);
}

/** A host that names this machine as its consumer, whatever else is with it (M23). */
export function ownHost(draft: MachineDraft): HostBrief | undefined {
  const { hosts, object } = draft.snapshot;
  return hosts.find(
    (host) =>
      !host.gone &&
      host.namespace === object.metadata.namespace &&
      ownerOfHost(draft, host) === "ours" &&
      (host.claimedBy ?? object.metadata.uid) === object.metadata.uid,
  );
}

export function claim(draft: MachineDraft, hosts: readonly string[], message: string): Stop {
  draft.claim = hosts;
  return wait(because("AssociatingBareMetalHost", message), ["host"]);
}

function choose(draft: MachineDraft): Stop {
  const { hosts, draw } = draft.snapshot;
  const wanted = readWanted(draft);
  if (typeof wanted === "string") {
    return fail(draft, because("InvalidHostSelector", wanted), ["object"]);
  }
  const choice = chooseHost({
    ...wanted,
    hosts,
    draw,
    failureDomain: failureDomainOf(draft),
    wayOut: wayOut(draft),
  });
  if (choice.candidates.length > 0) return claim(draft, choice.candidates, "chose a host");
  const none = because("NoHostAvailable", choice.explanation);
  return fail(draft, none, ["free-host", "object"], draft.snapshot.nowMs + freeHostLookMs);
}

/**
 * What is wrong with a host that was claimed and shows no consumer yet; undefined: nothing. Once the consumer is
 * ordered only what bars it counts: a person's deployment, a hold, a deletion.
 */
export function flawOf(
  draft: MachineDraft,
  host: HostBrief,
  isOrdered: boolean,
): string | undefined {
  if (isOwnerLeaving(draft) && !isOrdered) return "is not needed: the Machine is being deleted";
  const wanted = readWanted(draft);
  if (typeof wanted === "string") return isOrdered ? undefined : wanted;
  const among = isOrdered ? rejections.filter(({ bars }) => bars === true) : rejections;
  return rejectionOf(host, wanted, among)?.one;
}

/** A text: what is wrong with the selector. */
function readWanted(draft: MachineDraft): Wanted | string {
  const { metadata, spec } = draft.snapshot.object;
  const field = `${flavourOf(draft).specPath}.hostSelector`;
  const matches = readLabelSelector(spec.hostSelector, field);
  if (!matches.ok) return matches.error.message;
  const { namespace, uid } = metadata;
  return { namespace, uid, matches: matches.value, ownerOf: (host) => ownerOfHost(draft, host) };
}

function isOwnerLeaving({ snapshot }: MachineDraft): boolean {
  return snapshot.owner?.metadata.deletionTimestamp !== undefined;
}

function failureDomainOf({ snapshot }: MachineDraft): string | undefined {
  const domain = snapshot.owner?.spec.failureDomain ?? snapshot.object.spec.failureDomain ?? "";
  return domain === "" ? undefined : domain;
}

function specProblem(draft: MachineDraft): string | undefined {
  const { spec, metadata } = draft.snapshot.object;
  const problems = machineRules.flatMap(({ field, check }) => {
    const problem = check(spec, metadata.namespace);
    return problem === undefined ? [] : [`${flavourOf(draft).specPath}.${field} ${problem}`];
  });
  return problems.length === 0 ? undefined : problems.join("; ");
}

function wayOut({ snapshot }: MachineDraft): string {
  const labels = Object.entries(snapshot.object.spec.hostSelector?.matchLabels ?? {});
  if (labels.length === 0) return "add a host, or free one";
  return `add or free a host, or label one with ${labels.map(([key, value]) => `${key}=${value}`).join(",")}`;
}

function lastHost(annotations: Readonly<Record<string, string>> | undefined): string {
  const name = annotations?.["metal3.io/BareMetalHost"];
  return name === undefined ? "" : ` (it was ${name})`;
}

/** The condition has upstream's reason; Event, log and metric have the finer one. */
export function fail(
  draft: MachineDraft,
  why: Because,
  awaited: readonly [MachineAwaited, ...MachineAwaited[]],
  wakeAtMs?: number,
): Stop {
  judge(draft, associated, notTrue("AssociateBareMetalHostFailed", why.message));
  tell(draft, "Warning", why);
  return wait(why, awaited, wakeAtMs);
}
