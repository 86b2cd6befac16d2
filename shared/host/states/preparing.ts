// State preparing: what must be done to the machine before it may be offered: the first cleaning, and taking
// over the root device hints. RAID is refused openly.
import { clean, cleaningEnded, needsCleaning } from "../concerns/cleaning.ts";
import { hintsOf } from "../concerns/hardware.ts";
import { unsupportedRaid } from "../concerns/unsupported.ts";
import { because, clearErrors, go, type Draft, type StateRules, type Stop } from "../draft.ts";
import { reject } from "../status/errors.ts";
import { handOver, isExternal } from "./hand-over.ts";

export const preparing: StateRules = {
  keeps: (draft, { kind }) =>
    (kind === "clean" || kind === "inspect") && needsCleaning(draft) && !isExternal(draft),
  ended: (draft, operation) =>
    isExternal(draft) ? undefined : cleaningEnded(draft, operation, "preparation error"),
  next: (draft) => handOver(draft) ?? prepare(draft),
};

function prepare(draft: Draft): Stop {
  const raid = unsupportedRaid(draft.snapshot.host.spec);
  if (raid !== undefined) {
    return reject(draft, "preparation error", because("PreparationError", raid), ["spec"]);
  }
  if (needsCleaning(draft)) return clean(draft);
  const { status } = draft.memory;
  const hints = hintsOf(draft);
  if (hints === undefined) delete status.provisioning.rootDeviceHints;
  else status.provisioning.rootDeviceHints = hints;
  clearErrors(draft);
  return go(draft, "available", because("Available", "the host can be provisioned"));
}
