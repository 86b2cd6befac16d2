// The Kubernetes API by @kubernetes/client-node: its KubeConfig for credentials, its Watch for streams. Its
// informer is not used: it stops for good at the first error that is not a 410.
import type { RequestOptions } from "node:https";
import { KubeConfig, Watch } from "@kubernetes/client-node";
import { err, type Result } from "../../shared/result.ts";
import type { KubernetesAnswer, KubernetesApi, KubernetesRequest } from "../cluster/port.ts";
import { sendToKubernetes } from "./send-to-kubernetes.ts";

const timeoutMs = 30_000;

/** `kubeconfig`: a file's path; absent: the service account of the pod. Throws when there is neither. */
export function makeNodeKubernetes(kubeconfig: string | undefined): KubernetesApi {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromCluster();
  else config.loadFromFile(kubeconfig);
  return {
    request: (request) => send(config, request),
    watch: (path, onEvent, signal) => follow(config, path, onEvent, signal),
  };
}

async function send(
  config: KubeConfig,
  request: KubernetesRequest,
): Promise<Result<KubernetesAnswer, "unreachable">> {
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) return err("unreachable", "The kubeconfig names no cluster.");
  const options: RequestOptions = { headers: {} };
  await config.applyToHTTPSOptions(options);
  return await sendToKubernetes({ server, options, timeoutMs, maxBytes: Infinity }, request);
}

async function follow(
  config: KubeConfig,
  path: string,
  onEvent: (event: { type: string; object: unknown }) => void,
  signal: AbortSignal,
): Promise<{ status: number; reason: string }> {
  const [bare = path, query = ""] = path.split("?");
  return await new Promise((resolve) => {
    const done = (error: unknown) => {
      const status = (error as { statusCode?: number } | null)?.statusCode ?? 0;
      resolve({ status, reason: error instanceof Error ? error.message : "closed" });
    };
    const parameters = Object.fromEntries(new URLSearchParams(query));
    new Watch(config)
      .watch(bare, parameters, (type: string, object: unknown) => onEvent({ type, object }), done)
      .then((controller) => {
        if (signal.aborted) controller.abort();
        else signal.addEventListener("abort", () => controller.abort(), { once: true });
      }, done);
  });
}
