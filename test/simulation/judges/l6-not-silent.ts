// L6: a host that stays in a passing state longer than people expect says why, and what comes next. Counted from its
// entry into the state, whatever is wrong: that is what people see. The size of an image adds nothing here.
import type { KubernetesObject } from "../world/events.ts";
import { fleetOf } from "./fleet-of.ts";
import { isHandsOff, stateOf, statusOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

const boundMs = 30 * 60_000;
const passing: readonly string[] = [
  "registering",
  "inspecting",
  "preparing",
  "provisioning",
  "deprovisioning",
  "powering off before delete",
  "deleting",
];

interface Condition {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
}

export const l6: JudgeKind = {
  id: "L6",
  says: "a host that is in a passing state for 30 min has a condition that says why and what is next",
  make(report) {
    const since = new Map<string, { readonly state: string; readonly atMs: number }>();
    return {
      on: {
        object({ after, verb, atMs }) {
          if (after.kind !== "BareMetalHost") return;
          const { uid } = after.metadata;
          if (verb === "gone") since.delete(uid);
          else if (since.get(uid)?.state !== stateOf(after)) {
            since.set(uid, { state: stateOf(after), atMs });
          }
        },
      },
      look(truth) {
        for (const { object } of fleetOf(truth)) {
          const { uid, name } = object.metadata;
          const { state = "", atMs = Infinity } = since.get(uid) ?? {};
          const sinceMs = truth.nowMs() - atMs;
          if (!passing.includes(state) || sinceMs <= boundMs || isHandsOff(object)) continue;
          if (!saysWhy(object)) report(`${name} is ${state} for ${sinceMs} ms, and silent`, name);
        }
      },
    };
  },
};

/** In words, not only by a type that upstream has. */
function saysWhy(host: KubernetesObject): boolean {
  const { conditions = [] } = (host.status ?? {}) as { readonly conditions?: readonly Condition[] };
  const said = conditions.find(({ type }) => type === "farrier.dev/Operation");
  const { reason = "", message = "" } = said ?? {};
  return (reason !== "" && message !== "") || (statusOf(host).errorMessage ?? "") !== "";
}
