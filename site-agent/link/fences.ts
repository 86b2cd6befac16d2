// The fences at the point of no return: everything that must still be true when the first byte is destroyed
// or the power is cut. No answer, a doubt, or a missing fact is a no. The answer says why.
import type { HostDocument } from "../../shared/protocol/host-document.ts";
import type { Operation } from "../../shared/protocol/operation.ts";
import type { DiskIdentity, MachineIdentity } from "../../shared/protocol/ramdisk.ts";
import type { Clock } from "../ports.ts";
import type { Documents } from "./documents.ts";
import type { Lease } from "./lease.ts";
import type { SiteGuard } from "./site-guard.ts";

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

export interface Fences {
  /** Before power is cut or switched on for this operation. */
  mayTouch(received: Received): Promise<Refusal | undefined>;
  /** Before the first destroyed byte on these disks of this machine. */
  mayDestroy(received: Received, question: Question): Promise<Refusal | undefined>;
}

export function makeFences(deps: {
  documents: Documents;
  lease: Lease;
  guard: SiteGuard;
  clock: Clock;
}): Fences {
  const common = (received: Received): Refusal | undefined => {
    const { operation } = received;
    const ageMs = deps.clock.monotonicMs() - received.atMs;
    if (ageMs > operation.validForMs) {
      return {
        kind: "expired",
        message: `the operation was valid for ${operation.validForMs / 1000} s and is ${Math.round(ageMs / 1000)} s old`,
      };
    }
    const lease = deps.lease.problem();
    if (lease !== undefined) return { kind: "fenced", message: lease };
    return documentProblem(operation, deps.documents.get(operation.hostUid));
  };
  return {
    async mayTouch(received) {
      const refusal = common(received);
      if (refusal !== undefined) return refusal;
      const identity = deps.documents.get(received.operation.hostUid)?.spec.identity;
      return guardProblem(await deps.guard.problem(received.operation.hostUid, identity));
    },
    async mayDestroy(received, question) {
      const refusal = common(received);
      if (refusal !== undefined) return refusal;
      const spec = deps.documents.get(received.operation.hostUid)?.spec;
      const wrong =
        machineProblem(spec?.identity, question.identity, spec?.bootMACAddress) ??
        diskProblem(spec?.disks ?? [], question.disks);
      if (wrong !== undefined) return { kind: "identity", message: wrong };
      return guardProblem(await deps.guard.problem(received.operation.hostUid, question.identity));
    },
  };
}

function guardProblem(problem: string | undefined): Refusal | undefined {
  return problem === undefined ? undefined : { kind: "guard", message: problem };
}

function documentProblem(
  operation: Operation,
  document: HostDocument | undefined,
): Refusal | undefined {
  const no = (message: string): Refusal => ({ kind: "fenced", message });
  if (document === undefined) return no("the host is no longer this site's");
  const { spec, revision } = document;
  if (revision < operation.revision) {
    return no(`revision ${operation.revision} of the host has not arrived here yet`);
  }
  if (revision !== operation.revision || spec.allocation !== operation.allocation) {
    return no(
      `the host changed (revision ${operation.revision} → ${revision}) after this work was ordered`,
    );
  }
  if (spec.hold.paused) return no("the host is paused");
  if (spec.hold.detached) return no("the host is detached");
  const destroys = operation.class === "once";
  if (spec.hold.externallyProvisioned && destroys) return no("the host is externally provisioned");
  return undefined;
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
    : `disk ${wrong.name} (serial ${wrong.serialNumber ?? "none"}, ${wrong.sizeBytes} bytes) is not one of the inspected disks; inspect the host again`;
}

export function isSameDisk(a: DiskIdentity, b: DiskIdentity): boolean {
  if (a.sizeBytes !== b.sizeBytes || a.serialNumber !== b.serialNumber || a.wwn !== b.wwn)
    return false;
  const anonymous = a.serialNumber === undefined && a.wwn === undefined;
  return !anonymous || a.name === b.name;
}
