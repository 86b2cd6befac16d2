// S5: nobody uses two hosts, and what tells a Node whose it is, the providerID, was nobody else's before. That of a
// Machine of OpenShift names its host: it is another's when that is being deleted.
import type { WorldEvent } from "../world/events.ts";
import { consumerOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { isDeleting, isMachine, isOpenShiftMachine } from "./machine-of.ts";

type ObjectEvent = Extract<WorldEvent, { readonly kind: "object" }>;

export const s5: JudgeKind = {
  id: "S5",
  says: "a consumer holds at most one host, and a providerID names one consumer only",
  make(report) {
    /** Path of the host by "cluster consumer". */
    const held = new Map<string, Set<string>>();
    /** Uid of the machine by "cluster providerID". */
    const named = new Map<string, string>();
    const onHost = ({ cluster, path, before, after, verb }: ObjectEvent): void => {
      const was = consumerOf(before);
      const is = verb === "gone" ? undefined : consumerOf(after);
      if (was !== undefined) held.get(`${cluster} ${was}`)?.delete(path);
      if (is === undefined) return;
      const hosts = held.get(`${cluster} ${is}`) ?? new Set();
      held.set(`${cluster} ${is}`, hosts.add(path));
      if (hosts.size > 1) report(`${is} holds ${[...hosts].join(" and ")}`, path);
    };
    const onMachine = ({ cluster, path, after, verb }: ObjectEvent): void => {
      const { providerID } = (after.spec ?? {}) as { readonly providerID?: string };
      if (providerID === undefined) return;
      const { uid } = after.metadata;
      const isOver = isOpenShiftMachine(after) && (verb === "gone" || isDeleting(after));
      if (isOver) {
        if (named.get(`${cluster} ${providerID}`) === uid) named.delete(`${cluster} ${providerID}`);
        return;
      }
      const owner = named.get(`${cluster} ${providerID}`) ?? uid;
      named.set(`${cluster} ${providerID}`, owner);
      if (owner !== uid) report(`${providerID} was the providerID of ${owner}`, path);
    };
    return {
      on: {
        object(event) {
          if (event.after.kind === "BareMetalHost") onHost(event);
          if (isMachine(event.after)) onMachine(event);
        },
      },
    };
  },
};
