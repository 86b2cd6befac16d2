// S33: what admission was asked about and Kubernetes did not store changes nothing: the control plane keeps only forms
// of a host that an API server stored, and only images that a stored spec named are written.
import { isDeepStrictEqual } from "node:util";
import type { KubernetesObject } from "../world/events.ts";
import { specOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

interface Stored {
  /** By resourceVersion. */
  readonly specs: Map<string, KubernetesObject["spec"]>;
  readonly images: Set<string>;
}

export const s33: JudgeKind = {
  id: "S33",
  says: "no dry run and no refused write is taken for what the host shall be",
  make(report) {
    const hosts = new Map<string, Stored>();
    return {
      on: {
        object({ after }) {
          if (after.kind !== "BareMetalHost") return;
          const { uid, resourceVersion } = after.metadata;
          const { specs, images } = hosts.get(uid) ?? { specs: new Map(), images: new Set() };
          hosts.set(uid, { specs, images });
          specs.set(resourceVersion, after.spec);
          const url = specOf(after).image?.url;
          if (url !== undefined) images.add(url);
        },
        commit({ table, key, before, after }) {
          if (table !== "hosts" || after === undefined) return;
          const object = after["object"] as KubernetesObject;
          if (object === before?.["object"]) return;
          const { resourceVersion, name } = object.metadata;
          const specs = hosts.get(key)?.specs;
          const isStored = specs?.has(resourceVersion) === true;
          if (isStored && isDeepStrictEqual(specs.get(resourceVersion), object.spec)) return;
          report(
            `${name} is kept as Kubernetes never stored it (version ${resourceVersion})`,
            name,
          );
        },
        delivered({ hostUid, image }) {
          if (image === undefined || hosts.get(hostUid)?.images.has(image) === true) return;
          report(`${image} is to be written, and no stored spec named it`, hostUid);
        },
      },
    };
  },
};
