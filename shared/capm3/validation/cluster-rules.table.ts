// Rules about the spec of a Metal3Cluster, and of what is made from a Metal3ClusterTemplate.
import type { Metal3ClusterSpec } from "../v1beta2/metal3-cluster.ts";
import type { ProviderRule } from "./provider-rule.ts";

export const clusterRules: readonly ProviderRule<Metal3ClusterSpec>[] = [
  {
    id: "endpoint-host", // M06
    field: "controlPlaneEndpoint.host",
    check: ({ controlPlaneEndpoint }) =>
      (controlPlaneEndpoint?.host ?? "") === ""
        ? "is required; give the name or address by which the cluster's API is reached"
        : undefined,
    cel: {
      expression:
        "has(SPEC.controlPlaneEndpoint) && has(SPEC.controlPlaneEndpoint.host) && SPEC.controlPlaneEndpoint.host != ''",
      message: "controlPlaneEndpoint.host is required",
      needsSpec: true,
    },
  },
];

/** A template gets no default. */
export const clusterTemplateRules: readonly ProviderRule<Metal3ClusterSpec>[] = [
  ...clusterRules,
  {
    id: "endpoint-port", // M06
    field: "controlPlaneEndpoint.port",
    check: ({ controlPlaneEndpoint }) =>
      controlPlaneEndpoint?.port === undefined
        ? "is required in a template; 6443 is what a Metal3Cluster has by default"
        : undefined,
    cel: {
      expression: "has(SPEC.controlPlaneEndpoint) && has(SPEC.controlPlaneEndpoint.port)",
      message: "controlPlaneEndpoint.port is required in a template",
      needsSpec: true,
    },
  },
];
