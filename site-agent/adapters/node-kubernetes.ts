// The Kubernetes API by @kubernetes/client-node: its KubeConfig for credentials, its Watch for streams. Its
// informer is not used: it stops for good at the first error that is not a 410.
import { Agent, type RequestOptions } from "node:https";
import { KubeConfig, Watch } from "@kubernetes/client-node";
import { err, type Result } from "../../shared/result.ts";
import type { KubernetesAnswer, KubernetesApi, KubernetesRequest } from "../cluster/port.ts";
import { sendToKubernetes } from "./send-to-kubernetes.ts";

const timeoutMs = 30_000;
/** The server keeps connections for longer. */
const idleMs = 10_000;

/** `kubeconfig`: a file's path; absent: the service account of the pod. Throws when there is neither. */
export function makeNodeKubernetes(kubeconfig: string | undefined): KubernetesApi {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromCluster();
  else config.loadFromFile(kubeconfig);
  const keep = keeper();
  return {
    request: (request) => send({ config, keep }, request),
    watch: (path, onEvent, signal) => follow(config, path, onEvent, signal),
  };
}

/**
 * The client's own agents open a connection for each request: that is a handshake for each write. It makes a new one
 * when the credentials change; the connections of the old one end as they fall idle.
 */
function keeper(): (given: RequestOptions["agent"]) => RequestOptions["agent"] {
  const kept = new WeakMap<Agent, Agent>();
  return (given) => {
    // What goes through a proxy does as before.
    if (!(given instanceof Agent)) return given;
    const known =
      kept.get(given) ?? new Agent({ ...given.options, keepAlive: true, timeout: idleMs });
    kept.set(given, known);
    return known;
  };
}

interface Connection {
  readonly config: KubeConfig;
  readonly keep: ReturnType<typeof keeper>;
}

async function send(
  { config, keep }: Connection,
  request: KubernetesRequest,
): Promise<Result<KubernetesAnswer, "unreachable">> {
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) return err("unreachable", "The kubeconfig names no cluster.");
  const options: RequestOptions = { headers: {} };
  await config.applyToHTTPSOptions(options);
  options.agent = keep(options.agent);
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
