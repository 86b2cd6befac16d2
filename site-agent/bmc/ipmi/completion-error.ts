// Which error kind a completion code is, and what to say about it.
import type { Failure } from "../../../shared/result.ts";
import {
  completionCode as code,
  describeCompletionCode,
} from "../../../shared/wire/ipmi/completion-codes.table.ts";
import { chassisCommand } from "../../../shared/wire/ipmi/chassis-commands.ts";
import { netFn } from "../../../shared/wire/ipmi/message.ts";
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

/** Codes from 80h on belong to the command: Set System Boot Options, table 28-12. */
const bootOptionKinds: typeof kinds = {
  [code.bootParameterUnsupported]: ["unsupported", "choose the boot device on the BMC itself"],
  [code.bootSetInProgress]: ["busy", "another program sets boot options; try later"],
};

const other = ["refused", "look at the BMC's own log"] as const;

/** @param command what was refused; `what` is for the message: "power cycle" */
export function completionError(
  bmc: string,
  command: { readonly netFn: number; readonly command: number; readonly what: string },
  completion: number,
): Failure<BmcErrorKind> {
  const setsBoot =
    command.netFn === netFn.chassis && command.command === chassisCommand.setBootOptions;
  const own = setsBoot ? bootOptionKinds[completion] : undefined;
  const [kind, next] = own ?? kinds[completion] ?? other;
  const why = describeCompletionCode(completion);
  return { kind, message: `BMC ${bmc} refused: ${command.what}, ${why}; ${next}` };
}
