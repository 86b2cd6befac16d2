// States provisioned and externally provisioned: the host is in use. Power follows the spec; an image that
// was removed or replaced, or a rebuild that was asked for, leads to deprovisioning.
import { rebuildAnnotation } from "../../metal3/annotations.ts";
import { isGivenUp, wantedImage } from "../concerns/image.ts";
import { power, powerEnded } from "../concerns/power.ts";
import { annotationOf, because, event, go, takeAnnotation } from "../draft.ts";
import type { Draft, StateRules, Stop } from "../draft.ts";

const inUse = {
  keeps: (_, { kind }) => kind === "power",
  ended: (draft, operation) =>
    operation.view.kind === "power" ? powerEnded(draft, operation) : undefined,
} satisfies Partial<StateRules>;

export const provisioned: StateRules = {
  ...inUse,
  next: (draft) => deprovision(draft) ?? power(draft),
};

export const externallyProvisioned: StateRules = {
  ...inUse,
  next: (draft) => takeOver(draft) ?? power(draft),
};

function deprovision(draft: Draft): Stop | undefined {
  if (draft.snapshot.host.spec.externallyProvisioned === true) return undefined;
  const rebuilds = annotationOf(draft, rebuildAnnotation) !== undefined;
  if (!rebuilds && !isGivenUp(draft)) return undefined;
  if (rebuilds) takeAnnotation(draft, rebuildAnnotation);
  return leave(
    draft,
    rebuilds ? "asked to rebuild the host" : "spec.image was removed or has another URL",
  );
}

function leave(draft: Draft, message: string): Stop {
  draft.memory.allocation = "";
  event(draft, "Normal", "DeprovisioningStarted", message);
  return go(draft, "deprovisioning", because("DeprovisioningStarted", message));
}

/**
 * What the spec names counts as what is on the disk: it stays. Nothing means deprovisioning, at once: an image that is
 * named a moment later is to be written.
 */
function takeOver(draft: Draft): Stop | undefined {
  const { spec } = draft.snapshot.host;
  if (spec.externallyProvisioned === true) return undefined;
  if (wantedImage(spec) === undefined && spec.customDeploy === undefined) {
    return leave(draft, "spec.externallyProvisioned was cleared, and spec.image names nothing");
  }
  const shown = draft.memory.status.provisioning;
  shown.image = spec.image ?? { url: "" };
  if (spec.customDeploy !== undefined) shown.customDeploy = spec.customDeploy;
  const why = because(
    "TakenOver",
    "spec.externallyProvisioned was cleared; spec.image counts as written",
  );
  return go(draft, "provisioned", why);
}
