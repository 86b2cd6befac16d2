// Names of the Machines that a MachineSet makes: as Kubernetes makes names, but the same again from the same number.
import { sha256Hex } from "../../host/document/canonical-json.ts";

/** Without vowels, and what looks alike: no words, as in Kubernetes' own. */
const letters = "bcdfghjklmnpqrstvwxz2456789";
const suffixLength = 5;
const mostLength = 63;

export function machineNameOf(
  set: { readonly name: string; readonly uid: string },
  number: number,
) {
  const digest = sha256Hex(`${set.uid} ${number}`);
  const suffix = Array.from({ length: suffixLength }, (_none, at) =>
    letters.charAt(Number.parseInt(digest.slice(at * 4, at * 4 + 4), 16) % letters.length),
  ).join("");
  return `${set.name.slice(0, mostLength - suffixLength - 1)}-${suffix}`;
}
