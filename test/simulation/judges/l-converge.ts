// L20: after the faults every host becomes as its spec asks, or says why not, and every machine has its host. What
// was found out about a host's hardware stands beside it.
import { standIn, standOf } from "../run/converged.ts";
import type { KubernetesObject } from "../world/events.ts";
import { isHeld, statusOf } from "./host-of.ts";
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
        for (const { metadata } of withoutHardwareData(objects)) {
          report(`${metadata.name} was inspected, and has no HardwareData`, metadata.uid);
        }
      }
    },
  }),
};

function withoutHardwareData(
  objects: ReadonlyMap<string, KubernetesObject>,
): readonly KubernetesObject[] {
  const nameOf = ({ metadata: { namespace, name } }: KubernetesObject) => `${namespace}/${name}`;
  const all = [...objects.values()];
  const there = new Set(all.filter(({ kind }) => kind === "HardwareData").map(nameOf));
  return all.filter(
    (object) =>
      object.kind === "BareMetalHost" &&
      object.status?.["hardware"] !== undefined &&
      (statusOf(object).errorMessage ?? "") === "" &&
      standOf(object) === "wanted" &&
      !isHeld(object) &&
      !there.has(nameOf(object)),
  );
}
