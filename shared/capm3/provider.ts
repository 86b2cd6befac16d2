// The group, versions and labels by which cluster-api finds the kinds of an infrastructure provider.

export const infrastructureGroup = "infrastructure.cluster.x-k8s.io";

/** On every definition: which contract which version obeys, and whose kind it is. */
export const providerLabels = {
  "cluster.x-k8s.io/provider": "infrastructure-metal3",
  "cluster.x-k8s.io/v1beta1": "v1beta1",
  "cluster.x-k8s.io/v1beta2": "v1beta2",
} as const;
