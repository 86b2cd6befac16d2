// The Kubernetes API by @kubernetes/client-node: its KubeConfig for credentials, its Watch for streams. Its
// informer is not used: it stops for good at the first error that is not a 410.
import { request as httpsRequest, type RequestOptions } from "node:https";
import { KubeConfig, Watch } from "@kubernetes/client-node";
import { err, ok, type Result } from "../../shared/result.ts";
import type { KubernetesAnswer, KubernetesApi, KubernetesRequest } from "../cluster/port.ts";

const timeoutMs = 30_000;
const contentTypes = {
  merge: "application/merge-patch+json",
  apply: "application/apply-patch+yaml",
  json: "application/json-patch+json",
} as const;

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
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const options: RequestOptions = {
    method: request.method,
    headers: {
      accept: "application/json",
      ...(body === undefined
        ? {}
        : {
            "content-type":
              request.patch === undefined ? "application/json" : contentTypes[request.patch],
            "content-length": Buffer.byteLength(body),
          }),
    },
    signal: AbortSignal.timeout(timeoutMs),
  };
  await config.applyToHTTPSOptions(options);
  return await new Promise((resolve) => {
    const failed = (error: Error) =>
      resolve(
        err("unreachable", `The Kubernetes API at ${server} cannot be reached: ${error.message}`),
      );
    const sent = httpsRequest(
      new URL(server.replace(/\/$/, "") + request.path),
      options,
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", failed);
        response.on("end", () =>
          resolve(
            ok({
              status: response.statusCode ?? 0,
              body: parse(Buffer.concat(chunks).toString("utf8")),
            }),
          ),
        );
      },
    );
    sent.on("error", failed);
    sent.end(body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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
