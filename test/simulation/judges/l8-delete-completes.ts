// L8: a host that is deleted goes, in a time that depends on what has to be done for it. What holds it back on purpose
// (paused, or detached with a delay) stops the clock. Counted from when nothing is wrong; where the BMC cannot be used
// for good, since its address or its Secret is wrong, the longest bound counts: Farrier gives up after some tries. Not
// judged where the operator of the site lets it wait. A boot that a fault or a person spoiled ends in its own time (L15);
// the deletion goes on from there.
import type { KubernetesObject } from "../world/events.ts";
import { anything, betweenPeopleAndAgents, Calm } from "./calm.ts";
import { fleetOf, isLetIn, mayLogIn } from "./fleet-of.ts";
import type { FleetHost } from "./fleet-of.ts";
import { detachedAnnotation, pausedAnnotation, stateOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { SpoiledWork } from "./spoiled-work.ts";
import { Waits } from "./waits.ts";

const minuteMs = 60_000;
const forceAnnotation = "farrier.dev/force-delete";
const fewSessions: readonly string[] = ["one-session", "two-sessions"];

export const l8: JudgeKind = {
  id: "L8",
  says: "a deletion completes: forced in 10 s, detached or external in 60 s, else in 10 min, or 15 min without a BMC",
  make(report) {
    const calm = new Calm();
    const spoiled = new SpoiledWork();
    const sinceMs = (uid: string): number | undefined =>
      spoiled.sinceMs(uid, calm.connectedSinceMs(anything));
    const withoutBmc = () => calm.connectedSinceMs(betweenPeopleAndAgents);
    const kept = (what: string, boundMs: number) =>
      new Waits(boundMs, (uid, afterMs) =>
        report(`${what} ${uid} is there after ${afterMs} ms`, uid),
      );
    const forced = kept("forced,", 10_000);
    const left = kept("detached or external,", minuteMs);
    const reachable = kept("with a BMC,", 10 * minuteMs);
    const any = kept("in any case,", 15 * minuteMs);
    const all = [forced, left, reachable, any];
    const external = new Set<string>();
    /** Machines whose BMC accepted the last command and did nothing: it is given again after a minute or two. */
    const idle = new Set<string>();
    const gone = (uid: string, atMs: number): void => {
      forced.end(uid, atMs, withoutBmc());
      left.end(uid, atMs, sinceMs(uid));
      reachable.end(uid, atMs, sinceMs(uid));
      any.end(uid, atMs, sinceMs(uid));
    };
    const isSlow = (host: FleetHost): boolean =>
      hasFewSessions(host) || idle.has(host.machine?.name ?? "");
    /** Undefined: as before. Attached again, it is erased and switched off as any other. */
    const isLeft = (object: KubernetesObject, host: FleetHost | undefined): boolean | undefined => {
      const { uid } = object.metadata;
      const state = stateOf(object);
      if (state === "externally provisioned") external.add(uid);
      if (isDetached(object)) return true;
      if (host === undefined || !isLetIn(host) || isSlow(host)) return false;
      if (state === "externally provisioned") return true;
      const isOnItsWay = external.has(uid) && state !== "deprovisioning";
      return isOnItsWay || state === "deleting" ? undefined : false;
    };
    const begin = (object: KubernetesObject, host: FleetHost | undefined, atMs: number): void => {
      const { uid, annotations = {} } = object.metadata;
      if (annotations[forceAnnotation] !== undefined) forced.begin(uid, atMs);
      const isShort = isLeft(object, host);
      if (isShort === true) left.begin(uid, atMs);
      else if (isShort === false) left.drop(uid);
      if (host !== undefined && mayLogIn(host)) reachable.begin(uid, atMs);
      else reachable.drop(uid);
      any.begin(uid, atMs);
    };
    return {
      on: {
        ...calm.on,
        fault(event) {
          calm.on.fault(event);
          spoiled.onFault(event);
        },
        delivered: (event) =>
          spoiled.onDelivered(event, calm.connectedSinceMs(anything) === undefined),
        power: (event, truth) => spoiled.onPower(event, truth),
        "power-command"({ machine, done }) {
          if (done) idle.delete(machine);
          else idle.add(machine);
        },
        reported: (event) => spoiled.onReported(event),
        object({ after, verb, atMs }, truth) {
          if (after.kind !== "BareMetalHost") return;
          const { uid, deletionTimestamp } = after.metadata;
          if (verb === "gone") return gone(uid, atMs);
          if (deletionTimestamp === undefined) return;
          const host = fleetOf(truth).find(({ object }) => object.metadata.uid === uid);
          if (isKept(after) || truth.guards.has(host?.machine?.site ?? "")) {
            for (const waits of all) waits.drop(uid);
          } else begin(after, host, atMs);
        },
      },
      look(truth) {
        forced.look(truth.nowMs(), withoutBmc);
        for (const waits of [left, reachable, any]) waits.look(truth.nowMs(), sinceMs);
      },
    };
  },
};

/** One that was lost keeps its place for minutes, and nobody gets in meanwhile. */
function hasFewSessions({ machine }: FleetHost): boolean {
  return machine?.quirks.some((quirk) => fewSessions.includes(quirk)) === true;
}

function isKept({ metadata }: KubernetesObject): boolean {
  const { annotations = {} } = metadata;
  const delays = annotations[detachedAnnotation]?.includes('"delay"') === true;
  return annotations[pausedAnnotation] !== undefined || delays;
}

/** Nothing at all is done to its machine; one that is external is switched off. */
function isDetached({ metadata }: KubernetesObject): boolean {
  return metadata.annotations?.[detachedAnnotation] !== undefined;
}
