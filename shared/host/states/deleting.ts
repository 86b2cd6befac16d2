// States powering off before delete and deleting: the last two of a host. Neither waits for ever: switching
// off is given up after four failures, deleting touches no machine.
import { hostFinalizer } from "../../metal3/annotations.ts";
import { isHopeless } from "../concerns/deletion.ts";
import { releaseSecrets } from "../concerns/secrets.ts";
import { because, clearErrors, event, go, target, wait } from "../draft.ts";
import type { Draft, EndedOperation, StateRules, Stop } from "../draft.ts";
import { order } from "../order.ts";
import { failOperation } from "../status/errors.ts";

export const poweringOff: StateRules = {
  keeps: (_, { kind }) => kind === "power",
  ended: powerOffEnded,
  next: powerOff,
};

export const deleting: StateRules = { keeps: () => false, ended: () => undefined, next: letGo };

function powerOffEnded(draft: Draft, { view, failure }: EndedOperation): Stop | undefined {
  if (view.kind !== "power" || failure === undefined) return undefined;
  const stop = failOperation(draft, "power management error", failure);
  // Nothing is tried again: there is nothing to wait for.
  return isHopeless(draft) ? undefined : stop;
}

function powerOff(draft: Draft): Stop {
  const { memory, snapshot } = draft;
  const leave = (message: string) => go(draft, "deleting", because("Deleting", message));
  if (snapshot.host.spec.disablePowerOff === true) {
    return leave("spec.disablePowerOff is true: the host stays on");
  }
  if (memory.power?.on === false) {
    clearErrors(draft);
    return leave("the host is off");
  }
  if (isHopeless(draft)) {
    const message = `gave up switching the host off: ${memory.status.errorMessage || "the BMC cannot be logged in to"}; it may still run`;
    event(draft, "Warning", "PowerOffGivenUp", message);
    return leave(message);
  }
  return order(draft, { kind: "power", want: "off", mode: "hard" }, "switches the host off");
}

/** Without its document the site forgets the host; without our finalizer Kubernetes does. */
function letGo(draft: Draft): Stop {
  const { metadata } = draft.snapshot.host;
  const why = because("Deleting", "waits for Kubernetes to remove the object");
  if (metadata.finalizers?.includes(hostFinalizer) !== true) {
    return { next: { kind: "gone" }, because: why };
  }
  draft.writes.push({ kind: "release-hardware-data", ...target(draft) });
  releaseSecrets(draft);
  draft.writes.push({ kind: "metadata", ...target(draft), removeFinalizers: [hostFinalizer] });
  return wait(why, ["write-back"]);
}
