// Whether a write is the word of a Metal3Machine or a Metal3Cluster: of no use while another provider has those.
import { usualResource } from "../../shared/protocol/feed.ts";
import type { WriteBack } from "../../shared/protocol/write-back.ts";

const resources: readonly string[] = usualResource.options;

export function isOfClusterApi(write: WriteBack): boolean {
  if (write.kind === "host-patch") return write.consumer.kind === "Metal3Machine";
  if (write.kind === "event") return write.about?.kind.startsWith("Metal3") === true;
  // With the name of a Cluster.
  if (write.kind === "label-secret") return true;
  if (write.kind === "link-node") return resources.includes(write.resource ?? "metal3machines");
  return "resource" in write && resources.includes(write.resource);
}
