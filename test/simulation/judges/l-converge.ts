// L20: after the faults every host becomes as its spec asks, or says why not.
import { standOf } from "../run/converged.ts";
import type { JudgeKind } from "./judge.ts";

export const l20: JudgeKind = {
  id: "L20",
  says: "60 minutes after the last fault every host is as wanted, or has an error that a person can read",
  make: (report) => ({
    on: {},
    atEnd(truth) {
      for (const cluster of truth.clusters) {
        for (const [path, object] of truth.objects(cluster)) {
          if (object.kind !== "BareMetalHost" || standOf(object) !== "waiting") continue;
          const state = JSON.stringify(object.status ?? {}).slice(0, 300);
          report(`${path} still waits: ${state}`, path);
        }
      }
    },
  }),
};
