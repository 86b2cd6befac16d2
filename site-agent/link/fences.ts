// The fences at the point of no return: everything that must still be true when the first byte is destroyed
// or the power is cut. No answer, a doubt, or a missing fact is a no. The answer says why.
import { describeDisk, isSameDisk } from "../../shared/host/disk-identity.ts";
import type { HostDocumentSpec } from "../../shared/protocol/host-document.ts";
import type { Operation } from "../../shared/protocol/operation.ts";
import type { DiskIdentity, MachineIdentity } from "../../shared/protocol/ramdisk.ts";
import type { Clock } from "../ports.ts";
import type { Documents } from "./documents.ts";
import type { Lease } from "./lease.ts";
import type { GuardedAct, SiteGuard } from "./site-guard.ts";

export interface Received {
  readonly operation: Operation;
  /** Monotonic ms of its receipt; its age is counted from here. */
  readonly atMs: number;
}

export interface Question {
  readonly identity: MachineIdentity;
  readonly disks: readonly DiskIdentity[];
}

/** `kind` becomes the operation's failure kind. */
export interface Refusal {
  readonly kind: "fenced" | "expired" | "guard" | "identity";
  readonly message: string;
}

/** The order, or who gave it, holds no more. */
export interface Outdated extends Refusal {
  readonly kind: "fenced" | "expired";
}

export interface Fences {
  /** Before anything changes the machine's state: "destroy" when it cuts the power, else "touch". */
  mayTouch(received: Received, act: GuardedAct): Promise<Refusal | undefined>;
  /** Asked anew after it was allowed and something was waited for: all of it but the site guard. */
  mayStillTouch(received: Received): Outdated | undefined;
  /**
   * For an operation that has cut the power and is on its way to what comes after: it needs no fresh word of the
   * control plane, but stops when the host, or the site, was taken out of its hands.
   */
  mayGoOn(received: Received): Outdated | undefined;
  /** Before the first destroyed byte on these disks of this machine. */
  mayDestroy(received: Received, question: Question): Promise<Refusal | undefined>;
}

export interface FenceDeps {
  readonly documents: Documents;
  readonly lease: Lease;
  readonly guard: Pick<SiteGuard, "problem">;
  readonly clock: Clock;
}

export function makeFences(deps: FenceDeps): Fences {
  const specOf = ({ operation }: Received) => deps.documents.get(operation.hostUid)?.spec;
  return {
    async mayTouch(received, act) {
      const refusal = freshProblem(deps, received);
      if (refusal !== undefined) return refusal;
      const spec = specOf(received);
      const { identity, bootMACAddress } = spec ?? {};
      const macs = [
        ...(identity?.macs ?? []),
        ...(bootMACAddress === undefined ? [] : [bootMACAddress]),
      ];
      const { hostUid } = received.operation;
      return guardProblem(
        await deps.guard.problem({ act, hostUid, macs, systemUuid: identity?.systemUuid }),
      );
    },
    mayStillTouch: (received) => freshProblem(deps, received),
    mayGoOn(received) {
      if (deps.lease.isTaken()) return fenced(taken);
      const spec = specOf(received);
      return spec === undefined ? fenced(notHere) : holdProblem(received.operation, spec);
    },
    async mayDestroy(received, { identity, disks }) {
      if (!destroys(received.operation)) return fenced("this operation destroys nothing");
      const refusal = freshProblem(deps, received);
      if (refusal !== undefined) return refusal;
      const spec = specOf(received);
      const wrong =
        machineProblem(spec?.identity, identity, spec?.bootMACAddress) ??
        diskProblem(spec?.disks ?? [], disks);
      if (wrong !== undefined) return { kind: "identity", message: wrong };
      const { macs, systemUuid } = identity;
      const { hostUid } = received.operation;
      const problem = await deps.guard.problem({ act: "destroy", hostUid, macs, systemUuid });
      // The world may have moved while the guard's file was read.
      return guardProblem(problem) ?? freshProblem(deps, received);
    },
  };
}

