// Connections to workload clusters: kept alive and reused for equal access, few for each cluster, and few clusters.
import { createHash } from "node:crypto";
import { Agent } from "node:https";
import type { ClusterAccess, ConnectCluster } from "../cluster/port.ts";
import { sendToKubernetes } from "./send-to-kubernetes.ts";

const idleMs = 30_000;
const maxSockets = 8;

interface Limits {
  /** Of a request, to the end of its answer. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Clusters whose connections are kept; beyond it those go that were not used for the longest. */
  readonly maxClusters: number;
}

const usual: Limits = { timeoutMs: 5_000, maxBytes: 64 * 1024 * 1024, maxClusters: 64 };

interface Connected {
  readonly agent: Agent;
  readonly api: ReturnType<ConnectCluster>;
}

export function makeNodeConnectCluster(limits = usual): ConnectCluster {
  const kept = new Map<string, Connected>();
  return (access) => {
    const key = createHash("sha256").update(JSON.stringify(access)).digest("hex");
    const connected = kept.get(key) ?? connect(access, limits);
    kept.delete(key);
    kept.set(key, connected);
    for (const [oldest, { agent }] of kept) {
      if (kept.size <= limits.maxClusters) break;
      kept.delete(oldest);
      agent.destroy();
    }
    return connected.api;
  };
}

function connect(access: ClusterAccess, { timeoutMs, maxBytes }: Limits): Connected {
  const { server, serverName, caPem, certificate, token } = access;
  const agent = new Agent({
    keepAlive: true,
    timeout: idleMs,
    maxSockets,
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(caPem === undefined ? {} : { ca: caPem }),
    ...(certificate === undefined ? {} : { cert: certificate.certPem, key: certificate.keyPem }),
  });
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const target = { server, options: { agent, headers }, timeoutMs, maxBytes };
  return { agent, api: { request: (request) => sendToKubernetes(target, request) } };
}
