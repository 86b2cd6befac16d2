// L14: a host that is used and that somebody detaches is soon let go. Judged where nothing runs on the machine that has
// to end first: what is past its point of no return finishes, and its status says so. Nor is work given up for nothing.
import { anything, betweenPeopleAndAgents, Calm } from "./calm.ts";
import { fleetOf, isOrdinary } from "./fleet-of.ts";
import type { FleetHost } from "./fleet-of.ts";
import { detachedAnnotation, pausedAnnotation, stateOf, statusOf } from "./host-of.ts";
import { GivenUpWork } from "./given-up-work.ts";
import type { JudgeKind } from "./judge.ts";
import { Waits } from "./waits.ts";

const boundMs = 10_000;
const used: readonly string[] = ["available", "provisioned", "externally provisioned"];

export const l14: JudgeKind = {
  id: "L14",
  says: "a host that is used is detached 10 s after the annotation, unless a ramdisk works on its machine; work that nobody took back goes on",
  make(report, work = new GivenUpWork()) {
    const calm = new Calm();
    const sinceMs = () => calm.connectedSinceMs(anything);
    const waits = new Waits(boundMs, (uid, afterMs) =>
      report(`${uid} is not detached ${afterMs} ms after it was asked for`, uid),
    );
    return {
      on: {
        ...calm.on,
        delivered(event) {
          const problem = work.problemOf(event, calm.connectedSinceMs(betweenPeopleAndAgents));
          if (problem !== undefined) report(problem, event.hostUid);
        },
        object(event) {
          work.onObject(event);
          const { after, verb, atMs } = event;
          if (after.kind !== "BareMetalHost") return;
          const { uid, annotations = {}, deletionTimestamp } = after.metadata;
          const isAsked =
            verb !== "gone" &&
            annotations[detachedAnnotation] !== undefined &&
            annotations[pausedAnnotation] === undefined &&
            deletionTimestamp === undefined &&
            used.includes(stateOf(after));
          if (!isAsked) waits.drop(uid);
          else if (statusOf(after).operationalStatus === "detached") {
            waits.end(uid, atMs, sinceMs());
          } else waits.begin(uid, atMs);
        },
      },
      look(truth) {
        if (waits.keys.length === 0) return;
        for (const host of fleetOf(truth)) {
          if (isWorkedOn(host)) waits.drop(host.object.metadata.uid);
        }
        waits.look(truth.nowMs(), sinceMs);
      },
    };
  },
};

function isWorkedOn({ machine }: FleetHost): boolean {
  return machine === undefined || !isOrdinary(machine) || machine.running === "ramdisk";
}
