// L1: what a host's spec says of its machine reaches the site, and what is decided of it reaches its status. The bound is that for lost notifications, which are no
// excuse; how fast it is as a rule is measured in real time, by test/bench.
import type { KubernetesObject, WorldEvent } from "../world/events.ts";
import { betweenPeopleAndAgents, Calm } from "./calm.ts";
import type { Matters } from "./calm.ts";
import { pausedAnnotation, specOf, stateOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { ShownStatus } from "./shown-status.ts";
import { Waits } from "./waits.ts";

const boundMs = 35_000;
/** One that only registers, and that a database knows (again), lets hosts that hold a machine claim first. */
const othersClaimMs = 60_000;

type Document = Extract<WorldEvent, { readonly kind: "delivered" }>["document"];

const matters: Matters = (trouble) =>
  betweenPeopleAndAgents(trouble) && !trouble.what.startsWith("notification");

export const l1: JudgeKind = {
  id: "L1",
  says: "a changed spec is at the connected agent of its site within 35 s, and what was decided is in the status within 70 s",
  make(report) {
    const calm = new Calm();
    /** What each host's site was told last. */
    const told = new Map<string, NonNullable<Document>>();
    const revisions = new Map<string, number>();
    const hosts = new Map<string, KubernetesObject>();
    /** Until when others come first. */
    const secondUntilMs = new Map<string, number>();
    const sinceMs = () => calm.connectedSinceMs(matters);
    const waits = new Waits(boundMs, (uid, afterMs) =>
      report(`the site does not know the spec of ${uid} after ${afterMs} ms`, uid),
    );
    const status = new ShownStatus((uid, afterMs) =>
      report(`the status of ${uid} is not what was decided ${afterMs} ms ago`, uid),
    );
    const compare = (host: KubernetesObject, atMs: number): void => {
      const { uid } = host.metadata;
      const document = told.get(uid);
      if (document === undefined) waits.drop(uid);
      else if (isSame(document, host)) waits.end(uid, atMs, sinceMs());
      else waits.begin(uid, Math.max(atMs, secondUntilMs.get(uid) ?? 0));
    };
    const takenOver = (uid: string, atMs: number): void => {
      const host = hosts.get(uid);
      if (host === undefined || stateOf(host) !== "registering") return;
      secondUntilMs.set(uid, atMs + othersClaimMs);
      waits.drop(uid);
      compare(host, atMs);
    };
    return {
      on: {
        ...calm.on,
        commit(event) {
          status.onCommit(event, sinceMs);
          const { table, key, before, after, atMs } = event;
          const isNew = before === undefined && after !== undefined;
          if (table === "hosts" && isNew) takenOver(key, atMs);
        },
        object(event) {
          status.onObject(event, sinceMs);
          const { after, verb, atMs } = event;
          if (after.kind !== "BareMetalHost") return;
          const { uid } = after.metadata;
          if (verb === "gone") for (const map of [told, hosts, secondUntilMs]) map.delete(uid);
          else hosts.set(uid, after);
          compare(after, atMs);
        },
        delivered({ what, hostUid, document, revision = 0, atMs }) {
          // A frame may come twice, the second time after a newer one.
          if (revision < (revisions.get(hostUid) ?? 0)) return;
          if (what === "remove-document") told.delete(hostUid);
          else if (what !== "document" || document === undefined) return;
          else told.set(hostUid, document);
          revisions.set(hostUid, revision);
          const host = hosts.get(hostUid);
          if (host === undefined) waits.drop(hostUid);
          else compare(host, atMs);
        },
      },
      look(truth) {
        // A site forgets what a restored database does not speak of.
        for (const uid of waits.keys) {
          if (truth.holders(uid).length > 0) continue;
          told.delete(uid);
          waits.drop(uid);
        }
        waits.look(truth.nowMs(), sinceMs);
        status.look(truth.nowMs(), sinceMs);
      },
    };
  },
};

function isSame(
  { hold, bmcAddress, bootMACAddress = "" }: NonNullable<Document>,
  host: KubernetesObject,
): boolean {
  const { externallyProvisioned, disablePowerOff, bmc, bootMACAddress: mac = "" } = specOf(host);
  return (
    hold.paused === (host.metadata.annotations?.[pausedAnnotation] !== undefined) &&
    hold.externallyProvisioned === (externallyProvisioned === true) &&
    hold.disablePowerOff === (disablePowerOff === true) &&
    bmcAddress === bmc?.address &&
    bootMACAddress === mac.toLowerCase()
  );
}
