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

/** How a program is built. `version` is that of Kubernetes, "v1.minor.patch". */
export function moduleOf(name: ProgramName, version: string = kubernetesVersion): GoProgram {
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