const taken = "the control plane said that this agent acts for the site no more";
const notHere = "the host is no longer this site's";

function fenced(message: string): Outdated {
  return { kind: "fenced", message };
}

function guardProblem(problem: string | undefined): Refusal | undefined {
  return problem === undefined ? undefined : { kind: "guard", message: problem };
}

/** Age, lease, revision, allocation, holds. */
function freshProblem(
  { clock, lease, documents }: FenceDeps,
  { operation, atMs }: Received,
): Outdated | undefined {
  const ageMs = clock.monotonicMs() - atMs;
  if (ageMs > operation.validForMs) {
    return {
      kind: "expired",
      message: `the operation was valid for ${operation.validForMs / 1000} s and is ${Math.round(ageMs / 1000)} s old`,
    };
  }
  const problem = lease.problem();
  if (problem !== undefined) return fenced(problem);
  const document = documents.get(operation.hostUid);
  if (document === undefined) return fenced(notHere);
  const { spec, revision } = document;
  if (revision < operation.revision) {
    return fenced(`revision ${operation.revision} of the host has not arrived here yet`);
  }
  if (revision !== operation.revision || spec.allocation !== operation.allocation) {
    return fenced(
      `the host changed (revision ${operation.revision} → ${revision}) after this work was ordered`,
    );
  }
  return holdProblem(operation, spec);
}

function holdProblem(operation: Operation, { hold }: HostDocumentSpec): Outdated | undefined {
  if (hold.paused) return fenced("the host is paused");
  if (hold.detached) return fenced("the host is detached");
  // Its power may follow the spec; nothing may boot or write it.
  const isPower = operation.payload.kind === "power" && operation.class === "converge";
  return hold.externallyProvisioned && !isPower
    ? fenced("the host is externally provisioned")
    : undefined;
}

/** By what it does; its class is only the control plane's word. */
function destroys({ payload, class: said }: Operation): boolean {
  return (payload.kind === "clean" || payload.kind === "provision") && said === "once";
}

/** Undefined when the machine is the pinned one. */
export function machineProblem(
  pinned: MachineIdentity | undefined,
  seen: MachineIdentity,
  bootMAC: string | undefined,
): string | undefined {
  if (pinned === undefined)
    return "the host was never inspected, so its machine cannot be recognised";
  const macs = new Set(seen.macs.map((mac) => mac.toLowerCase()));
  if (bootMAC !== undefined && !macs.has(bootMAC.toLowerCase())) {
    return `the machine has no NIC ${bootMAC}; it has ${seen.macs.join(", ") || "none"}`;
  }
  const expected = new Set(pinned.macs.map((mac) => mac.toLowerCase()));
  const same = macs.size === expected.size && [...expected].every((mac) => macs.has(mac));
  if (!same) {
    return `the machine's NICs are ${[...macs].toSorted().join(", ")}, inspected were ${[...expected].toSorted().join(", ")}; inspect it again`;
  }
  return (
    differs("UUID", pinned.systemUuid?.toLowerCase(), seen.systemUuid?.toLowerCase()) ??
    differs("serial number", pinned.serialNumber, seen.serialNumber)
  );
}

function differs(
  what: string,
  pinned: string | undefined,
  seen: string | undefined,
): string | undefined {
  return pinned === undefined || pinned === seen
    ? undefined
    : `the machine's ${what} is ${seen ?? "not set"}, inspected was ${pinned}; inspect it again`;
}

/** Undefined when each disk is one of the approved, by what it is and not by its name. */
export function diskProblem(
  approved: readonly DiskIdentity[],
  disks: readonly DiskIdentity[],
): string | undefined {
  if (disks.length === 0) return "no disk was named";
  const wrong = disks.find((disk) => !approved.some((each) => isSameDisk(each, disk)));
  return wrong === undefined
    ? undefined
    : `disk ${describeDisk(wrong)} is not one of the inspected disks; inspect the host again`;
}
