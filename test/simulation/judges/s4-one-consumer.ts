// S4: who uses a host is changed by its users, one after the other. Farrier is the hand of one kind of them: it gives a
// host that nobody holds to a machine that wants such a one, and takes it back when nothing of it is wanted there
// any more. What Kubernetes
// shows of the host may be a moment behind then; what is done to its disks after that was not over.
import type { KubernetesObject } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";
import { consumerOf, isHeld, specOf, stateOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { isDeleting, machineOf, wantedLabels } from "./machine-of.ts";

/** Something of the last user may be on it, or is on its way. */
const inUse = ["preparing", "provisioning", "provisioned", "deprovisioning"];

interface Change {
  readonly cluster: string;
  readonly before: KubernetesObject | undefined;
  readonly after: KubernetesObject;
  /** Farrier's. */
  readonly isOurs: boolean;
}

export const s4: JudgeKind = {
  id: "S4",
  says: "a host's consumer goes before another comes; Farrier gives hosts that are free to machines that want such only, and takes back what they have given back",
  make(report) {
    /** By uid of the host: the path of one that was left while Kubernetes showed it in use. */
    const left = new Map<string, string>();
    return {
      on: {
        object({ before, after, by, verb, path, cluster }, truth) {
          if (after.kind !== "BareMetalHost") return;
          const isLeft = verb !== "gone" && isLeftInUse(after);
          if (!isLeft) left.delete(after.metadata.uid);
          if (consumerOf(before) === consumerOf(after) || verb === "gone") return;
          const isOurs = by === "farrier";
          const problem = problemOf(truth, { cluster, before, after, isOurs });
          if (problem !== undefined) report(`${problem}: ${wordsOf(before, after)}`, path);
          if (isOurs && isLeft) left.set(after.metadata.uid, path);
        },
        disk({ machine, change, disk }, truth) {
          const { macs = [] } = truth.machines.get(machine) ?? {};
          for (const { object } of left.size === 0 ? [] : truth.hostsOf(machine)) {
            const path = left.get(object.metadata.uid);
            // Behind exchanged cables its BMC is this machine's, and its disks are another's.
            const isOfHost = macs.includes((specOf(object).bootMACAddress ?? "").toLowerCase());
            if (path === undefined || !isOfHost) continue;
            report(`${change} on ${disk} after Farrier took the host from its machine`, path);
          }
        },
      },
    };
  },
};

/** A host that is deleted under its machine cannot be waited for. */
function isLeftInUse(host: KubernetesObject): boolean {
  return consumerOf(host) === undefined && inUse.includes(stateOf(host)) && !isDeleting(host);
}

function wordsOf(before: KubernetesObject | undefined, after: KubernetesObject): string {
  return `${consumerOf(before) ?? "nobody"} → ${consumerOf(after) ?? "nobody"}`;
}

function problemOf(truth: Truth, change: Change): string | undefined {
  const isGiven = consumerOf(change.after) !== undefined;
  if (isGiven && consumerOf(change.before) !== undefined) return "the host was taken";
  if (!change.isOurs) return undefined;
  return isGiven ? wrongClaim(truth, change) : wrongRelease(truth, change);
}

function wrongClaim(truth: Truth, { cluster, before, after }: Change): string | undefined {
  const machine = machineOf(truth, cluster, after);
  if (machine === undefined) return "Farrier gave the host to what is no machine";
  if (before === undefined) return undefined;
  const isBarred = isHeld(before) || isDeleting(before) || isExternal(before);
  if (isBarred && !isOwnAgain(machine, before)) return "Farrier gave away a host that is held";
  return matches(machine, before) ? undefined : "Farrier gave a host that the machine did not want";
}

function isExternal(host: KubernetesObject): boolean {
  return specOf(host).externallyProvisioned === true;
}

/** It was the machine's, and runs what is. */
function isOwnAgain({ spec }: KubernetesObject, host: KubernetesObject): boolean {
  return spec?.["providerID"] !== undefined && (specOf(host).image ?? undefined) !== undefined;
}

/** Labels stay what they are for as long as the host. */
function matches(machine: KubernetesObject, { metadata }: KubernetesObject): boolean {
  return wantedLabels(machine).every(([label, value]) => metadata.labels?.[label] === value);
}

function wrongRelease(truth: Truth, { cluster, before, after }: Change): string | undefined {
  const machine = machineOf(truth, cluster, before);
  if (machine === undefined) return "Farrier took the host from another's consumer";
  if (isDeleting(after)) return undefined;
  const spec = specOf(after);
  const parts = ["image", "customDeploy", "userData"] as const;
  const left = parts.find((part) => (spec[part] ?? undefined) !== undefined);
  return left && `Farrier took the host from its machine, and left ${left} to the next`;
}
