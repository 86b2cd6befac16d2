// States "" and unmanaged: nothing is known of a BMC. The document at the site, claims and operations start
// with registering.
import {
  because,
  event,
  go,
  settled,
  stateOf,
  type Draft,
  type StateRules,
  type Stop,
} from "../draft.ts";

export const unmanaged: StateRules = {
  keeps: () => false,
  ended: () => undefined,
  next,
};

function next(draft: Draft): Stop {
  const { bmc } = draft.snapshot.host.spec;
  if ((bmc?.address ?? "") !== "" || (bmc?.credentialsName ?? "") !== "") {
    return go(draft, "registering", because("Registering", "the host has a BMC"));
  }
  const why = because("Unmanaged", "waits for spec.bmc.address and spec.bmc.credentialsName");
  if (stateOf(draft) === "unmanaged") return settled(why);
  event(draft, "Normal", "Discovered", "discovered a host without BMC details");
  const stop = go(draft, "unmanaged", why);
  draft.memory.status.operationalStatus = "discovered";
  return stop;
}
