// S16: a host gives nobody a Secret of another namespace.
import type { KubernetesObject } from "../world/events.ts";
import { specOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

export const s16: JudgeKind = {
  id: "S16",
  says: "Farrier reads only Secrets that a host of the same namespace names, and kubeconfigs of Clusters",
  make(report) {
    const named = new Set<string>();
    return {
      on: {
        object({ cluster, after }) {
          const { namespace, name: own } = after.metadata;
          if (after.kind === "Cluster") named.add(`${cluster}/${namespace}/${own}-kubeconfig`);
          if (after.kind !== "BareMetalHost") return;
          for (const name of namesIn(after)) named.add(`${cluster}/${namespace}/${name}`);
        },
        "secret-read"({ cluster, namespace, name, by }) {
          const path = `${cluster}/${namespace}/${name}`;
          if (by !== "farrier" || named.has(path)) return;
          report(`Secret ${path} was read, and no host or Cluster of its namespace names it`, path);
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
