// What a person is told when two hosts want one BMC or one boot MAC address: by admission and in the status alike.
import { quote } from "../../result.ts";
import type { Claim } from "../decision.ts";

/** @param holder name of the other host; undefined: it is not for this reader to know */
export function claimConflictText({ kind, value }: Claim, holder: string | undefined): string {
  const field = kind === "bmc" ? "spec.bmc.address: BMC" : "spec.bootMACAddress: MAC address";
  // A claim of IPMI ends with an empty system id, which nobody typed.
  const what = `${field} ${value.replace(/\/$/, "")} is used by`;
  return holder === undefined
    ? `${what} another host; correct it, or have that host removed`
    : `${what} host ${quote(holder)} of this namespace; correct it, or delete that host`;
}
