// Which error kind a completion code is, and what to say about it.
import type { Failure } from "../../../shared/result.ts";
import {
  completionCode as code,
  describeCompletionCode,
} from "../../../shared/wire/ipmi/completion-codes.table.ts";
import type { BmcErrorKind } from "../port.ts";

const kinds: Readonly<Record<number, readonly [kind: BmcErrorKind, next: string]>> = {
  [code.busy]: ["busy", "try later"],
  [code.timeout]: ["busy", "try later"],
  [code.outOfSpace]: ["busy", "try later"],
  [code.noResponse]: ["busy", "try later"],
  [code.initialising]: ["busy", "try when the BMC has started"],
  [code.invalidCommand]: ["unsupported", "use another way to do this"],
  [code.invalidForLun]: ["unsupported", "use another way to do this"],
  [code.insufficientPrivilege]: ["privilege", "give the BMC user operator privilege or more"],
  [code.notInThisState]: ["refused", "read the power state first"],
};

const other = ["refused", "look at the BMC's own log"] as const;

/** @param what the command, for the message: "power cycle" */
export function completionError(
  bmc: string,
  what: string,
  completion: number,
): Failure<BmcErrorKind> {
  const [kind, next] = kinds[completion] ?? other;
  const message = `BMC ${bmc} refused: ${what}, ${describeCompletionCode(completion)}; ${next}`;
  return { kind, message };
}
