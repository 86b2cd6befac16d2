// State registering: the site, the spec, the Secret and the claims must be in order, then the BMC answers.
import { inspectionDisabled } from "../concerns/hardware.ts";
import { register } from "../concerns/registration.ts";
import {
  because,
  clearErrors,
  event,
  go,
  wait,
  type Draft,
  type StateRules,
  type Stop,
} from "../draft.ts";
import { waitsForSite } from "../order.ts";
import { claimsLater } from "../document/build-document.ts";
import { reject } from "../status/errors.ts";

export const registering: StateRules = {
  keeps: () => false,
  ended: () => undefined,
  next,
};

function next(draft: Draft): Stop {
  const { host, invalid, claimConflict, site } = draft.snapshot;
  const type = "registration error";
  if (invalid.length > 0) {
    return reject(draft, type, because("RegistrationError", invalid.join("; ")), ["spec"]);
  }
  if (site.kind === "none") {
    const why = because("RegistrationError", `no site: ${site.reason}`);
    return reject(draft, type, why, ["site", "spec"]);
  }
  if (claimConflict !== undefined) {
    return reject(draft, type, because("RegistrationError", claimConflict), ["claim", "spec"]);
  }
  if (claimsLater(draft)) {
    const why = because(
      "Adopting",
      "lets hosts that hold their machines already be taken over first",
    );
    return wait(why, ["claim"], draft.memory.claimsFromMs);
  }
  const unregistered = register(draft) ?? waitsForSite(draft);
  if (unregistered !== undefined) return unregistered;
  clearErrors(draft);
  if (host.spec.externallyProvisioned === true) {
    const why = because("Registered", "the BMC answers; the host is externally provisioned");
    return go(draft, "externally provisioned", why);
  }
  if (inspectionDisabled(host)) {
    return go(draft, "preparing", because("Registered", "the BMC answers; inspection is disabled"));
  }
  event(draft, "Normal", "InspectionStarted", "hardware inspection started");
  return go(draft, "inspecting", because("Registered", "the BMC answers"));
}
