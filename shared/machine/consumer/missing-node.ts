// How a Node that is not there yet is told of, before and after the cluster link has looked for it: in other words each
// would be one more version of the machine's status.
import type { WriteBack } from "../../protocol/write-back.ts";

/** On the Node: the host's uid. */
export const hostUidLabel = "metal3.io/uuid";

type Sought = Pick<
  Extract<WriteBack, { kind: "link-node" }>,
  "namespace" | "clusterName" | "providerID" | "hostUid" | "systemUuid" | "hostnames"
>;

/** Of its own cluster, a Node is looked for without a name of the cluster. */
export function clusterText({ namespace, clusterName }: Sought): string {
  return clusterName === undefined ? "this cluster" : `cluster ${namespace}/${clusterName}`;
}

export function missingNodeText(sought: Sought): string {
  const { providerID, hostUid, systemUuid, hostnames } = sought;
  const signs = [
    `providerID "${providerID}"`,
    `label ${hostUidLabel}=${hostUid}`,
    ...(systemUuid === undefined ? [] : [`system UUID ${systemUuid}`]),
    ...(hostnames.length === 0 ? [] : [`hostname ${hostnames.join(" or ")}`]),
  ];
  return `waits for a Node of ${clusterText(sought)} with ${signs.join(", ")}`;
}
