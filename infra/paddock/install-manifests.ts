// Puts into a Kubernetes API what Farrier ships: kinds, rights of the cluster link, policy and webhook.
import { join } from "node:path";
import { crdFileName } from "../crds/custom-resource-definition.ts";
import { allKinds, kinds } from "../crds/kinds.table.ts";
import type { KubernetesHandle } from "../kubernetes/start-kubernetes.ts";
import { renderWebhook } from "../manifests/render-webhook.ts";

const infra = join(import.meta.dirname, "..");
const files = ["manifests/cluster-link.yaml", "manifests/validating-admission-policy.yaml"];

/** Kinds, rights and policy; OpenShift's kinds on request. Returns the cluster link's kubeconfig. */
export async function installManifests(
  kubernetes: KubernetesHandle,
  { openShift = false }: { readonly openShift?: boolean } = {},
): Promise<string> {
  const installed = openShift ? allKinds : kinds;
  const definitions = installed.map((kind) => `crds/${crdFileName(kind)}`);
  const rights = openShift ? ["manifests/openshift.yaml"] : [];
  const all = [...definitions, ...files, ...rights].flatMap((file) => ["-f", join(infra, file)]);
  await apply(kubernetes, all);
  const names = installed.map(({ plural, group }) => `crd/${plural}.${group}`);
  await orThrow(kubernetes, ["wait", "--for=condition=Established", "--timeout=30s", ...names]);
  return await kubernetes.kubeconfigFor({
    serviceAccount: "farrier-cluster-link",
    namespace: "farrier-system",
  });
}

export async function installWebhook(
  kubernetes: KubernetesHandle,
  webhook: { readonly url: string; readonly caPem: string },
): Promise<void> {
  await apply(
    kubernetes,
    ["-f", "-"],
    renderWebhook({ url: webhook.url, caBundle: webhook.caPem }),
  );
}

async function apply(
  kubernetes: KubernetesHandle,
  args: readonly string[],
  input?: string,
): Promise<void> {
  // What the cluster link wrote into a definition is written anew, and the link writes it again.
  await orThrow(kubernetes, ["apply", "--server-side", "--force-conflicts", ...args], input);
}

async function orThrow(
  kubernetes: KubernetesHandle,
  args: readonly string[],
  input?: string,
): Promise<void> {
  const { code, stderr } = await kubernetes.kubectl(args, input === undefined ? {} : { input });
  if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
}
