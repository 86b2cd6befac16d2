// What the cluster link needs of a Kubernetes API: plain requests by path, and a watch. No caches, no retries. And of
// the workload clusters whose Nodes it links: requests only.
import type { Result } from "../../shared/result.ts";

export interface KubernetesRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query, as in "/api/v1/namespaces/x/secrets/y". */
  readonly path: string;
  readonly body?: unknown;
  /** For PATCH: which kind of patch. */
  readonly patch?: "merge" | "apply" | "json";
}

/** An HTTP status is an answer, not an error; the body is JSON, or undefined when it is none. */
export interface KubernetesAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

export interface KubernetesApi {
  request(request: KubernetesRequest): Promise<Result<KubernetesAnswer, "unreachable">>;
  /**
   * Follows `path` (with its query) until the server, the network or the signal ends it. Events are handed
   * over in order. The value is the HTTP status when the server refused (410: too old), else 0.
   */
  watch(
    path: string,
    onEvent: (event: WatchEvent) => void,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly reason: string }>;
}

/** How a workload cluster is reached: what its kubeconfig says, and nothing from outside of it. */
export interface ClusterAccess {
  /** https, without a slash at the end. */
  readonly server: string;
  /** The name in the server's certificate, where it is not the URL's. */
  readonly serverName: string | undefined;
  /** System roots when absent. */
  readonly caPem: string | undefined;
  readonly certificate: { readonly certPem: string; readonly keyPem: string } | undefined;
  readonly token: string | undefined;
}

/** Connections are kept and reused for equal access; a request that is not answered in seconds fails. */
export type ConnectCluster = (access: ClusterAccess) => Pick<KubernetesApi, "request">;
