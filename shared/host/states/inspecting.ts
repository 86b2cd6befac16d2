// State inspecting: the ramdisk reads the machine; HardwareData, the pins and spec.architecture follow. A host that
// becomes externally provisioned needs none of them.
import { readReboots, rebootAnnotation } from "../../metal3/annotations.ts";
import { inspectionDisabled, pin, publishHardware } from "../concerns/hardware.ts";
import { because, clearBackoff, clearErrors, event, go, takeAnnotation } from "../draft.ts";
import type { Draft, EndedOperation, StateRules, Stop } from "../draft.ts";
import { order } from "../order.ts";
import { failOperation } from "../status/errors.ts";
import { handOver, isExternal } from "./hand-over.ts";

export const inspecting: StateRules = { keeps, ended, next };

function keeps(draft: Draft, { kind }: { kind: string }): boolean {
  return kind === "inspect" && isWanted(draft) && !takeForcedReboot(draft);
}

/** It restarts an inspection that hangs, or waits to be tried again, as upstream has it. One that holds does neither. */
function takeForcedReboot(draft: Draft): boolean {
  const { memory, snapshot } = draft;
  const isAsked = readReboots(snapshot.host.metadata.annotations).some(
    ({ key, force, holds }) => force && !holds && memory.taken?.includes(key) !== true,
  );
  if (isAsked) takeAnnotation(draft, rebootAnnotation);
  return isAsked;
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
  if (takeForcedReboot(draft)) clearBackoff(draft);
  const stays = host.spec.online || host.spec.disablePowerOff === true;
  const afterwards = stays ? "stay" : "power-off";
  return order(draft, { kind: "inspect", afterwards }, "inspects the hardware");
}
