// L20: after the faults every host becomes as its spec asks, or says why not, and every Metal3Machine has its host.
import { machineStandOf, standOf } from "../run/converged.ts";
import type { Stand } from "../run/converged.ts";
import type { KubernetesObject } from "../world/events.ts";
import type { JudgeKind } from "./judge.ts";

export const l20: JudgeKind = {
  id: "L20",
  says: "60 minutes after the last fault every host and machine is as wanted, or has an error that a person can read",
  make: (report) => ({
    on: {},
    atEnd(truth) {
      for (const cluster of truth.clusters) {
        const objects = truth.objects(cluster);
        for (const [path, object] of objects) {
          if (standIn(objects, object) !== "waiting") continue;
          const state = JSON.stringify(object.status ?? {}).slice(0, 300);
          report(`${path} still waits: ${state}`, path);
        }
      }
    },
  }),
};

function standIn(
  objects: ReadonlyMap<string, KubernetesObject>,
  object: KubernetesObject,
): Stand | undefined {
  if (object.kind === "BareMetalHost") return standOf(object);
  return object.kind === "Metal3Machine" ? machineStandOf(object, objects) : undefined;
}
