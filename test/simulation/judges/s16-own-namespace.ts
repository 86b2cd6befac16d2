// S16: a host gives nobody a Secret of another namespace.
import type { KubernetesObject } from "../world/events.ts";
import { specOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

export const s16: JudgeKind = {
  id: "S16",
  says: "Farrier reads only Secrets that a host of the same namespace names",
  make(report) {
    const named = new Set<string>();
    return {
      on: {
        object({ cluster, after }) {
          if (after.kind !== "BareMetalHost") return;
          const { namespace } = after.metadata;
          for (const name of namesIn(after)) named.add(`${cluster}/${namespace}/${name}`);
        },
        "secret-read"({ cluster, namespace, name, by }) {
          const path = `${cluster}/${namespace}/${name}`;
          if (by !== "farrier" || named.has(path)) return;
          report(`Secret ${path} was read, and no host of its namespace names it`, path);
        },
      },
    };
  },
};

function namesIn(host: KubernetesObject): readonly string[] {
  const { bmc, userData, networkData, metaData, preprovisioningNetworkDataName } = specOf(host);
  const data = [userData, networkData, metaData].map((reference) => reference?.name);
  return [bmc?.credentialsName, preprovisioningNetworkDataName, ...data].filter(
    (name) => name !== undefined,
  );
}
