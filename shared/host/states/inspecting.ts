// State inspecting: the ramdisk reads the machine; HardwareData, the pins and spec.architecture follow. A host that
// becomes externally provisioned needs none of them.
import { readReboots, rebootAnnotation } from "../../metal3/annotations.ts";
import { inspectionDisabled, pin, publishHardware } from "../concerns/hardware.ts";
import { because, clearErrors, event, go, takeAnnotation } from "../draft.ts";
import type { Draft, EndedOperation, StateRules, Stop } from "../draft.ts";
import { order } from "../order.ts";
import { failOperation } from "../status/errors.ts";
import { handOver, isExternal } from "./hand-over.ts";

export const inspecting: StateRules = { keeps, ended, next };

/** A forced reboot restarts an inspection that hangs, as upstream has it. */
function keeps(draft: Draft, { kind }: { kind: string }): boolean {
  if (kind !== "inspect" || !isWanted(draft)) return false;
  const taken = draft.memory.taken ?? [];
  const forced = readReboots(draft.snapshot.host.metadata.annotations).filter(
    ({ key, force }) => force && !taken.includes(key),
  );
  if (forced.some(({ key }) => key === rebootAnnotation)) takeAnnotation(draft, rebootAnnotation);
  return forced.length === 0;
}

function ended(draft: Draft, { result, failure, view }: EndedOperation): Stop | undefined {
  if (view.kind !== "inspect") return undefined;
  if (result?.kind === "inspect") {
    pin(draft, result);
    publishHardware(draft, result.hardware);
    clearErrors(draft);
    event(draft, "Normal", "InspectionComplete", "hardware inspection completed");
    const why = because("InspectionComplete", "the hardware is known");
    return handOver(draft) ?? go(draft, "preparing", why);
  }
  if (failure === undefined || !isWanted(draft)) return undefined;
  return failOperation(draft, "inspection error", failure);
}

function isWanted(draft: Draft): boolean {
  return !inspectionDisabled(draft.snapshot.host) && !isExternal(draft);
}

function next(draft: Draft): Stop {
  return handOver(draft) ?? inspect(draft);
}

function inspect(draft: Draft): Stop {
  const { host } = draft.snapshot;
  if (inspectionDisabled(host)) {
    clearErrors(draft);
    event(draft, "Normal", "InspectionSkipped", "hardware inspection was disabled");
    return go(draft, "preparing", because("InspectionSkipped", "inspection is disabled"));
  }
  const stays = host.spec.online || host.spec.disablePowerOff === true;
  const afterwards = stays ? "stay" : "power-off";
  return order(draft, { kind: "inspect", afterwards }, "inspects the hardware");
}
