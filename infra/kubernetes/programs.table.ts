// The programs of a Kubernetes API of one's own, and the modules they are built from.

import type { GoProgram } from "../preparation/go-program.ts";

export const kubernetesVersion = "v1.36.3";
const etcdVersion = "v3.6.16";

export const programNames = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kubectl",
] as const;

export type ProgramName = (typeof programNames)[number];

const clusterApiVersion = "v1.14.0";

/** The core of cluster-api, with the kinds and the rights that it is shipped with. */
export const clusterApi: GoProgram = {
  module: "sigs.k8s.io/cluster-api",
  version: clusterApiVersion,
  package: "sigs.k8s.io/cluster-api/core",
  binary: "cluster-api",
  // Its go.mod says v0.0.0 and replaces it by a folder, which only counts in its own checkout.
  requires: { "sigs.k8s.io/cluster-api/api": clusterApiVersion },
  variables: { "sigs.k8s.io/cluster-api/version.gitVersion": clusterApiVersion },
  folders: { kinds: "core/config/crd/bases", rights: "core/config/rbac" },
};

/** How a program is built. `version` is that of Kubernetes, "v1.minor.patch". */
export function moduleOf(
  name: ProgramName | "kubelet",
  version: string = kubernetesVersion,
): GoProgram {
  if (name === "etcd") {
    const module = "go.etcd.io/etcd/server/v3";
    return { module, version: etcdVersion, package: module, binary: "etcd" };
  }
  const [, minor = "0", patch = "0"] = version.replace(/^v/, "").split(".");
  // Without these, clients see v0.0.0-master, and version checks fail.
  const versionPackage = "k8s.io/component-base/version";
  return {
    module: "k8s.io/kubernetes",
    version,
    package: `k8s.io/kubernetes/cmd/${name}`,
    binary: name,
    unversioned: `v0.${minor}.${patch}`,
    variables: {
      [`${versionPackage}.gitVersion`]: version,
      [`${versionPackage}.gitMajor`]: "1",
      [`${versionPackage}.gitMinor`]: minor,
      [`${versionPackage}.gitTreeState`]: "clean",
    },
  };
}
