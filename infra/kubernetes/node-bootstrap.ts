// What a machine needs to join a Kubernetes API as a Node: rights for those who join, a token, and the user data that
// gives it to a kubelet (infra/lab/operating-system/node-image.ts). As kubeadm has it, without kubeadm.

import { randomBytes } from "node:crypto";
import { stringify } from "yaml";
import type { KubernetesHandle } from "./start-kubernetes.ts";

const bootstrappers = "system:bootstrappers";

/** ClusterRoles that Kubernetes has, and the groups that get them here. */
const grants = [
  { role: "system:node-bootstrapper", group: bootstrappers },
  {
    role: "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
    group: bootstrappers,
  },
  {
    role: "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
    group: "system:nodes",
  },
] as const;

/** Returns a kubeconfig to join with. @param url where machines reach the API */
export async function admitNodes(kubernetes: KubernetesHandle, url: string): Promise<string> {
  const [id, secret] = [randomBytes(3).toString("hex"), randomBytes(8).toString("hex")];
  const apiGroup = "rbac.authorization.k8s.io";
  const bindings = grants.map(({ role, group }) => ({
    apiVersion: `${apiGroup}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name: `admit-nodes:${role}` },
    roleRef: { apiGroup, kind: "ClusterRole", name: role },
    subjects: [{ apiGroup, kind: "Group", name: group }],
  }));
  const token = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace: "kube-system", name: `bootstrap-token-${id}` },
    type: "bootstrap.kubernetes.io/token",
    stringData: {
      "token-id": id,
      "token-secret": secret,
      "usage-bootstrap-authentication": "true",
    },
  };
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: [...bindings, token] });
  const { code, stderr } = await kubernetes.kubectl(["apply", "--filename=-"], { input });
  if (code !== 0) throw new Error(`Nodes cannot be admitted: ${stderr}`);
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "join",
    clusters: [
      {
        name: "join",
        cluster: {
          server: url,
          // The address may be that of a relay, which the certificate does not name.
          "tls-server-name": "kubernetes",
          "certificate-authority-data": Buffer.from(kubernetes.caPem).toString("base64"),
        },
      },
    ],
    users: [{ name: "join", user: { token: `${id}.${secret}` } }],
    contexts: [{ name: "join", context: { cluster: "join", user: "join" } }],
  });
}

/** For cloud-init: makes a machine with the node image a Node. */
export function nodeUserData(kubeconfig: string): string {
  const kubelet = {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true } },
    authorization: { mode: "Webhook" },
    cgroupDriver: "systemd",
    containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    rotateCertificates: true,
    // There is no iptables, and nothing to route.
    makeIPTablesUtilChains: false,
    // A small disk is full of what it came with; the image of a pod comes from nowhere else.
    evictionHard: {
      "memory.available": "20Mi",
      "nodefs.available": "1%",
      "imagefs.available": "1%",
    },
    imageGCHighThresholdPercent: 100,
  };
  const files = [
    { path: "/etc/kubernetes/join.kubeconfig", permissions: "0600", content: kubeconfig },
    { path: "/etc/kubernetes/kubelet.yaml", permissions: "0600", content: stringify(kubelet) },
  ];
  return `#cloud-config\n${stringify({ write_files: files })}`;
}
